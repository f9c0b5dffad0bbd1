/* The request that is tried, and the key that its server knows. */
#include "cmocka_all.h"

#include "sigv4_trial.h"

#include <string.h>

const char TRIAL_TYPICAL[] = "POST /update-connector-profile HTTP/1.1\n"
                             "Host: 127.0.0.1:8620\n"
                             "Content-Type: application/json\n"
                             "User-Agent: a tool/1.0\n"
                             "X-Amz-User-Agent: a   tool/1.0 \n"
                             "amz-sdk-invocation-id: 7f5a4f6e\n"
                             "\n"
                             "{\"connectorProfileName\": \"crm\"}";

static const struct secret *find_key(void *context, struct str access_key_id, struct arena *arena,
                                     struct str *ret_account, struct error *error)
{
    struct trial *trial = context;
    if (trial->find_fails != ERR_NONE) {
        (void)fail(error, trial->find_fails, "The store cannot be read.");
        return NULL;
    }
    if (!str_eq(access_key_id, STR("AKIDEXAMPLE")))
        return NULL;
    *ret_account = arena_copy(arena, STR("123456789012"));
    return trial->secret;
}

bool trial_verify_at(struct trial *trial, int64_t now_ms)
{
    const struct sigv4_keys keys = {.find = find_key, .context = trial};
    trial->error = (struct error){.code = ERR_NONE};
    trial->caller = (struct sigv4_caller){.account = STR_NULL};
    const struct str service_name = STR("appflow");
    const struct sigv4_services services = {&service_name, 1};
    return sigv4_verify(&trial->text.request, &services, now_ms, &keys, trial->cache, &trial->arena,
                        &trial->caller, &trial->error);
}

bool trial_verify(struct trial *trial)
{
    return trial_verify_at(trial, NOW_MS);
}

void trial_refused(struct trial *trial, int code, const char *message)
{
    assert_false(trial_verify(trial));
    assert_string_equal(trial->error.message, message);
    assert_int_equal(trial->error.code, code);
    assert_null(trial->caller.account.data);
}

struct http_header *trial_header(struct trial *trial, const char *name)
{
    for (size_t i = 0; i < trial->text.request.header_count; i++) {
        if (str_eq_nocase(trial->text.headers[i].name, str_from(name)))
            return &trial->text.headers[i];
    }
    return NULL;
}

void trial_add(struct trial *trial, const char *name, const char *value)
{
    request_text_add(&trial->text, str_from(name), str_from(value));
}

void trial_drop(struct trial *trial, const char *name)
{
    struct http_header *at = trial_header(trial, name);
    size_t count = --trial->text.request.header_count;
    memmove(at, at + 1, (size_t)(trial->text.headers + count - at) * sizeof(*at));
}

void trial_parse(struct trial *trial, const char *text)
{
    *trial = (struct trial){.find_fails = ERR_NONE};
    trial->secret = secret_new(STR("a secret that signs"));
    assert_true(request_text_parse(str_from(text), &trial->text));
}

void trial_sign(struct trial *trial, const struct secret *secret, const char *region)
{
    struct str date, authorization;
    sigv4_sign(&trial->text.request, STR("AKIDEXAMPLE"), secret, str_from(region), STR("appflow"),
               NOW_MS, &trial->arena, &date, &authorization);
    request_text_add(&trial->text, STR("X-Amz-Date"), date);
    request_text_add(&trial->text, STR("Authorization"), authorization);
}

void trial_begin(struct trial *trial)
{
    trial_parse(trial, TRIAL_TYPICAL);
    trial_sign(trial, trial->secret, "eu-central-1");
}

void trial_end(struct trial *trial)
{
    secret_free(trial->secret);
    sigv4_key_cache_free(trial->cache);
    arena_done(&trial->arena);
}

void trial_begin_with(struct trial *trial, const char *authorization)
{
    trial_begin(trial);
    trial_header(trial, "authorization")->value = str_from(authorization);
}

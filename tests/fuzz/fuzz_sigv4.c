/* Any request text against the verifier, which knows one access key with a secret that the input
 * cannot know: nothing may get in as it is, and whatever has the right form must get in once it is
 * signed. */
#include "unit/request_text.h"
#include "wire/sigv4.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS 1440938160000 /* 20150830T123600Z */

static void must(bool condition)
{
    if (!condition)
        abort();
}

static const struct secret *find_key(void *context, struct str id, struct arena *arena,
                                     struct str *ret_account, struct error *error)
{
    (void)arena;
    (void)error;
    must(sigv4_access_key_id_is_valid(id));
    *ret_account = STR("123456789012");
    return str_eq(id, STR("AKIDEXAMPLE")) ? context : NULL;
}

static bool verify(const struct sigv4_request *request, struct secret *secret,
                   struct sigv4_key_cache *cache, struct arena *arena, struct error *error)
{
    const struct sigv4_keys keys = {.find = find_key, .context = secret};
    struct sigv4_caller caller;
    *error = (struct error){.code = ERR_NONE};
    const struct str service_name = STR("appflow");
    const struct sigv4_services services = {&service_name, 1};
    bool good = sigv4_verify(request, &services, NOW_MS, &keys, cache, arena, &caller, error);
    must(good == (error->code == ERR_NONE));
    must(good || error->message[0] != '\0');
    return good;
}

/* What the input says about itself is dropped, then the request is signed. */
static void sign_and_verify(struct request_text *text, struct secret *secret,
                            struct sigv4_key_cache *cache, struct arena *arena)
{
    struct str date, authorization;
    struct error error;
    size_t kept = 0;
    for (size_t i = 0; i < text->request.header_count; i++) {
        struct str name = text->headers[i].name;
        if (!str_eq_nocase(name, STR("x-amz-date")) && !str_eq_nocase(name, STR("authorization")))
            text->headers[kept++] = text->headers[i];
    }
    text->request.header_count = kept;
    size_t parameters = 0;
    for (size_t i = 0; i < text->request.query.len; i++)
        parameters += text->request.query.data[i] == '&';
    if (kept > SIGV4_HEADERS_MAX - 2 || parameters >= SIGV4_QUERY_PARTS_MAX)
        return;
    sigv4_sign(&text->request, STR("AKIDEXAMPLE"), secret, STR("eu-central-1"), STR("appflow"),
               NOW_MS, arena, &date, &authorization);
    request_text_add(text, STR("X-Amz-Date"), date);
    request_text_add(text, STR("Authorization"), authorization);
    if (!verify(&text->request, secret, cache, arena, &error)) /* the form is wrong, never this: */
        must(!strstr(error.message, "signature we calculated"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct secret *secret;
    static struct sigv4_key_cache *cache;
    static struct request_text text;
    struct str input = {(const char *)data, size};
    struct arena arena = {0};
    struct error error;
    if (!secret) {
        secret = secret_random(32);
        cache = sigv4_key_cache_new();
    }
    struct sigv4_authorization authorization;
    if (sigv4_parse_authorization(input, &authorization, &error))
        must(authorization.signed_count > 0 && authorization.signature.len > 0);
    if (request_text_parse(input, &text)) {
        must(!verify(&text.request, secret, cache, &arena, &error));
        sign_and_verify(&text, secret, cache, &arena);
    }
    arena_done(&arena);
    return 0;
}

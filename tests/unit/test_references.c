/* Resolving references to AWS Secrets Manager, with the answers as they are, and the cache of what
 * was read. */
#include "cmocka_all.h"

#include "auth/references.h"
#include "auth/secret_cache.h"
#include "base/clock.h"
#include "vault/secret.h"
#include "wire/errors.h"
#include "work/cpu_slots.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define OWN "123456789012"
#define OTHER "111122223333"
#define ARN "arn:aws:secretsmanager:eu-west-3:" OWN ":secret:app/vendor-AbCdEf"

static struct reference read_good(const char *text)
{
    struct reference reference;
    assert_true(reference_read(str_from(text), &reference, NULL));
    return reference;
}

/* --- AWS Secrets Manager --- */

static struct client_response next;
static char asked_url[256], asked_body[1024];
static int calls;

static void answer(struct client *client, struct arena *arena, const struct client_request *request,
                   struct client_response *ret_response)
{
    (void)client;
    (void)arena;
    calls++;
    snprintf(asked_url, sizeof(asked_url), "%.*s", STR_ARG(request->url));
    snprintf(asked_body, sizeof(asked_body), "%.*s", STR_ARG(request->body));
    *ret_response = next;
}

struct source {
    struct secret *key;
    struct aws_access aws;
    struct reference_rules *rules;
    struct references *references;
    struct arena arena;
    struct str secret;
    struct error error;
};

static void open_source(struct source *s)
{
    static const char *const rules[] = {OWN "=secretsmanager:*", OTHER "=secretsmanager:*"};
    *s = (struct source){.key = secret_new(STR("own-secret"))};
    s->aws = (struct aws_access){
        .access_key_id = STR("AKID"), .secret_access_key = s->key, .call = answer};
    assert_true(reference_rules_new(rules, 2, &s->rules, NULL));
    s->references = references_new(&(struct references_config){
        .rules = s->rules,
        .aws = {.aws = &s->aws},
        .secrets_manager_url = STR("http://{region}.example"),
    });
    calls = 0;
}

static void close_source(struct source *s)
{
    references_free(s->references);
    reference_rules_free(s->rules);
    secret_free(s->key);
    arena_done(&s->arena);
}

static bool resolve(struct source *s, const char *account, const char *text, int64_t not_before_ms)
{
    struct reference reference = read_good(text);
    const struct reference_question question = {.account = str_from(account),
                                                .region = STR("us-east-1"),
                                                .not_before_ms = not_before_ms,
                                                .deadline_ms = clock_mono_ms() + 1000};
    s->error = (struct error){0};
    return references_resolve(s->references, &question, &reference, &s->arena, &s->secret,
                              &s->error);
}

#define ANSWER "{\"SecretString\":\"{\\\"key\\\":\\\"s3cret\\\",\\\"number\\\":7}\"}"

static void secrets_are_read_and_kept(void **state)
{
    (void)state;
    struct source s;
    open_source(&s);
    next = (struct client_response){.status = 200, .body = STR(ANSWER)};
    assert_true(resolve(&s, OWN, "{{resolve:secretsmanager:" ARN ":SecretString:key}}", 0));
    assert_true(str_eq(s.secret, STR("s3cret")));
    assert_string_equal(asked_url, "http://eu-west-3.example/");
    assert_string_equal(asked_body, "{\"SecretId\":\"" ARN "\"}");
    assert_true(resolve(&s, OWN, "{{resolve:secretsmanager:" ARN "}}", 0));
    assert_true(str_eq(s.secret, STR("{\"key\":\"s3cret\",\"number\":7}")));
    assert_int_equal(calls, 1);
    /* Another version is another text; a name is one of the profile's account and region. */
    assert_true(resolve(&s, OWN, "{{resolve:secretsmanager:n:SecretString:key:AWSPREVIOUS}}", 0));
    assert_string_equal(asked_url, "http://us-east-1.example/");
    assert_string_equal(asked_body, "{\"SecretId\":\"arn:aws:secretsmanager:us-east-1:" OWN
                                    ":secret:n\",\"VersionStage\":\"AWSPREVIOUS\"}");
    assert_true(resolve(&s, OTHER, "{{resolve:secretsmanager:n:SecretString:key::v1}}", 0));
    assert_string_equal(asked_body, "{\"SecretId\":\"arn:aws:secretsmanager:us-east-1:" OTHER
                                    ":secret:n\",\"VersionId\":\"v1\"}");
    assert_int_equal(calls, 3);
    /* What was read before a moment is not good enough after it. */
    next.body = STR("{\"SecretString\":\"{\\\"key\\\":\\\"rotated\\\"}\"}");
    assert_true(resolve(&s, OWN, "{{resolve:secretsmanager:" ARN ":SecretString:key}}", 0));
    assert_true(str_eq(s.secret, STR("s3cret")));
    assert_true(resolve(&s, OWN, "{{resolve:secretsmanager:" ARN ":SecretString:key}}",
                        clock_mono_ms() + 1));
    assert_true(str_eq(s.secret, STR("rotated")));
    close_source(&s);
}

static const struct {
    enum client_outcome outcome;
    int status;
    const char *body;
    int code;
    const char *words;
} ends[] = {
    {CLIENT_OK, 400, "{\"__type\":\"ResourceNotFoundException\"}", ERR_VALIDATION,
     "AWS Secrets Manager has no such secret, or no such version of it"},
    {CLIENT_OK, 400, "{\"__type\":\"com.amazon#InvalidRequestException\"}", ERR_VALIDATION,
     "it was deleted"},
    {CLIENT_OK, 400, "{\"__type\":\"AccessDeniedException\",\"Message\":\"User: arn:x\"}",
     ERR_ACCESS_DENIED, "does not let this server read the secret (HTTP status 400)"},
    {CLIENT_OK, 403, "no JSON", ERR_ACCESS_DENIED, "(HTTP status 403)"},
    {CLIENT_OK, 400,
     "{\"__type\":\"AccessDeniedException\",\"Message\":\"Access to KMS is not "
     "allowed\"}",
     ERR_ACCESS_DENIED, "AWS KMS does not decrypt the secret"},
    {CLIENT_OK, 400, "{\"__type\":\"DecryptionFailure\"}", ERR_ACCESS_DENIED,
     "AWS KMS does not decrypt the secret. Its key is disabled"},
    {CLIENT_OK, 400, "{\"__type\":\"ThrottlingException\"}", ERR_THROTTLING, "later"},
    {CLIENT_OK, 500, "{}", ERR_CONNECTOR_SERVER, "no usable response (HTTP status 500)"},
    {CLIENT_OK, 200, "[", ERR_CONNECTOR_SERVER, "no usable response (HTTP status 200)"},
    {CLIENT_OK, 200, "{\"SecretBinary\":\"YQ==\"}", ERR_VALIDATION, "SecretBinary"},
    {CLIENT_OK, 200, "{\"SecretString\":\"no json\"}", ERR_VALIDATION, "no JSON object"},
    {CLIENT_OK, 200, "{\"SecretString\":\"{\\\"key\\\":7}\"}", ERR_VALIDATION,
     "no text under the key key"},
    {CLIENT_OK, 200, "{\"SecretString\":\"{\\\"key\\\":\\\"\\\"}\"}", ERR_VALIDATION, "empty"},
    {CLIENT_CONNECT, 0, "", ERR_CONNECTOR_SERVER, "could not be reached: it is away"},
    {CLIENT_STOPPED, 0, "", ERR_UNAVAILABLE, "stopping"},
};

static void ends_are_told_apart_and_not_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        struct source s;
        open_source(&s);
        next = (struct client_response){.outcome = ends[i].outcome,
                                        .status = ends[i].status,
                                        .body = str_from(ends[i].body),
                                        .detail = "it is away"};
        const char *text = "{{resolve:secretsmanager:" ARN ":SecretString:key}}";
        assert_false(resolve(&s, OWN, text, 0));
        assert_int_equal(s.error.code, ends[i].code);
        assert_non_null(strstr(s.error.message, ends[i].words));
        assert_null(strstr(s.error.message, "arn:x"));
        next = (struct client_response){.status = 200, .body = STR(ANSWER)};
        assert_true(resolve(&s, OWN, text, clock_mono_ms() + 1));
        close_source(&s);
    }
}

static void without_an_access_key_there_are_no_secrets(void **state)
{
    (void)state;
    struct source s;
    open_source(&s);
    s.aws.secret_access_key = NULL;
    assert_false(resolve(&s, OWN, "{{resolve:secretsmanager:n}}", 0));
    assert_non_null(strstr(s.error.message, "AWS_ACCESS_KEY_ID"));
    assert_int_equal(calls, 0);
    close_source(&s);
}

/* --- the cache --- */

struct slow {
    struct secret_cache *cache;
    struct cpu_slots *slots; /* NULL: none */
    int reads;
    bool fails;
};

static bool read_slowly(void *context, struct arena *arena, struct str *ret_text,
                        struct error *error)
{
    struct slow *slow = context;
    __atomic_add_fetch(&slow->reads, 1, __ATOMIC_SEQ_CST);
    slot_release();
    clock_nap_us(50 * 1000);
    slot_acquire();
    *ret_text = arena_copy(arena, STR("text"));
    return !slow->fails || fail(error, ERR_CONNECTOR_SERVER, "away");
}

static bool read_right(struct slow *slow)
{
    const struct secret_question question = {.account = STR(OWN),
                                             .key = STR("key"),
                                             .deadline_ms = clock_mono_ms() + 2000,
                                             .read = read_slowly,
                                             .context = slow};
    struct arena arena = {0};
    struct str text = STR_NULL;
    struct error error = {0};
    bool got = secret_cache_get(slow->cache, &question, &arena, &text, &error);
    bool right =
        slow->fails ? !got && error.code == ERR_CONNECTOR_SERVER : got && str_eq(text, STR("text"));
    arena_done(&arena);
    return right;
}

struct admission {
    struct slot_request request; /* first, so that one pointer is both */
    sem_t granted;
};

static void grant(struct slot_request *request)
{
    sem_post(&((struct admission *)request)->granted);
}

static void *reader(void *argument)
{
    struct slow *slow = argument;
    struct admission admission = {.request.granted = grant};
    sem_init(&admission.granted, 0, 0);
    if (slow->slots && !cpu_slots_take(slow->slots, &admission.request))
        sem_wait(&admission.granted);
    cpu_slots_use(slow->slots);
    bool right = read_right(slow);
    struct slot_request *after = slow->slots ? cpu_slots_pass(slow->slots) : NULL;
    if (after)
        after->granted(after);
    return right ? slow : NULL;
}

static void read_by_eight(struct slow *slow)
{
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, slow), 0);
    for (size_t i = 0; i < 8; i++) {
        void *right;
        pthread_join(threads[i], &right);
        assert_non_null(right);
    }
}

static void concurrent_readers_share_a_call(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        struct slow slow = {.cache = secret_cache_new(&secret_cache_texts), .fails = fails};
        read_by_eight(&slow);
        assert_in_range(slow.reads, 1, fails ? 8 : 1);
        secret_cache_free(slow.cache);
    }
}

/* Who reads needs a slot to return, so those that wait for it must not hold all of them. */
static void readers_that_wait_hold_no_slot(void **state)
{
    (void)state;
    struct slow slow = {.cache = secret_cache_new(&secret_cache_texts), .slots = cpu_slots_new(2)};
    read_by_eight(&slow);
    assert_int_equal(slow.reads, 1);
    secret_cache_free(slow.cache);
    cpu_slots_free(slow.slots);
}

/* --- shares of the calls --- */

struct nested {
    struct secret_cache *cache;
    int depth;    /* calls that are in progress */
    bool refused; /* the account's next one */
    bool others;  /* another account's was made */
};

static bool read_at_once(void *context, struct arena *arena, struct str *ret_text,
                         struct error *error)
{
    (void)context;
    (void)error;
    *ret_text = arena_copy(arena, STR("text"));
    return true;
}

static bool get_as(struct nested *nested, const char *account, secret_cache_read_fn *read,
                   struct error *error)
{
    struct arena arena = {0};
    struct str text;
    const struct secret_question question = {
        .account = str_from(account),
        .key = arena_printf(&arena, "%s %d", account, nested->depth),
        .deadline_ms = clock_mono_ms() + 1000,
        .read = read,
        .context = nested,
    };
    bool got = secret_cache_get(nested->cache, &question, &arena, &text, error);
    arena_done(&arena);
    return got;
}

/* Each call is made within another one. */
static bool read_within(void *context, struct arena *arena, struct str *ret_text,
                        struct error *error)
{
    struct nested *nested = context;
    struct error why = {0};
    *ret_text = arena_copy(arena, STR("text"));
    if (++nested->depth < SECRET_CACHE_CALLS_MAX / 2)
        return get_as(nested, OWN, read_within, error);
    nested->refused = !get_as(nested, OWN, read_at_once, &why) && why.code == ERR_THROTTLING;
    nested->others = get_as(nested, OTHER, read_at_once, &why);
    return true;
}

static void an_account_takes_not_all_calls(void **state)
{
    (void)state;
    struct nested nested = {.cache = secret_cache_new(&secret_cache_texts)};
    assert_true(get_as(&nested, OWN, read_within, NULL));
    assert_int_equal(nested.depth, SECRET_CACHE_CALLS_MAX / 2);
    assert_true(nested.refused && nested.others);
    assert_true(get_as(&nested, OWN, read_at_once, NULL)); /* what was taken was given back */
    secret_cache_free(nested.cache);
}

static bool read_large(void *context, struct arena *arena, struct str *ret_text,
                       struct error *error)
{
    (void)error;
    ++*(int *)context;
    *ret_text = (struct str){arena_alloc(arena, 64 * 1024), 64 * 1024};
    return true;
}

/* By bytes: 2 MiB are 32 texts of 64 KiB, and the oldest went first. */
static void the_cache_is_bounded(void **state)
{
    (void)state;
    struct secret_cache *cache = secret_cache_new(&secret_cache_texts);
    int reads = 0;
    for (int round = 0; round < 2; round++) {
        for (int i = round ? 39 : 0; round ? i >= 0 : i < 40; i += round ? -1 : 1) {
            struct arena arena = {0};
            struct str text;
            const struct secret_question question = {
                .account = STR(OWN),
                .key = arena_printf(&arena, "key %d", i),
                .deadline_ms = clock_mono_ms() + 1000,
                .read = read_large,
                .context = &reads,
            };
            assert_true(secret_cache_get(cache, &question, &arena, &text, NULL));
            arena_done(&arena);
        }
        assert_int_equal(reads, round ? 40 + 8 : 40);
    }
    secret_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_read_and_kept),
        cmocka_unit_test(ends_are_told_apart_and_not_kept),
        cmocka_unit_test(without_an_access_key_there_are_no_secrets),
        cmocka_unit_test(concurrent_readers_share_a_call),
        cmocka_unit_test(readers_that_wait_hold_no_slot),
        cmocka_unit_test(an_account_takes_not_all_calls),
        cmocka_unit_test(the_cache_is_bounded),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

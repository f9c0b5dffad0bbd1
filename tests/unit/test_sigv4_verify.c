/* Who may come in: right signatures, in all their forms; wrong ones, late ones, unknown keys. */
#include "cmocka_all.h"

#include "sigv4_trial.h"
#include "wire/errors.h"
#include "wire/sigv4_internal.h"

#include <stdio.h>
#include <string.h>

static void a_signed_request_tells_its_caller(void **state)
{
    (void)state;
    struct trial trial;
    trial_begin(&trial);
    assert_true(trial_verify(&trial));
    assert_true(str_eq(trial.caller.account, STR("123456789012")));
    assert_true(str_eq(trial.caller.access_key_id, STR("AKIDEXAMPLE")));
    assert_true(str_eq(trial.caller.region, STR("eu-central-1")));
    assert_true(str_eq(trial.caller.service, STR("appflow")));
    trial_end(&trial);
}

static void what_is_not_signed_may_change(void **state)
{
    (void)state;
    struct trial trial;
    trial_begin(&trial);
    trial_add(&trial, "Via", "1.1 proxy");
    trial_add(&trial, "X-Amzn-Trace-Id", "Root=1-5759e988"); /* not x-amz-… */
    trial_header(&trial, "x-amz-user-agent")->value = STR("a tool/1.0");
    assert_true(trial_verify(&trial));
    trial_end(&trial);
}

/* Every part that is signed, changed one at a time. */
static void what_is_signed_may_not_change(void **state)
{
    (void)state;
    static const char *const names[] = {"host", "content-type", "x-amz-user-agent",
                                        "amz-sdk-invocation-id"};
    for (size_t i = 0; i < 4 + sizeof(names) / sizeof(*names); i++) {
        struct trial trial;
        trial_begin(&trial);
        struct sigv4_request *request = &trial.text.request;
        if (i == 0)
            request->method = STR("PUT");
        else if (i == 1)
            request->path = STR("/delete-connector-profile");
        else if (i == 2)
            request->query = STR("a=b");
        else if (i == 3)
            request->body.len--;
        else
            trial_header(&trial, names[i - 4])->value = STR("other");
        trial_refused(&trial, ERR_INVALID_SIGNATURE, MISMATCH);
        trial_end(&trial);
    }
}

static void every_digit_of_the_signature_counts(void **state)
{
    (void)state;
    struct trial trial;
    trial_begin(&trial);
    struct http_header *authorization = trial_header(&trial, "authorization");
    char *text = arena_alloc(&trial.arena, authorization->value.len + 1);
    memcpy(text, authorization->value.data, authorization->value.len);
    authorization->value.data = text;
    for (size_t i = authorization->value.len - 64; i < authorization->value.len; i++) {
        char was = text[i];
        text[i] = was == '0' ? '1' : '0';
        trial_refused(&trial, ERR_INVALID_SIGNATURE, MISMATCH);
        text[i] = was;
    }
    assert_true(trial_verify(&trial));
    authorization->value.len--;
    trial_refused(&trial, ERR_INVALID_SIGNATURE, MISMATCH);
    authorization->value.len += 2;
    text[authorization->value.len - 1] = '0';
    trial_refused(&trial, ERR_INVALID_SIGNATURE, MISMATCH);
    trial_end(&trial);
}

static void commas_may_have_blanks_or_not(void **state)
{
    (void)state;
    static const char *const separators[] = {",", ", ", " ,  ", "\t,\t"};
    for (size_t i = 0; i < sizeof(separators) / sizeof(*separators); i++) {
        struct trial trial;
        struct sigv4_authorization parsed;
        trial_begin(&trial);
        struct http_header *sent = trial_header(&trial, "authorization");
        assert_true(sigv4_parse_authorization(sent->value, &parsed, NULL));
        sent->value = arena_printf(
            &trial.arena,
            "AWS4-HMAC-SHA256  Signature=%.*s%sSignedHeaders=%.*s%sCredential=AKIDEXAMPLE/20150830"
            "/eu-central-1/appflow/aws4_request",
            STR_ARG(parsed.signature), separators[i], STR_ARG(parsed.signed_list), separators[i]);
        assert_true(trial_verify(&trial));
        trial_end(&trial);
    }
}

static void five_minutes_either_way(void **state)
{
    (void)state;
    struct trial trial;
    trial_begin(&trial);
    assert_true(trial_verify_at(&trial, NOW_MS + SIGV4_SKEW_MS));
    assert_true(trial_verify_at(&trial, NOW_MS - SIGV4_SKEW_MS));
    assert_false(trial_verify_at(&trial, NOW_MS + SIGV4_SKEW_MS + 1));
    assert_int_equal(trial.error.code, ERR_INVALID_SIGNATURE);
    assert_false(trial_verify_at(&trial, NOW_MS + 9 * 60 * 1000));
    assert_string_equal(trial.error.message,
                        "Signature expired: 20150830T123600Z is now earlier than 20150830T124000Z "
                        "(20150830T124500Z - 5 min.)");
    assert_false(trial_verify_at(&trial, NOW_MS - 9 * 60 * 1000));
    assert_int_equal(trial.error.code, ERR_INVALID_SIGNATURE);
    assert_string_equal(trial.error.message,
                        "Signature not yet current: 20150830T123600Z is still later than "
                        "20150830T123200Z (20150830T122700Z + 5 min.)");
    trial_end(&trial);
}

static void dates_are_iso_or_http(void **state)
{
    (void)state;
    struct trial trial;
    trial_begin(&trial);
    trial_header(&trial, "x-amz-date")->value = STR("2015-08-30 12:36");
    trial_refused(&trial, ERR_INCOMPLETE_SIGNATURE,
                  "Date must be in ISO-8601 'basic format'. Got '2015-08-30 12:36'. See "
                  "http://en.wikipedia.org/wiki/ISO_8601");
    trial_header(&trial, "x-amz-date")->value = STR("20150830T12\xC3\xA9");
    trial_refused(&trial, ERR_INCOMPLETE_SIGNATURE,
                  "Date must be in ISO-8601 'basic format'. Got '?'. See "
                  "http://en.wikipedia.org/wiki/ISO_8601");
    /* X-Amz-Date goes first, and has one form only. */
    trial_header(&trial, "x-amz-date")->value = STR("Sun, 30 Aug 2015 12:36:00 GMT");
    assert_false(trial_verify(&trial));
    trial_header(&trial, "x-amz-date")->value = STR("20150830T123600Z");
    trial_add(&trial, "Date", "Mon, 31 Aug 2015 12:36:00 GMT");
    assert_true(trial_verify(&trial));
    trial_end(&trial);
}

/* A signer that knows the Date header only; the string to sign has the ISO form all the same. */
static void a_date_header_is_enough(void **state)
{
    (void)state;
    static const struct str names[] = {STR("date"), STR("host")};
    static const struct str dates[] = {STR("Sun, 30 Aug 2015 12:36:00 GMT"),
                                       STR("20150830T123600Z")};
    for (size_t i = 0; i < 2; i++) {
        struct trial trial;
        unsigned char key[SHA256_SIZE];
        char payload[SHA256_HEX_SIZE], signature[SHA256_HEX_SIZE];
        trial_parse(&trial, "GET /tags/arn%3Aaws HTTP/1.1\nHost: localhost\n");
        request_text_add(&trial.text, STR("Date"), dates[i]);
        const struct sigv4_scope scope = {STR("20150830"), STR("eu-central-1"), STR("appflow")};
        struct buf canonical = buf_in(&trial.arena, 4096), to_sign = buf_in(&trial.arena, 4096);
        sha256_hex(STR(""), payload);
        sigv4_canonical_request(&trial.text.request, STR("date;host"), names, 2, str_from(payload),
                                true, &canonical);
        sigv4_string_to_sign(STR("20150830T123600Z"), &scope, buf_str(&canonical), &to_sign);
        sigv4_signing_key(secret_reveal(trial.secret), &scope, key);
        sigv4_signature(key, buf_str(&to_sign), signature);
        request_text_add(&trial.text, STR("Authorization"),
                         arena_printf(&trial.arena,
                                      "AWS4-HMAC-SHA256 " CREDENTIAL
                                      ",SignedHeaders=date;host,Signature=%s",
                                      signature));
        assert_true(trial_verify(&trial));
        trial_end(&trial);
    }
}

static void unknown_callers_are_refused(void **state)
{
    (void)state;
    static const char *const ids[] = {"AKIDOTHER", "", "AKID EXAMPLE", "AKID\xC3\xA9"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        struct trial trial;
        trial_begin(&trial);
        struct http_header *sent = trial_header(&trial, "authorization");
        struct str text = sent->value, id_on = {strstr(text.data, "/2015"), 0};
        id_on.len = (size_t)(text.data + text.len - id_on.data);
        sent->value = arena_printf(&trial.arena, "AWS4-HMAC-SHA256 Credential=%s%.*s", ids[i],
                                   STR_ARG(id_on));
        trial_refused(&trial, ERR_UNRECOGNIZED_CLIENT, INVALID_TOKEN);
        trial_end(&trial);
    }
}

static void a_store_that_fails_is_not_an_unknown_key(void **state)
{
    (void)state;
    struct trial trial;
    trial_begin(&trial);
    trial.find_fails = ERR_UNAVAILABLE;
    trial_refused(&trial, ERR_UNAVAILABLE, "The store cannot be read.");
    trial_end(&trial);
}

static void session_tokens_are_refused(void **state)
{
    (void)state;
    struct trial trial;
    trial_parse(&trial, TRIAL_TYPICAL);
    trial_add(&trial, "X-Amz-Security-Token", "AQoDYXdzEPT");
    trial_sign(&trial, trial.secret, "eu-central-1");
    trial_refused(&trial, ERR_UNRECOGNIZED_CLIENT, SESSION_TOKEN);
    trial_header(&trial, "x-amz-security-token")->value = STR("");
    trial_refused(&trial, ERR_UNRECOGNIZED_CLIENT, SESSION_TOKEN);
    trial_end(&trial);
}

static void a_replaced_secret_is_used_at_once(void **state)
{
    (void)state;
    struct trial trial;
    trial_begin(&trial);
    trial.cache = sigv4_key_cache_new();
    for (int i = 0; i < 3; i++)
        assert_true(trial_verify(&trial));
    struct secret *old = trial.secret;
    trial.secret = secret_new(STR("another secret"));
    trial_refused(&trial, ERR_INVALID_SIGNATURE, MISMATCH);
    trial_drop(&trial, "authorization");
    trial_drop(&trial, "x-amz-date");
    trial_sign(&trial, trial.secret, "eu-central-1");
    assert_true(trial_verify(&trial));
    assert_true(trial_verify(&trial));
    secret_free(old);
    trial_end(&trial);
}

/* Far more scopes than the cache holds, in two rounds, with wrong signatures in between. */
static void a_full_cache_still_verifies(void **state)
{
    (void)state;
    struct sigv4_key_cache *cache = sigv4_key_cache_new();
    for (int i = 0; i < 600; i++) {
        struct trial trial;
        char region[32];
        trial_parse(&trial, TRIAL_TYPICAL);
        trial.cache = cache;
        snprintf(region, sizeof(region), "region-%d", i % 300);
        trial_sign(&trial, trial.secret, region);
        assert_true(trial_verify(&trial));
        trial_header(&trial, "host")->value = STR("other");
        trial_refused(&trial, ERR_INVALID_SIGNATURE, MISMATCH);
        trial.cache = NULL;
        trial_end(&trial);
    }
    sigv4_key_cache_free(cache);
    sigv4_key_cache_free(NULL);
}

static void the_cache_knows_what_belongs_together(void **state)
{
    (void)state;
    struct sigv4_key_cache *cache = sigv4_key_cache_new();
    struct sigv4_authorization one = {
        .access_key_id = STR("AKIDEXAMPLE"),
        .scope = {STR("20150830"), STR("eu-central-1"), STR("appflow")},
    };
    struct sigv4_authorization others[] = {one, one, one, one};
    others[0].access_key_id = STR("AKIDEXAMPLF");
    others[1].scope.date = STR("20150831");
    others[2].scope.region = STR("eu-central-2");
    others[3].scope.service = STR("appflov");
    unsigned char key[SHA256_SIZE] = {7}, found[SHA256_SIZE] = {0};
    assert_false(sigv4_cache_get(cache, &one, STR("secret"), found));
    sigv4_cache_put(cache, &one, STR("secret"), key);
    assert_true(sigv4_cache_get(cache, &one, STR("secret"), found));
    assert_memory_equal(key, found, sizeof(key));
    assert_false(sigv4_cache_get(cache, &one, STR("secreT"), found));
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_false(sigv4_cache_get(cache, &others[i], STR("secret"), found));
    sigv4_cache_put(cache, &others[1], STR("secret"), key); /* the next day: yesterday's goes */
    assert_false(sigv4_cache_get(cache, &one, STR("secret"), found));
    assert_true(sigv4_cache_get(cache, &others[1], STR("secret"), found));
    sigv4_key_cache_free(cache);
}

/* Else whoever knows no secret could push out the keys of those who do. */
static void a_wrong_signature_leaves_nothing_in_the_cache(void **state)
{
    (void)state;
    struct sigv4_key_cache *cache = sigv4_key_cache_new();
    struct sigv4_authorization named = {
        .access_key_id = STR("AKIDEXAMPLE"),
        .scope = {STR("20150830"), STR("eu-central-1"), STR("appflow")},
    };
    unsigned char found[SHA256_SIZE];
    struct trial trial;
    trial_begin(&trial);
    trial.cache = cache;
    trial_header(&trial, "host")->value = STR("other");
    trial_refused(&trial, ERR_INVALID_SIGNATURE, MISMATCH);
    assert_false(sigv4_cache_get(cache, &named, secret_reveal(trial.secret), found));
    trial.cache = NULL;
    trial_end(&trial);

    trial_begin(&trial);
    trial.cache = cache;
    assert_true(trial_verify(&trial));
    assert_true(sigv4_cache_get(cache, &named, secret_reveal(trial.secret), found));
    trial.cache = NULL;
    trial_end(&trial);
    sigv4_key_cache_free(cache);
}

/* Of those that meet in one place of the cache, the one unused for longest goes. */
static void a_key_in_use_stays_in_the_cache(void **state)
{
    (void)state;
    enum { OTHERS = 1000 }; /* many times what the cache holds */
    struct sigv4_key_cache *cache = sigv4_key_cache_new();
    struct sigv4_authorization used = {
        .access_key_id = STR("AKIDEXAMPLE"),
        .scope = {STR("20150830"), STR("eu-central-1"), STR("appflow")},
    };
    unsigned char key[SHA256_SIZE] = {7}, found[SHA256_SIZE];
    sigv4_cache_put(cache, &used, STR("secret"), key);
    for (int i = 0; i < OTHERS; i++) {
        char region[32];
        struct sigv4_authorization other = used;
        snprintf(region, sizeof(region), "region-%d", i);
        other.scope.region = str_from(region);
        sigv4_cache_put(cache, &other, STR("secret"), key);
        assert_true(sigv4_cache_get(cache, &other, STR("secret"), found));
        assert_true(sigv4_cache_get(cache, &used, STR("secret"), found));
    }
    sigv4_key_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_request_tells_its_caller),
        cmocka_unit_test(what_is_not_signed_may_change),
        cmocka_unit_test(what_is_signed_may_not_change),
        cmocka_unit_test(every_digit_of_the_signature_counts),
        cmocka_unit_test(commas_may_have_blanks_or_not),
        cmocka_unit_test(five_minutes_either_way),
        cmocka_unit_test(dates_are_iso_or_http),
        cmocka_unit_test(a_date_header_is_enough),
        cmocka_unit_test(unknown_callers_are_refused),
        cmocka_unit_test(a_store_that_fails_is_not_an_unknown_key),
        cmocka_unit_test(session_tokens_are_refused),
        cmocka_unit_test(a_replaced_secret_is_used_at_once),
        cmocka_unit_test(a_full_cache_still_verifies),
        cmocka_unit_test(the_cache_knows_what_belongs_together),
        cmocka_unit_test(a_wrong_signature_leaves_nothing_in_the_cache),
        cmocka_unit_test(a_key_in_use_stays_in_the_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

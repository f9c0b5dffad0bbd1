/* Requests whose form is refused, each with its reason. */
#include "cmocka_all.h"

#include "sigv4_trial.h"
#include "wire/errors.h"

#include <string.h>

#define NEED(what) "Authorization header requires '" what "' parameter."
#define NOT_A_PAIR                                                                                 \
    "Authorization header has a part that is not a valid key=value pair (missing equal-sign)."
#define BAD_LIST                                                                                   \
    "SignedHeaders must be lower-case header names, sorted, each once, with ';' between them."
#define FIVE                                                                                       \
    "Credential must have exactly 5 slash-delimited elements, e.g. "                               \
    "keyid/date/region/service/term."

static void incomplete_headers_are_told_what_they_lack(void **state)
{
    (void)state;
    static const struct {
        const char *authorization, *message;
    } cases[] = {
        {"AWS4-HMAC-SHA256", NEED("Credential") " " NEED("Signature") " " NEED("SignedHeaders")},
        {"AWS4-HMAC-SHA256 Credential=,SignedHeaders=,Signature=",
         NEED("Credential") " " NEED("Signature") " " NEED("SignedHeaders")},
        {"AWS4-HMAC-SHA256 SignedHeaders=host, Signature=" SIGNATURE, NEED("Credential")},
        {"AWS4-HMAC-SHA256 " CREDENTIAL ", Signature=" SIGNATURE, NEED("SignedHeaders")},
        {"AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=host", NEED("Signature")},
        {"AWS4-HMAC-SHA256 " CREDENTIAL, NEED("Signature") " " NEED("SignedHeaders")},
        {"AWS4-HMAC-SHA256 signature=" SIGNATURE,
         "Authorization header has a parameter other than 'Credential', 'SignedHeaders' and "
         "'Signature'."},
        {"AWS4-HMAC-SHA256 " SIGNATURE, NOT_A_PAIR},
        {"AWS4-HMAC-SHA256 " CREDENTIAL ",,SignedHeaders=host,Signature=" SIGNATURE, NOT_A_PAIR},
        {"AWS4-HMAC-SHA256 " CREDENTIAL ",SignedHeaders=host,Signature=" SIGNATURE ",", NOT_A_PAIR},
        {"AWS4-HMAC-SHA256 " CREDENTIAL "," CREDENTIAL,
         "Authorization header has more than one 'Credential' parameter."},
        {"Bearer " SIGNATURE, "Authorization header must start with the algorithm "
                              "'AWS4-HMAC-SHA256'."},
        {"aws4-hmac-sha256 " CREDENTIAL, "Authorization header must start with the algorithm "
                                         "'AWS4-HMAC-SHA256'."},
        {"AWS4-ECDSA-P256-SHA256 " CREDENTIAL, "Authorization header must start with the algorithm "
                                               "'AWS4-HMAC-SHA256'."},
        {"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE,SignedHeaders=host,Signature=0", FIVE},
        {"AWS4-HMAC-SHA256 Credential=A/2/3/4/5/aws4_request,SignedHeaders=host,Signature=0", FIVE},
        {"AWS4-HMAC-SHA256 " CREDENTIAL ",SignedHeaders=Host,Signature=0", BAD_LIST},
        {"AWS4-HMAC-SHA256 " CREDENTIAL ",SignedHeaders=host;date,Signature=0", BAD_LIST},
        {"AWS4-HMAC-SHA256 " CREDENTIAL ",SignedHeaders=host;host,Signature=0", BAD_LIST},
        {"AWS4-HMAC-SHA256 " CREDENTIAL ",SignedHeaders=;host,Signature=0", BAD_LIST},
        {"AWS4-HMAC-SHA256 " CREDENTIAL ",SignedHeaders=host;,Signature=0", BAD_LIST},
        {"AWS4-HMAC-SHA256 " CREDENTIAL ",SignedHeaders=ho st,Signature=0", BAD_LIST},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct trial trial;
        trial_begin_with(&trial, cases[i].authorization);
        trial_refused(&trial, ERR_INCOMPLETE_SIGNATURE, cases[i].message);
        assert_null(strstr(trial.error.message, SIGNATURE));
        trial_end(&trial);
    }
}

static void too_many_signed_headers_are_refused(void **state)
{
    (void)state;
    struct trial trial;
    trial_begin(&trial);
    struct buf text = buf_in(&trial.arena, 10000);
    buf_add_cstr(&text, "AWS4-HMAC-SHA256 " CREDENTIAL ",Signature=0,SignedHeaders=a");
    for (int i = 0; i < SIGV4_HEADERS_MAX; i++)
        buf_printf(&text, ";b%03d", i);
    trial_header(&trial, "authorization")->value = buf_str(&text);
    trial_refused(&trial, ERR_INCOMPLETE_SIGNATURE, "SignedHeaders has more than 100 names.");
    trial_end(&trial);
}

static void a_missing_header_has_its_own_name(void **state)
{
    (void)state;
    struct trial trial;
    trial_begin(&trial);
    trial_drop(&trial, "authorization");
    trial_refused(&trial, ERR_MISSING_AUTHENTICATION, "Missing Authentication Token");
    trial_add(&trial, "Authorization", "");
    trial_refused(&trial, ERR_MISSING_AUTHENTICATION, "Missing Authentication Token");
    trial_end(&trial);

#define NO_DATE                                                                                    \
    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
    trial_begin(&trial);
    trial_drop(&trial, "x-amz-date");
    trial_refused(&trial, ERR_INCOMPLETE_SIGNATURE, NO_DATE);
    trial_header(&trial, "authorization")->value =
        STR("AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=host");
    trial_refused(&trial, ERR_INCOMPLETE_SIGNATURE, NEED("Signature") " " NO_DATE);
    trial_end(&trial);
}

static void headers_that_decide_come_once(void **state)
{
    (void)state;
    static const char *const names[] = {"authorization", "x-amz-date", "date",
                                        "x-amz-content-sha256", "x-amz-security-token"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct trial trial;
        trial_begin(&trial);
        if (!trial_header(&trial, names[i]))
            trial_add(&trial, names[i], "");
        struct str value = trial_header(&trial, names[i])->value;
        request_text_add(&trial.text, str_from(names[i]), value);
        assert_false(trial_verify(&trial));
        assert_int_equal(trial.error.code, ERR_INCOMPLETE_SIGNATURE);
        assert_non_null(strstr(trial.error.message, "more than one"));
        trial_end(&trial);
    }
}

#define REGION_BAD "Credential should be scoped to a valid region."
#define SERVICE_BAD "Credential should be scoped to correct service: 'appflow'."
#define SCOPE(scope)                                                                               \
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" scope                                               \
    ", SignedHeaders=host;x-amz-date;x-amz-user-agent, Signature=" SIGNATURE

static void scopes_must_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *authorization, *message;
    } cases[] = {
        {SCOPE("20150830//appflow/aws4_request"), REGION_BAD},
        {SCOPE("20150830/EU-central-1/appflow/aws4_request"), REGION_BAD},
        {SCOPE("20150830/eu_central/appflow/aws4_request"), REGION_BAD},
        {SCOPE("20150830/a-region-whose-name-has-33-letters/appflow/aws4_request"), REGION_BAD},
        {SCOPE("20150830/eu-central-1/s3/aws4_request"), SERVICE_BAD},
        {SCOPE("20150830/eu-central-1/Appflow/aws4_request"), SERVICE_BAD},
        {SCOPE("20150830///aws4_request"), REGION_BAD " " SERVICE_BAD},
        {SCOPE("20150830/eu-central-1/appflow/aws3_request"),
         "Credential should be scoped with a valid terminator: 'aws4_request'."},
        {SCOPE("20150829/eu-central-1/appflow/aws4_request"),
         "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
         "HTTP: "
         "'20150829' != '20150830', from '20150830T123600Z'."},
        {SCOPE("/eu-central-1/appflow/aws4_request"),
         "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
         "HTTP: "
         "'' != '20150830', from '20150830T123600Z'."},
        {SCOPE("2015\xC3\xA9/eu-central-1/appflow/aws4_request"),
         "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
         "HTTP: "
         "'?' != '20150830', from '20150830T123600Z'."},
        {SCOPE("20150830/eu-central-1/appflow/aws4_request"), MISMATCH},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct trial trial;
        trial_begin_with(&trial, cases[i].authorization);
        trial_refused(&trial, ERR_INVALID_SIGNATURE, cases[i].message);
        trial_end(&trial);
    }
}

static void meaningful_headers_must_be_signed(void **state)
{
    (void)state;
    struct trial trial;
    trial_begin(&trial);
    trial_add(&trial, "X-Amz-Target", "Other.Operation");
    trial_refused(&trial, ERR_INVALID_SIGNATURE,
                  "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
    trial_end(&trial);
    trial_begin(&trial);
    trial_add(&trial, "x-amz-", "nothing after the prefix");
    trial_refused(&trial, ERR_INVALID_SIGNATURE,
                  "'x-amz-' must be a 'SignedHeader' in the AWS Authorization.");
    trial_end(&trial);
    trial_begin(&trial);
    trial_add(&trial, "X-Headgate-Dry-Run", "true");
    trial_refused(&trial, ERR_INVALID_SIGNATURE,
                  "'X-Headgate-Dry-Run' must be a 'SignedHeader' in the AWS Authorization.");
    trial_end(&trial);
    trial_begin_with(&trial, "AWS4-HMAC-SHA256 " CREDENTIAL
                             ", SignedHeaders=x-amz-date, Signature=" SIGNATURE);
    trial_refused(&trial, ERR_INVALID_SIGNATURE,
                  "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
    trial_end(&trial);
    trial_begin(&trial);
    trial_drop(&trial, "amz-sdk-invocation-id");
    trial_refused(&trial, ERR_INVALID_SIGNATURE,
                  "The header 'amz-sdk-invocation-id' is signed but is not in the request.");
    trial_end(&trial);
}

static void payload_hashes_must_be_true(void **state)
{
    (void)state;
    static const struct {
        const char *hash, *message; /* NULL: of the body; accepted */
    } cases[] = {
        {NULL, NULL},
        {"UNSIGNED-PAYLOAD",
         "The payload must be signed: 'x-amz-content-sha256' has to be the hash of the body."},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
         "The payload must be signed: 'x-amz-content-sha256' has to be the hash of the body."},
        {SIGNATURE, "The provided 'x-amz-content-sha256' header does not match what was computed."},
        {"", "The provided 'x-amz-content-sha256' header does not match what was computed."},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct trial trial;
        char hash[SHA256_HEX_SIZE];
        trial_parse(&trial, TRIAL_TYPICAL);
        sha256_hex(trial.text.request.body, hash);
        trial_add(&trial, "X-Amz-Content-Sha256", cases[i].hash ? cases[i].hash : hash);
        trial_sign(&trial, trial.secret, "eu-central-1");
        if (cases[i].message)
            trial_refused(&trial, ERR_INVALID_SIGNATURE, cases[i].message);
        else
            assert_true(trial_verify(&trial));
        trial_end(&trial);
    }
}

static void signatures_in_the_query_are_refused(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=" SIGNATURE,
        "a=b&x-amz-signature=" SIGNATURE,
        "X-Amz-Credential",
        "X%2DAmz-Algorithm=AWS4-HMAC-SHA256",
        "a=b&%78%2d%61mz-signatur%65=" SIGNATURE,
    };
    for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
        struct trial trial;
        trial_begin(&trial);
        trial.text.request.query = str_from(queries[i]);
        for (int with = 1; with >= 0; with--) {
            assert_false(trial_verify(&trial));
            assert_int_equal(trial.error.code, ERR_INCOMPLETE_SIGNATURE);
            assert_non_null(strstr(trial.error.message, "in the query string"));
            assert_null(strstr(trial.error.message, SIGNATURE));
            if (with)
                trial_drop(&trial, "authorization");
        }
        trial_end(&trial);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(incomplete_headers_are_told_what_they_lack),
        cmocka_unit_test(too_many_signed_headers_are_refused),
        cmocka_unit_test(a_missing_header_has_its_own_name),
        cmocka_unit_test(headers_that_decide_come_once),
        cmocka_unit_test(scopes_must_be_right),
        cmocka_unit_test(meaningful_headers_must_be_signed),
        cmocka_unit_test(payload_hashes_must_be_true),
        cmocka_unit_test(signatures_in_the_query_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

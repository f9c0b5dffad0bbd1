/* Copies of secrets in AWS Secrets Manager: what is asked of it, how often, and what comes of its
 * answers. */
#include "cmocka_all.h"

#include "base/clock.h"
#include "connector/custom/lambda.h"
#include "wire/errors.h"

#include <stdio.h>
#include <string.h>

#define FUNCTION "arn:aws:lambda:eu-west-3:123456789012:function:orchard"
#define SECRET                                                                                     \
    "arn:aws:secretsmanager:eu-west-3:123456789012:secret:appflow!123456789012-crm-17-AbCdEf"
#define NAME "headgate/appflow/123456789012-crm-17/AbCdEf"
#define COPY "arn:aws:secretsmanager:eu-west-3:123456789012:secret:" NAME "-GhIjKl"
#define MISSING "{\"__type\":\"ResourceNotFoundException\",\"Message\":\"no\"}"

static const struct answer {
    int status;
    const char *body;
} made = {200, "{\"ARN\":\"" COPY "\"}"}, missing = {400, MISSING},
  denied = {400, "{\"__type\":\"AccessDeniedException\",\"Message\":\"User: operator\"}"},
  throttled = {400, "{\"__type\":\"ThrottlingException\"}"},
  expired = {400, "{\"__type\":\"ExpiredTokenException\"}"},
  role = {200,
          "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
          "<AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>"
          "<SessionToken>role-token</SessionToken></Credentials></AssumeRoleResult>"
          "</AssumeRoleResponse>"};

enum { ANSWERS_MAX = 6 };

static const struct answer *script[ANSWERS_MAX];
static int asked;
static char targets[256], bodies[ANSWERS_MAX][512], url[256];

static void answer(struct client *client, struct arena *arena, const struct client_request *request,
                   struct client_response *ret_response)
{
    assert_null(client);
    assert_non_null(arena);
    assert_true(asked < ANSWERS_MAX && script[asked]);
    snprintf(url, sizeof(url), "%.*s", STR_ARG(request->url));
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_eq(request->headers[i].name, STR("X-Amz-Target"))) {
            size_t len = strlen(targets);
            snprintf(targets + len, sizeof(targets) - len, "%.*s ",
                     STR_ARG(request->headers[i].value));
        }
    }
    snprintf(bodies[asked], sizeof(bodies[0]), "%.*s", STR_ARG(request->body));
    *ret_response = (struct client_response){.status = script[asked]->status,
                                             .body = str_from(script[asked]->body)};
    asked++;
}

static char later_copy[256];
static int64_t later_at_ms;
static bool store_is_away;

static bool remove_later(void *context, const struct function_secret *secret, int64_t at_ms,
                         struct error *error)
{
    assert_ptr_equal(context, later_copy);
    assert_int_equal(asked, 0); /* before it is made */
    snprintf(later_copy, sizeof(later_copy), "%.*s", STR_ARG(secret->copy));
    later_at_ms = at_ms;
    return !store_is_away || fail(error, ERR_UNAVAILABLE, "The store is away.");
}

struct fixture {
    struct arena arena;
    struct secret *secret;
    struct aws_access aws;
    struct function_runner *runner;
    int64_t version; /* of the registration */
    struct str arn;
    struct function_answer answer;
};

static void open_as(struct fixture *f, const char *prefix, const char *role_arn)
{
    *f = (struct fixture){.secret = secret_new(STR("own-secret"))};
    f->aws = (struct aws_access){
        .access_key_id = STR("AKID"), .secret_access_key = f->secret, .call = answer};
    f->runner = lambda_runner_new(&(struct lambda_config){
        .url = STR("https://lambda.{region}.amazonaws.com"),
        .secrets_manager_url = STR("https://secretsmanager.{region}.amazonaws.com"),
        .mirror_prefix = str_from(prefix),
        .role_arn = str_from(role_arn),
        .aws = &f->aws,
    });
    lambda_runner_on_trial(f->runner, remove_later, later_copy);
    memset(script, 0, sizeof(script));
    memset(targets, 0, sizeof(targets));
    asked = 0;
    store_is_away = false;
}

static void open_with(struct fixture *f, const char *prefix)
{
    open_as(f, prefix, NULL);
}

static void done(struct fixture *f)
{
    lambda_runner_free(f->runner);
    secret_free(f->secret);
    arena_done(&f->arena);
}

static bool place_of(struct fixture *f, const char *arn, const char *text, bool is_new)
{
    const struct function_call call = {
        .arn = STR(FUNCTION),
        .account = STR("123456789012"),
        .region = STR("eu-west-3"),
        .secret_arn = str_from(arn),
        .secret_text = str_from(text),
        .secret_is_new = is_new,
        .connector_version = f->version,
        .deadline_ms = clock_mono_ms() + 1000,
    };
    return function_place_secret(f->runner, &call, &f->arena, &f->arn, &f->answer);
}

static bool place(struct fixture *f, const char *text, bool is_new)
{
    return place_of(f, SECRET, text, is_new);
}

static bool keep(struct fixture *f, const char *text, const char *copy)
{
    const struct function_secret secret = {
        .account = STR("123456789012"),
        .arn = STR(SECRET),
        .text = str_from(text),
        .copy = str_from(copy),
        .deadline_ms = clock_mono_ms() + 1000,
    };
    return function_keep_secret(f->runner, &secret, &f->arena, &f->answer);
}

static void a_copy_is_made_once_and_then_known(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, "headgate/");
    script[0] = &missing, script[1] = &made, script[2] = &made;
    assert_true(place(&f, "{\"a\":\"1\"}", false));
    assert_true(str_eq(f.arn, STR(COPY)));
    assert_string_equal(targets, "secretsmanager.PutSecretValue secretsmanager.CreateSecret ");
    assert_string_equal(url, "https://secretsmanager.eu-west-3.amazonaws.com/");
    assert_non_null(strstr(bodies[0], "{\"SecretId\":\"" NAME "\",\"ClientRequestToken\":\""));
    assert_non_null(strstr(bodies[1], "{\"Name\":\"" NAME "\",\"ClientRequestToken\":\""));
    assert_non_null(strstr(bodies[1], "\"SecretString\":\"{\\\"a\\\":\\\"1\\\"}\"}"));
    assert_true(place(&f, "{\"a\":\"1\"}", false));
    assert_true(str_eq(f.arn, STR(COPY)));
    assert_int_equal(asked, 2);
    /* Another text is another version. */
    assert_true(place(&f, "{\"a\":\"2\"}", false));
    assert_int_equal(asked, 3);
    done(&f);
}

/* Meanwhile another node may have removed the copy. */
static void a_copy_is_not_known_after_a_new_registration(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, "headgate/");
    script[0] = script[1] = &made;
    assert_true(place(&f, "{}", false) && place(&f, "{}", false));
    assert_int_equal(asked, 1);
    f.version++;
    assert_true(place(&f, "{}", false) && place(&f, "{}", false));
    assert_int_equal(asked, 2);
    done(&f);
}

/* Labels and profiles' names may have characters that Secrets Manager refuses in names. */
static void a_copys_name_has_no_marks_that_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, "headgate/");
    script[0] = &made;
    assert_true(place_of(&f,
                         "arn:aws:secretsmanager:eu-west-3:123456789012:secret:"
                         "appflow!123456789012-la#bel-cr!m#1-AbCdEf",
                         "{}", false));
    assert_non_null(
        strstr(bodies[0], "{\"SecretId\":\"headgate/appflow/123456789012-la/bel-cr/m/1/AbCdEf\","));
    done(&f);
}

static void a_removed_copy_is_made_again(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, "headgate/");
    script[0] = &made, script[1] = &made, script[2] = &made;
    assert_true(keep(&f, "{}", NULL));
    assert_true(keep(&f, NULL, NULL));
    assert_string_equal(bodies[1],
                        "{\"SecretId\":\"" NAME "\",\"ForceDeleteWithoutRecovery\":true}");
    assert_true(place(&f, "{}", false));
    assert_int_equal(asked, 3);
    done(&f);
}

static void what_is_not_there_is_removed(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, "headgate/");
    script[0] = &missing;
    assert_true(keep(&f, NULL, "headgate/trial/1"));
    assert_string_equal(targets, "secretsmanager.DeleteSecret ");
    assert_non_null(strstr(bodies[0], "\"headgate/trial/1\""));
    done(&f);
}

/* Credentials that are not committed have a copy of their own, whose end is noted first. */
static void a_trial_replaces_nothing(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, "headgate/");
    script[0] = &missing, script[1] = &made;
    assert_true(place(&f, "{}", true));
    assert_true(str_starts(str_from(later_copy), STR(NAME "/trial/")));
    assert_non_null(strstr(bodies[1], later_copy));
    assert_true(later_at_ms > clock_wall_ms() && later_at_ms < clock_wall_ms() + 120 * 1000);
    done(&f);
    open_with(&f, "headgate/");
    store_is_away = true;
    assert_false(place(&f, "{}", true));
    assert_int_equal(f.answer.outcome, FUNCTION_UNREACHABLE);
    assert_int_equal(asked, 0);
    done(&f);
}

static void refusals_are_told_apart(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, "headgate/");
    script[0] = &denied, script[1] = &throttled;
    assert_false(place(&f, "{}", false));
    assert_int_equal(f.answer.outcome, FUNCTION_DENIED);
    assert_non_null(strstr(f.answer.message.data, "--mirror-secrets"));
    assert_null(strstr(f.answer.message.data, "operator is"));
    assert_false(place(&f, "{}", false));
    assert_int_equal(f.answer.outcome, FUNCTION_THROTTLED);
    assert_int_equal(f.answer.retry_after_ms, 1000);
    done(&f);
}

/* Its credentials may have ended early, or its rights have changed: it is assumed anew. */
static void a_role_that_is_refused_is_not_kept(void **state)
{
    (void)state;
    static const struct answer *const refusals[] = {&denied, &expired};
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        struct fixture f;
        open_as(&f, "headgate/", "arn:aws:iam::{account}:role/connectors");
        script[0] = &role, script[1] = refusals[i], script[2] = &role, script[3] = &made;
        script[4] = &made;
        assert_false(place(&f, "{}", false));
        assert_int_equal(f.answer.outcome, FUNCTION_DENIED);
        assert_true(place(&f, "{}", false));
        assert_int_equal(asked, 4);
        assert_true(place(&f, "{\"a\":\"2\"}", false)); /* by the same role */
        assert_int_equal(asked, 5);
        done(&f);
    }
}

static void without_a_prefix_functions_ask_this_server(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, NULL);
    assert_false(function_copies_secrets(f.runner, STR(FUNCTION)));
    assert_true(place(&f, "{}", false));
    assert_true(str_eq(f.arn, STR(SECRET)));
    assert_true(keep(&f, "{}", NULL));
    assert_int_equal(asked, 0);
    done(&f);
    open_with(&f, "headgate/");
    assert_true(function_copies_secrets(f.runner, STR(FUNCTION)));
    assert_false(function_copies_secrets(f.runner, STR("arn:other")));
    done(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_made_once_and_then_known),
        cmocka_unit_test(a_copy_is_not_known_after_a_new_registration),
        cmocka_unit_test(a_copys_name_has_no_marks_that_are_refused),
        cmocka_unit_test(a_removed_copy_is_made_again),
        cmocka_unit_test(what_is_not_there_is_removed),
        cmocka_unit_test(a_trial_replaces_nothing),
        cmocka_unit_test(refusals_are_told_apart),
        cmocka_unit_test(a_role_that_is_refused_is_not_kept),
        cmocka_unit_test(without_a_prefix_functions_ask_this_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

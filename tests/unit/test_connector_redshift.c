/* Redshift: JDBC URLs, the rules for its members, and the Data API call by call. */
#include "connector_script.h"

#include "../../connectors/redshift/jdbc_url.h"

#include <string.h>

static struct script script;

static const struct {
    const char *url, *host;
    int port;
    const char *database;
    enum postgres_tls tls;
} good_urls[] = {
    {"jdbc:redshift://c.abc.us-west-2.redshift.amazonaws.com:5439/dev",
     "c.abc.us-west-2.redshift.amazonaws.com", 5439, "dev", POSTGRES_TLS_FULL},
    {"jdbc:redshift://Acme.Example/dev", "acme.example", 5439, "dev", POSTGRES_TLS_FULL},
    {"JDBC:Redshift://acme.example:1/dev", "acme.example", 1, "dev", POSTGRES_TLS_FULL},
    {"jdbc:postgresql://acme.example/dev", "acme.example", 5432, "dev", POSTGRES_TLS_FULL},
    {"jdbc:postgresql://acme.example:65535/dev", "acme.example", 65535, "dev", POSTGRES_TLS_FULL},
    {"jdbc:redshift://[2001:DB8::1]:8192/dev", "2001:db8::1", 8192, "dev", POSTGRES_TLS_FULL},
    {"jdbc:redshift://[::1]/dev", "::1", 5439, "dev", POSTGRES_TLS_FULL},
    {"jdbc:redshift://192.0.2.1:5439/dev", "192.0.2.1", 5439, "dev", POSTGRES_TLS_FULL},
    {"jdbc:redshift://a/my%20db%C3%A9", "a", 5439, "my db\xC3\xA9", POSTGRES_TLS_FULL},
    {"jdbc:redshift://a/dev?ssl=true&tcpKeepAlive=true", "a", 5439, "dev", POSTGRES_TLS_FULL},
    {"jdbc:redshift://a/dev;ssl=false;defaultRowFetchSize=100", "a", 5439, "dev", POSTGRES_TLS_OFF},
    {"jdbc:redshift://a/dev?SSL=FALSE", "a", 5439, "dev", POSTGRES_TLS_OFF},
    {"jdbc:redshift://a/dev?ssl=false&sslmode=verify-ca", "a", 5439, "dev", POSTGRES_TLS_CA},
    {"jdbc:redshift://a/dev;sslmode=require;", "a", 5439, "dev", POSTGRES_TLS_ANY},
    {"jdbc:redshift://a/dev?sslmode=verify-full?x=1", "a", 5439, "dev", POSTGRES_TLS_FULL},
    {"jdbc:redshift://a/dev?sslmode=disable", "a", 5439, "dev", POSTGRES_TLS_OFF},
    {"jdbc:redshift://a/dev?ssl", "a", 5439, "dev", POSTGRES_TLS_FULL},
};

static void urls_are_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good_urls) / sizeof(*good_urls); i++) {
        struct jdbc_url url;
        struct error error = {0};
        if (!jdbc_url_parse(&script.arena, str_from(good_urls[i].url), &url, &error))
            fail_msg("%s: %s", good_urls[i].url, error.message);
        assert_str(url.host, good_urls[i].host);
        assert_int_equal(url.port, good_urls[i].port);
        assert_str(url.database, good_urls[i].database);
        assert_int_equal(url.tls, good_urls[i].tls);
    }
}

static const struct {
    const char *url, *words;
} bad_urls[] = {
    {"acme.example:5439/dev", "must be jdbc:redshift://"},
    {"jdbc:mysql://acme.example/dev", "must be jdbc:redshift://"},
    {"jdbc:redshift:/acme.example/dev", "must be jdbc:redshift://"},
    {"jdbc:redshift:iam://acme:us-east-1/dev", "in IAM's form"},
    {"jdbc:redshift:///dev", "must name a host"},
    {"jdbc:redshift://:5439/dev", "must name a host"},
    {"jdbc:redshift://a_b c/dev", "must name a host"},
    {"jdbc:redshift://a%2eb/dev", "must name a host"},
    {"jdbc:redshift://.a/dev", "must name a host"},
    {"jdbc:redshift:///tmp/.s.PGSQL.5432/dev", "must name a host"},
    {"jdbc:redshift://@abstract/dev", "must not hold a user or a password"},
    {"jdbc:redshift://u:p@a/dev", "must not hold a user or a password"},
    {"jdbc:redshift://a/dev?user=u", "must not hold a user or a password"},
    {"jdbc:redshift://a/dev;UID=u;PWD=p", "must not hold a user or a password"},
    {"jdbc:redshift://a/dev?%55ser=u", "must not hold a user or a password"},
    {"jdbc:redshift://a/dev?SecretAccessKey=s", "must not hold a secret"},
    {"jdbc:redshift://a/dev;ssl=true;ProxyPWD=p", "must not hold a secret"},
    {"jdbc:redshift://a/dev?x%2=y", "percent sign"},
    {"jdbc:redshift://a,b/dev", "must name one host"},
    {"jdbc:redshift://a:1,b:2/dev", "must name one host"},
    {"jdbc:redshift://a:0/dev", "must have a port"},
    {"jdbc:redshift://a:65536/dev", "must have a port"},
    {"jdbc:redshift://a:/dev", "must have a port"},
    {"jdbc:redshift://a:+1/dev", "must have a port"},
    {"jdbc:redshift://::1/dev", "must have a port"},
    {"jdbc:redshift://[::1/dev", "without its second bracket"},
    {"jdbc:redshift://[::1]5439/dev", "must have a port"},
    {"jdbc:redshift://[fe80::1%25eth0]/dev", "no IPv6 address"},
    {"jdbc:redshift://[acme.example]/dev", "no IPv6 address"},
    {"jdbc:redshift://a", "must end in the name of a database"},
    {"jdbc:redshift://a/", "must end in the name of a database"},
    {"jdbc:redshift://a/?ssl=true", "must end in the name of a database"},
    {"jdbc:redshift://a/b/c", "must end in the name of a database"},
    {"jdbc:redshift://a/b%00c", "must end in the name of a database"},
    {"jdbc:redshift://a/b%2", "percent sign"},
    {"jdbc:redshift://a/b%ff", "percent sign"},
    {"jdbc:redshift://a/dev?sslmode=yes", "must have an sslmode"},
    {"jdbc:redshift://a/dev?ssl=maybe", "must have ssl=true or ssl=false"},
};

/* Options of the drivers of Redshift and PostgreSQL, and a secret in each; and those of ordinary
 * names, which stay. */
static const char *const secret_options[] = {
    "sslpassword",
    "SSLPassword",
    "sslkeypassword",
    "SSLTrustStorePwd",
    "SecretAccessKey",
    "AccessKeyID",
    "SessionToken",
    "ProxyPWD",
    "proxyPassword",
    "client_secret",
    "Client_Secret",
    "webIdentityToken",
    "token",
    "Token",
    "jwtToken",
    "idp_token",
    "apiKey",
    "api_key",
    "private_key",
    "sslkey",
    "credentialsProvider",
    "passphrase",
    "Passwd",
    "proxyPass",
    "x-amz-security-token",
    "%70assword1",
    "ssl%70assword",
    "SECRET",
    "myverysecretthing",
};
static const char *const plain_options[] = {
    "tcpKeepAlive",          "loginTimeout", "ApplicationName",
    "currentSchema",         "readOnly",     "stringtype",
    "defaultRowFetchSize",   "queryGroup",   "DSILogLevel",
    "enableFetchRingBuffer", "DbGroups",     "Region",
    "isServerless",          "bypassing",    "compat%69ble",
};

static void assert_option(const char *name, bool is_secret)
{
    static const char *const before[] = {"jdbc:redshift://a/dev?",
                                         "jdbc:redshift://a/dev;ssl=true;",
                                         "jdbc:redshift://a/dev?ssl=true&", "anything;"};
    static const char *const after[] = {"=canary", "=canary&x=y", "=", ""};
    for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
        struct error error = {0};
        struct str url = arena_printf(&script.arena, "%s%s%s", before[i], name, after[i]);
        if (jdbc_url_check_shown(&script.arena, url, &error) == is_secret)
            fail_msg("%s: %s", url.data, error.message);
        if (is_secret && !strstr(error.message, "must not hold a secret (an option for"))
            fail_msg("%s: %s", url.data, error.message);
        assert_null(strstr(error.message, "canary"));
    }
}

static void secrets_in_options_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(secret_options) / sizeof(*secret_options); i++)
        assert_option(secret_options[i], true);
    for (size_t i = 0; i < sizeof(plain_options) / sizeof(*plain_options); i++)
        assert_option(plain_options[i], false);
}

static void other_urls_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_urls) / sizeof(*bad_urls); i++) {
        struct jdbc_url url;
        struct error error = {0};
        if (jdbc_url_parse(&script.arena, str_from(bad_urls[i].url), &url, &error))
            fail_msg("%s is taken", bad_urls[i].url);
        assert_int_equal(error.code, ERR_VALIDATION);
        if (!strstr(error.message, bad_urls[i].words))
            fail_msg("%s: %s", bad_urls[i].url, error.message);
    }
}

#define STAGE "\"bucketName\":\"stage\",\"roleArn\":\"arn:aws:iam::123456789012:role/s3\""
#define ROLE "\"dataApiRoleArn\":\"arn:aws:iam::123456789012:role/api\""
#define CLUSTER "\"clusterIdentifier\":\"acme\",\"databaseName\":\"dev\""
#define PROVISIONED "{" STAGE "," ROLE "," CLUSTER "}"
#define SERVERLESS                                                                                 \
    "{" STAGE "," ROLE                                                                             \
    ",\"isRedshiftServerless\":true,\"workgroupName\":\"wg\",\"databaseName\":\"dev\"}"
#define URL(url) "{" STAGE ",\"databaseUrl\":\"" url "\"}"
#define JDBC URL("jdbc:redshift://acme.example/dev")
#define USER "{\"username\":\"loader\"}"
#define LOGIN "{\"username\":\"loader\",\"password\":\"s3cret\"}"
#define BLANK(member) "Validation exception: " member " cannot be blank for connector: REDSHIFT"

static const struct {
    const char *properties, *credentials, *message; /* message NULL: taken */
} checks[] = {
    {PROVISIONED, USER, NULL},
    {PROVISIONED, LOGIN, NULL},
    {PROVISIONED, NULL, NULL},
    {SERVERLESS, "{}", NULL},
    {JDBC, LOGIN, NULL},
    {JDBC, NULL, NULL},
    {"{" STAGE "," ROLE "," CLUSTER ",\"databaseUrl\":\"anything\",\"isRedshiftServerless\":false}",
     USER, NULL},
    {"{" STAGE "," ROLE "," CLUSTER ",\"databaseUrl\":\"jdbc:redshift://a/dev?sslpassword=x\"}",
     USER,
     "Validation exception: databaseUrl must not hold a secret (an option for a password, key or "
     "token), since it is shown, for connector: REDSHIFT"},
    {"{" ROLE "," CLUSTER ",\"bucketName\":\"a-bucket.of.1\",\"roleArn\":"
     "\"arn:aws:iam::123456789012:role/s3\"}",
     USER, NULL},
    {"{" STAGE "}", LOGIN,
     "Validation exception: give dataApiRoleArn with clusterIdentifier or workgroupName, or "
     "databaseUrl, for connector: REDSHIFT"},
    {"{" STAGE ",\"isRedshiftServerless\":false}", LOGIN,
     "Validation exception: give dataApiRoleArn with clusterIdentifier or workgroupName, or "
     "databaseUrl, for connector: REDSHIFT"},
    {"{" STAGE "," CLUSTER "}", USER, BLANK("DataApiRoleArn")},
    {"{" STAGE ",\"isRedshiftServerless\":true}", USER, BLANK("DataApiRoleArn")},
    {"{" STAGE "," ROLE "}", USER, BLANK("ClusterIdentifier")},
    {"{" STAGE "," ROLE ",\"clusterIdentifier\":\"acme\"}", USER, BLANK("DatabaseName")},
    {PROVISIONED, "{}", BLANK("Username")},
    {"{" STAGE "," ROLE ",\"isRedshiftServerless\":true}", "{}", BLANK("WorkgroupName")},
    {"{" STAGE "," ROLE ",\"isRedshiftServerless\":true,\"workgroupName\":\"wg\"}", "{}",
     BLANK("DatabaseName")},
    {"{" STAGE "," ROLE "," CLUSTER ",\"workgroupName\":\"wg\"}", USER,
     "Validation exception: workgroupName does not go with isRedshiftServerless false for "
     "connector: REDSHIFT"},
    {"{" STAGE "," ROLE "," CLUSTER ",\"isRedshiftServerless\":true}", USER,
     "Validation exception: clusterIdentifier does not go with isRedshiftServerless true for "
     "connector: REDSHIFT"},
    {JDBC, "{}", BLANK("Username")},
    {JDBC, USER, BLANK("Password")},
    {URL("jdbc:redshift://acme.example"), LOGIN,
     "Validation exception: databaseUrl must end in the name of a database for connector: "
     "REDSHIFT"},
    {"{" STAGE "," CLUSTER ",\"dataApiRoleArn\":\"arn:aws:iam::123456789012:user/api\"}", USER,
     "Validation exception: dataApiRoleArn must be a role of IAM, "
     "arn:aws:iam::ACCOUNT:role/NAME, for connector: REDSHIFT"},
    {"{" ROLE "," CLUSTER ",\"bucketName\":\"stage\",\"roleArn\":\"arn:aws:iam::1:role/s3\"}", USER,
     "Validation exception: roleArn must be a role of IAM, arn:aws:iam::ACCOUNT:role/NAME, for "
     "connector: REDSHIFT"},
    {"{" ROLE "," CLUSTER
     ",\"roleArn\":\"arn:aws:iam::123456789012:role/s3\",\"bucketName\":\"A-bucket\"}",
     USER,
     "Validation exception: bucketName must be a name that Amazon S3 allows (3 to 63 small "
     "letters, digits, '-' and '.') for connector: REDSHIFT"},
};

static const char *const bad_buckets[] = {"a/b",     "-ab",       "ab-", "a..b",
                                          "s3://ab", "192.0.2.1", "a_b"};

static void members_go_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        script.error = (struct error){0};
        bool good = script_check(&script, "Redshift", checks[i].properties, checks[i].credentials);
        assert_string_equal(script.error.message, checks[i].message ? checks[i].message : "");
        assert_int_equal(good, checks[i].message == NULL);
    }
    for (size_t i = 0; i < sizeof(bad_buckets) / sizeof(*bad_buckets); i++) {
        struct str json = arena_printf(
            &script.arena,
            "{" ROLE "," CLUSTER
            ",\"roleArn\":\"arn:aws:iam::123456789012:role/s3\",\"bucketName\":\"%s\"}",
            bad_buckets[i]);
        if (script_check(&script, "Redshift", json.data, USER))
            fail_msg("%s is taken", bad_buckets[i]);
    }
}

#define FORM                                                                                       \
    "POST https://sts.eu-west-3.amazonaws.com/\nX-Amz-Date: TIME\nContent-Type: "                  \
    "application/x-www-form-urlencoded; charset=utf-8\nAuthorization: AWS4-HMAC-SHA256 "           \
    "Credential=AKIDEXAMPLE/DATE/eu-west-3/sts/aws4_request, "                                     \
    "SignedHeaders=content-type;host;x-amz-date, Signature=SIGNATURE\n\n"                          \
    "Action=AssumeRole&Version=2011-06-15&RoleSessionName=headgate&RoleArn="                       \
    "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fapi&DurationSeconds=900"
#define AS_ROLE                                                                                    \
    "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>"                \
    "<SessionToken>role-token</SessionToken>"
#define ASK_AT(url, operation, body)                                                               \
    "POST " url "/\nX-Amz-Date: TIME\nContent-Type: application/x-amz-json-1.1\nX-Amz-Target: "    \
    "RedshiftData." operation "\nX-Amz-Security-Token: role-token\nAuthorization: "                \
    "AWS4-HMAC-SHA256 Credential=ASIA/DATE/eu-west-3/redshift-data/aws4_request, "                 \
    "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "               \
    "Signature=SIGNATURE\n\n" body
#define ASK(operation, body)                                                                       \
    ASK_AT("https://redshift-data.eu-west-3.amazonaws.com", operation, body)
#define EXECUTE                                                                                    \
    ASK("ExecuteStatement",                                                                        \
        "{\"ClusterIdentifier\":\"acme\",\"DbUser\":\"loader\",\"Database\":\"dev\",\"Sql\":"      \
        "\"SELECT 1\",\"StatementName\":\"headgate\"}")
#define DESCRIBE ASK("DescribeStatement", "{\"Id\":\"st-1\"}")
#define RUN(steps, properties, credentials)                                                        \
    (script.steps = (steps), script.count = sizeof(steps) / sizeof(*(steps)),                      \
     script_verify(&script, "Redshift", properties, credentials, NULL))

static void a_statement_is_followed_to_its_end(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {FORM, 200, .body = AS_ROLE},
        {EXECUTE, 200, .body = "{\"Id\":\"st-1\"}"},
        {DESCRIBE, 200, .body = "{\"Status\":\"SUBMITTED\"}"},
        {DESCRIBE, 200, .body = "{\"Status\":\"STARTED\"}"},
        {DESCRIBE, 200, .body = "{\"Status\":\"FINISHED\"}"},
    };
    assert_true(RUN(steps, PROVISIONED, USER));
    assert_verdict(&script, VERDICT_ACCEPTED, STEP_API, 200, NULL);
    assert_int_equal(script.paused_ms, 100 + 200 + 400);
    assert_null(script.tokens.access_token.data);
}

static void a_workgroup_needs_no_user(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {FORM, 200, .body = AS_ROLE},
        {ASK_AT("https://data.example/eu-west-3", "ExecuteStatement",
                "{\"WorkgroupName\":\"wg\",\"Database\":\"dev\",\"Sql\":\"SELECT 1\","
                "\"StatementName\":\"headgate\"}"),
         200, .body = "{\"Id\":\"st-1\"}"},
        {ASK_AT("https://data.example/eu-west-3", "DescribeStatement", "{\"Id\":\"st-1\"}"), 200,
         .body = "{\"Status\":\"FINISHED\"}"},
    };
    script.endpoint = "https://data.example/{region}/";
    assert_true(RUN(steps, SERVERLESS, "{}"));
}

static void throttling_with_400_is_tried_again(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {FORM, 200, .body = AS_ROLE},
        {EXECUTE, 400,
         .body = "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}"},
        {EXECUTE, 400,
         .body = "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}"},
        {EXECUTE, 400,
         .body = "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}"},
    };
    assert_false(RUN(steps, PROVISIONED, USER));
    assert_verdict(&script, VERDICT_THROTTLED, STEP_API, 400, "Rate exceeded");
    assert_int_equal(script.paused_ms, 1000 + 2000);
}

static const struct {
    int status;
    const char *body;
    enum verdict_kind kind;
    const char *words;
} executions[] = {
    {400, "{\"__type\":\"com.amazon#AccessDeniedException\",\"Message\":\"not role-token\"}",
     VERDICT_FORBIDDEN, "not [removed]"},
    {400,
     "{\"__type\":\"ValidationException\",\"Message\":\"Redshift endpoint doesn't exist in "
     "this region.\"}",
     VERDICT_MISCONFIGURED, "Redshift endpoint doesn't exist in this region."},
    {400, "{\"__type\":\"ExpiredTokenException\",\"message\":\"expired\"}", VERDICT_REJECTED,
     "expired"},
    {400, "{\"__type\":\"QueryTimeoutException\"}", VERDICT_UNREACHABLE, NULL},
    {403, "{\"__type\":\"UnrecognizedClientException\"}", VERDICT_REJECTED, NULL},
    {404, "<html></html>", VERDICT_MISCONFIGURED, NULL},
    {200, "{}", VERDICT_UNREACHABLE, NULL},
    {200, "{\"Id\":\"\"}", VERDICT_UNREACHABLE, NULL},
    {200, "{\"Id\":7}", VERDICT_UNREACHABLE, NULL},
};

static void refusals_to_execute(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(executions) / sizeof(*executions); i++) {
        struct scripted steps[] = {
            {FORM, 200, .body = AS_ROLE},
            {EXECUTE, executions[i].status, .body = executions[i].body},
        };
        script = (struct script){0};
        assert_false(RUN(steps, PROVISIONED, USER));
        assert_string_equal(verdict_kind_name(script.verdict.kind),
                            verdict_kind_name(executions[i].kind));
        assert_str(script.verdict.message, executions[i].words);
        script_done(&script);
    }
}

static const struct {
    const char *body;
    enum verdict_kind kind;
    const char *words;
} endings[] = {
    {"{\"Status\":\"FAILED\",\"Error\":\"FATAL: password authentication failed for user "
     "\\\"loader\\\"\"}",
     VERDICT_REJECTED, "FATAL: password authentication failed for user \"[removed]\""},
    {"{\"Status\":\"FAILED\",\"Error\":\"FATAL: database \\\"dev\\\" does not exist\"}",
     VERDICT_MISCONFIGURED, "FATAL: database \"dev\" does not exist"},
    {"{\"Status\":\"FAILED\",\"Error\":\"role is not authorized to perform: "
     "redshift:GetClusterCredentials\"}",
     VERDICT_FORBIDDEN, "role is not authorized to perform: redshift:GetClusterCredentials"},
    {"{\"Status\":\"FAILED\",\"Error\":\"ERROR: user \\\"x\\\" does not exist\"}", VERDICT_REJECTED,
     "ERROR: user \"x\" does not exist"},
    {"{\"Status\":\"FAILED\",\"Error\":\"FATAL: too many connections\"}", VERDICT_THROTTLED,
     "FATAL: too many connections"},
    {"{\"Status\":\"FAILED\"}", VERDICT_UNREACHABLE, "the statement was ended before it was done"},
    {"{\"Status\":\"ABORTED\"}", VERDICT_UNREACHABLE, "the statement was ended before it was done"},
};

static void a_statement_that_fails_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        struct scripted steps[] = {
            {FORM, 200, .body = AS_ROLE},
            {EXECUTE, 200, .body = "{\"Id\":\"st-1\"}"},
            {DESCRIBE, 200, .body = endings[i].body},
        };
        script = (struct script){0};
        assert_false(RUN(steps, PROVISIONED, USER));
        assert_verdict(&script, endings[i].kind, STEP_API, 0, endings[i].words);
        script_done(&script);
    }
}

static void a_role_that_cannot_be_taken_on(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {FORM, 403, .body = "<Error><Code>AccessDenied</Code></Error>"}};
    assert_false(RUN(steps, PROVISIONED, USER));
    assert_verdict(&script, VERDICT_REJECTED, STEP_TOKEN, 0,
                   "AWS STS does not let this server take on the role (AccessDenied).");
    script_done(&script);
    script = (struct script){.no_aws = true};
    assert_false(script_verify(&script, "Redshift", PROVISIONED, USER, NULL));
    assert_string_equal(verdict_kind_name(script.verdict.kind), "misconfigured");
}

static const struct {
    const char *a, *b;
    bool same;
} receivers[] = {
    {JDBC, URL("jdbc:redshift://ACME.example:5439/dev?loginTimeout=9"), true},
    {JDBC, URL("jdbc:redshift://acme.example:5439/other"), false},
    {JDBC, URL("jdbc:redshift://acme.example:5440/dev"), false},
    {JDBC, URL("jdbc:redshift://acme.example/dev?ssl=false"), false},
    {JDBC, PROVISIONED, false},
    {SERVERLESS, PROVISIONED, true},
};

static struct target resolved(const char *properties)
{
    static const struct connector_env env;
    struct target target;
    struct target_source source = {
        .connector = connector_by_type(STR("Redshift")),
        .env = &env,
        .properties = script_value(&script, "RedshiftConnectorProfileProperties", properties)};
    target_resolve(&target, &source, &script.arena);
    return target;
}

static void who_receives_the_password(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(receivers) / sizeof(*receivers); i++) {
        struct target a = resolved(receivers[i].a), b = resolved(receivers[i].b);
        assert_int_equal(a.origin_count, 1);
        assert_int_equal(str_eq(a.origins[0], b.origins[0]), receivers[i].same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(urls_are_taken_apart),
        TEST(other_urls_are_refused),
        TEST(secrets_in_options_are_refused),
        TEST(members_go_together),
        TEST(a_statement_is_followed_to_its_end),
        TEST(a_workgroup_needs_no_user),
        TEST(throttling_with_400_is_tried_again),
        TEST(refusals_to_execute),
        TEST(a_statement_that_fails_says_why),
        TEST(a_role_that_cannot_be_taken_on),
        TEST(who_receives_the_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

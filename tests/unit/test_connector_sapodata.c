/* SAP OData: where the catalog is, what goes along with which credentials, what answers mean. */
#include "connector_script.h"

#include <stdio.h>
#include <string.h>

#define HOST "https://sap.acme.example"
#define V2 "/sap/opu/odata/iwfnd/catalogservice;v=2"
#define REST "\"clientNumber\":\"100\""
#define PROPERTIES                                                                                 \
    "{\"applicationHostUrl\":\"" HOST "\",\"applicationServicePath\":\"" V2                        \
    "\",\"portNumber\":443," REST "}"
#define BASIC "{\"basicAuthCredentials\":{\"username\":\"u\",\"password\":\"p1\"}}"
#define SHOWN(auth) "\nAccept: application/json\nAuthorization: " auth "\nX-CSRF-Token: Fetch\n\n"
#define GET "GET " HOST V2 "/?sap-client=100" SHOWN("Basic dTpwMQ==")
#define CATALOG "{\"d\":{\"EntitySets\":[\"ServiceCollection\"]}}"

static struct script script;

static bool run(const struct scripted *steps, size_t count, const char *properties,
                const char *credentials)
{
    script.steps = steps;
    script.count = count;
    script.next = 0;
    return script_verify(&script, "SAPOData", properties, credentials, NULL);
}

static void each_answer_has_its_meaning(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers, *body;
        enum verdict_kind kind;
        const char *words;
    } cases[] = {
        {200, NULL, CATALOG, VERDICT_ACCEPTED, NULL},
        {200, NULL, "{\"@odata.context\":\"$metadata\",\"value\":[]}", VERDICT_ACCEPTED, NULL},
        {200, NULL,
         "<?xml version=\"1.0\"?><app:service xmlns:app=\"http://www.w3.org/2007/app\"/>",
         VERDICT_ACCEPTED, NULL},
        {403, "x-csrf-token: Required\n", "CSRF token validation failed", VERDICT_ACCEPTED, NULL},
        {200, NULL, "{}", VERDICT_UNREACHABLE, NULL},
        {200, NULL, "", VERDICT_UNREACHABLE, NULL},
        {200, NULL, "{\"d\":{\"EntitySets\":[\"LoginLogonPassword\"]}}", VERDICT_ACCEPTED, NULL},
        {200, NULL, "<html><input name=\"sap-system-login\"></html>", VERDICT_REJECTED, NULL},
        {200, NULL, "<html><form id=\"LOGIN_FORM\"></html>", VERDICT_MISCONFIGURED, NULL},
        {200, NULL, "<html><input name=\"sap-password\"></html>", VERDICT_REJECTED, NULL},
        {200, "sap-err-id: ICFLOGONREQUIRED\n", "<html></html>", VERDICT_REJECTED, NULL},
        {200, NULL, "<html><input name=\"SAMLRequest\"> logon</html>", VERDICT_MISCONFIGURED, NULL},
        {200, NULL, "<html>Welcome</html>", VERDICT_MISCONFIGURED, NULL},
        {302, "Location: https://idp.example/\n", "", VERDICT_MISCONFIGURED,
         "it leads to https://idp.example"},
        {401, "WWW-Authenticate: Basic realm=\"SAP NetWeaver\"\n", "<html>Logon failed</html>",
         VERDICT_REJECTED, NULL},
        {401, NULL, "<html>Log in to the proxy</html>", VERDICT_BLOCKED, NULL},
        {401, NULL, "<html>Client 999 is not available in this system</html>",
         VERDICT_MISCONFIGURED, NULL},
        {403, NULL,
         "{\"error\":{\"code\":\"/IWFND/MED/170\",\"message\":{\"lang\":\"en\",\"value\":\"No "
         "authorization\"}}}",
         VERDICT_FORBIDDEN, "No authorization"},
        {403, NULL, "{\"error\":{\"code\":\"403\",\"message\":\"Forbidden\"}}", VERDICT_FORBIDDEN,
         "Forbidden"},
        {403, NULL, "<html>Service cannot be reached</html>", VERDICT_MISCONFIGURED, NULL},
        {404, NULL, "<html></html>", VERDICT_MISCONFIGURED, NULL},
        {429, "Retry-After: 3600\n", "{}", VERDICT_THROTTLED, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct scripted step = {GET, cases[i].status, .headers = cases[i].headers,
                                .body = cases[i].body};
        run(&step, 1, PROPERTIES, BASIC);
        assert_verdict(&script, cases[i].kind, STEP_API, cases[i].status, cases[i].words);
    }
}

static void the_address_has_many_forms(void **state)
{
    (void)state;
    static const struct {
        const char *host, *path;
        int port;
        const char *url;
    } cases[] = {
        {HOST, V2, 443, HOST V2 "/"},
        {HOST "/", V2 "/", 443, HOST V2 "/"},
        {"https://SAP.Acme.example", "sap/opu/odata/iwfnd/catalogservice;v=2", 443, HOST V2 "/"},
        {HOST, V2, 44300, HOST ":44300" V2 "/"},
        {HOST ":44300", V2, 44300, HOST ":44300" V2 "/"},
        {HOST ":443", V2, 44300, HOST ":44300" V2 "/"},
        {"http://10.0.0.7", "/a", 8000, "http://10.0.0.7:8000/a/"},
        {HOST, "/", 443, HOST "/"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct str get = arena_printf(&script.arena, "GET %s?sap-client=100%s", cases[i].url,
                                      SHOWN("Basic dTpwMQ=="));
        struct str properties =
            arena_printf(&script.arena,
                         "{\"applicationHostUrl\":\"%s\",\"applicationServicePath\":\"%s\","
                         "\"portNumber\":%d," REST "}",
                         cases[i].host, cases[i].path, cases[i].port);
        struct scripted step = {get.data, 200, .body = CATALOG};
        assert_true(run(&step, 1, properties.data, BASIC));
    }
}

#define SSO_OFF                                                                                    \
    "{\"applicationHostUrl\":\"" HOST "\",\"applicationServicePath\":\"" V2                        \
    "\",\"portNumber\":443," REST ",\"logonLanguage\":\"DE\",\"disableSSO\":true,"                 \
    "\"oAuthProperties\":{\"tokenUrl\":\"" HOST "/token?sap-client=100\",\"authCodeUrl\":\"" HOST  \
    "/auth\",\"oAuthScopes\":[\"S\"]}}"

static void sso_is_disabled_for_passwords_only(void **state)
{
    (void)state;
    static const struct scripted basic = {
        "GET " HOST V2 "/?sap-client=100&sap-language=DE&saml2=disabled" SHOWN("Basic dTpwMQ=="),
        200, .body = CATALOG};
    assert_true(run(&basic, 1, SSO_OFF, BASIC));
    static const struct scripted bearer = {"GET " HOST V2
                                           "/?sap-client=100&sap-language=DE" SHOWN("Bearer t0ken"),
                                           200, .body = CATALOG};
    assert_true(run(&bearer, 1, SSO_OFF,
                    "{\"oAuthCredentials\":{\"clientId\":\"c\",\"clientSecret\":\"s\","
                    "\"accessToken\":\"t0ken\"}}"));
}

/* What an ABAP user may have in a password is not percent-encoded in the header. */
static void the_oauth_client_is_a_user(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {"POST " HOST "/token?sap-client=100\nAccept: application/json\n"
         "Content-Type: application/x-www-form-urlencoded\n"
         "Authorization: Basic Y19pZDpzJCUx\n\n"
         "grant_type=refresh_token&refresh_token=r1&client_id=c_id",
         200, .body = "{\"access_token\":\"t2\",\"expires_in\":\"3600\"}"},
        {"GET " HOST V2 "/?sap-client=100&sap-language=DE" SHOWN("Bearer t2"), 200,
         .body = CATALOG},
    };
    assert_true(run(steps, 2, SSO_OFF,
                    "{\"oAuthCredentials\":{\"clientId\":\"c_id\",\"clientSecret\":\"s$%1\","
                    "\"refreshToken\":\"r1\"}}"));
    assert_str(script.tokens.access_token, "t2");
    assert_true(script.tokens.expires_at_ms > 0);
}

static void what_cannot_work_is_refused_before_any_call(void **state)
{
    (void)state;
    static const struct {
        const char *properties, *credentials, *message;
    } cases[] = {
        {SSO_OFF,
         "{\"basicAuthCredentials\":{\"username\":\"u\",\"password\":\"p\"},\"oAuthCredentials\":{"
         "\"clientId\":\"c\",\"clientSecret\":\"s\"}}",
         "Validation exception: give basicAuthCredentials or oAuthCredentials, not both"},
        {PROPERTIES, "{}", "Validation exception: the credentials"},
        {PROPERTIES, "{\"basicAuthCredentials\":{\"username\":\"u:v\",\"password\":\"p\"}}",
         "Validation exception: what is sent as the user name"},
        {PROPERTIES, "{\"basicAuthCredentials\":{\"username\":\"u\",\"password\":\"\"}}",
         "Validation exception: Password cannot be blank for connector: SAPODATA"},
        {SSO_OFF, "{\"oAuthCredentials\":{\"clientId\":\"c\",\"clientSecret\":\"s\"}}",
         "Validation exception: AuthCode cannot be blank for connector: SAPODATA"},
        {SSO_OFF,
         "{\"oAuthCredentials\":{\"clientId\":\"c:d\",\"clientSecret\":\"s\",\"accessToken\":"
         "\"t\"}}",
         "Validation exception: clientId must not contain a colon"},
        {PROPERTIES,
         "{\"oAuthCredentials\":{\"clientId\":\"c\",\"clientSecret\":\"s\",\"accessToken\":\"t\"}}",
         "Validation exception: oAuthProperties.tokenUrl is needed for connector: SAPOData"},
        {"{\"applicationHostUrl\":\"" HOST "/path\",\"applicationServicePath\":\"/a\","
         "\"portNumber\":443," REST "}",
         BASIC, "Validation exception: applicationHostUrl must hold no path."},
        {"{\"applicationHostUrl\":\"" HOST ":8443\",\"applicationServicePath\":\"/a\","
         "\"portNumber\":443," REST "}",
         BASIC, "Validation exception: applicationHostUrl names port 8443 and portNumber is 443."},
        {"{\"applicationHostUrl\":\"https://u@sap.acme.example\",\"applicationServicePath\":\"/"
         "a\",\"portNumber\":443," REST "}",
         BASIC, "Validation exception: applicationHostUrl"},
        {"{\"applicationHostUrl\":\"" HOST "\",\"applicationServicePath\":\"/a?b\","
         "\"portNumber\":443," REST "}",
         BASIC, "Validation exception: applicationServicePath must not hold a query"},
        {"{\"applicationHostUrl\":\"" HOST "\",\"applicationServicePath\":\"/a/../b\","
         "\"portNumber\":443," REST "}",
         BASIC, "Validation exception: applicationServicePath"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        script.error = (struct error){0};
        assert_false(script_check(&script, "SAPOData", cases[i].properties, cases[i].credentials));
        assert_int_equal(script.error.code, ERR_VALIDATION);
        if (strncmp(script.error.message, cases[i].message, strlen(cases[i].message)) != 0)
            assert_string_equal(script.error.message, cases[i].message);
    }
}

#define SERVICE "/sap/opu/odata/sap/THINGS"
#define DOCUMENT_BEGIN "<edmx:Edmx xmlns:edmx=\"x\"><Schema Namespace=\"n\">"
#define DOCUMENT_END "</Schema></edmx:Edmx>"

static bool describe(const struct scripted *steps, size_t count, struct str *ret_fields)
{
    script.steps = steps;
    script.count = count;
    script.next = 0;
    return script_describe(&script, connector_by_type(STR("SAPOData")),
                           script_part(&script, "SAPOData", "Properties", PROPERTIES),
                           script_part(&script, "SAPOData", "Credentials", BASIC), SERVICE "/Ts",
                           ret_fields);
}

/* A type that is based on itself: its properties count each time, and take memory once. */
static void properties_of_one_name_are_counted(void **state)
{
    (void)state;
    struct str found;
    struct buf body = buf_on_heap(1024 * 1024);
    buf_add_cstr(&body, DOCUMENT_BEGIN "<EntityType Name=\"T\" BaseType=\"n.T\">");
    for (int i = 0; i < 4900; i++)
        buf_add_cstr(&body, "<Property Name=\"a\" Type=\"Edm.Int32\"/>");
    buf_add_cstr(&body, "</EntityType><EntityContainer><EntitySet Name=\"Ts\" "
                        "EntityType=\"n.T\"/></EntityContainer>" DOCUMENT_END);
    const struct scripted step = {.status = 200, .body = body.data};
    assert_false(describe(&step, 1, &found));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "there are more properties than this server takes of one list");
    assert_true(script.arena.used < 4 * 1024 * 1024);
    buf_done(&body);
}

/* Keys and properties of one type are bounded together, also when another type comes between. */
static void properties_are_counted_by_type(void **state)
{
    (void)state;
    struct str found;
    struct buf body = buf_on_heap(1024 * 1024);
    buf_add_cstr(&body, DOCUMENT_BEGIN "<EntityType Name=\"T\"/>");
    for (int i = 0; i < 2; i++) {
        buf_add_cstr(&body, "<EntityType Name=\"U\"/><Annotations Target=\"n.T\"><Key>");
        for (int j = 0; j < 2501; j++)
            buf_add_cstr(&body, "<PropertyRef Name=\"a\"/>");
        buf_add_cstr(&body, "</Key></Annotations>");
    }
    buf_add_cstr(&body, DOCUMENT_END);
    const struct scripted step = {.status = 200, .body = body.data};
    assert_false(describe(&step, 1, &found));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0, "the service's metadata is too long");
    buf_done(&body);
}

/* A rule accepts it as a proof of the credentials; it has no entities. */
static void an_accepted_answer_may_have_no_entities(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {.status = 200, .body = CATALOG},
        {.status = 403, .headers = "X-CSRF-Token: Required\n", .body = ""},
    };
    struct entity_list list;
    struct str found;
    script.steps = steps;
    script.count = 2;
    script.next = 0;
    assert_false(script_list(&script, connector_by_type(STR("SAPOData")),
                             script_part(&script, "SAPOData", "Properties", PROPERTIES),
                             script_part(&script, "SAPOData", "Credentials", BASIC), NULL, &list));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "the response has no list of entities");
    assert_false(describe(&steps[1], 1, &found));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "the response is not the service's metadata");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_answer_has_its_meaning),
        TEST(the_address_has_many_forms),
        TEST(sso_is_disabled_for_passwords_only),
        TEST(the_oauth_client_is_a_user),
        TEST(what_cannot_work_is_refused_before_any_call),
        TEST(properties_of_one_name_are_counted),
        TEST(properties_are_counted_by_type),
        TEST(an_accepted_answer_may_have_no_entities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A connector as an author would write one, in a few answers: its declaration and one entity are
 * constants, credentials are proved by a call to a vendor. What the vendor answers becomes the
 * SDKs' error codes; where the call itself fails, the function fails as one in Lambda would: its
 * process ends, it runs out of time, or its answer is malformed or too long. */
#include "cli/sandbox_function.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "wire/json_value.h"

#include <stdlib.h>

#define PROBE_URL "https://api.custom.example/me"
#define ARN_END ":function:headgate-sandbox"

enum { ANSWER_MAX = 4096 };

struct sandbox_function {
    struct function_runner runner; /* first */
    struct client *client;
};

/* --- constants --- */

static const char declaration[] =
    "{\"isSuccess\":true,\"connectorOwner\":\"Headgate\",\"connectorName\":\"Sandbox\","
    "\"connectorVersion\":\"1.0\",\"connectorModes\":[\"SOURCE\",\"DESTINATION\"],"
    "\"authenticationConfig\":{\"isBasicAuthSupported\":true,\"isApiKeyAuthSupported\":true,"
    "\"isOAuth2Supported\":true,\"isCustomAuthSupported\":true,\"oAuth2Defaults\":{"
    "\"oAuthScopes\":[\"read\"],\"tokenURL\":[\"https://login.custom.example/oauth/token\"],"
    "\"authURL\":[\"https://login.custom.example/oauth/authorize\"],"
    "\"oAuth2GrantTypesSupported\":[\"CLIENT_CREDENTIALS\",\"AUTHORIZATION_CODE\","
    "\"JWT_BEARER\"],\"oAuth2ContentType\":\"URL_ENCODED\",\"oAuth2MethodType\":\"HTTP_POST\","
    "\"addBasicAuthHeader\":false},\"customAuthConfig\":[{\"authenticationType\":"
    "\"PersonalToken\",\"authParameters\":[{\"key\":\"token\",\"required\":true,\"label\":"
    "\"Token\",\"description\":\"A token of the user's own\",\"sensitiveField\":true}]}]},"
    "\"connectorRuntimeSetting\":[{\"key\":\"region\",\"dataType\":\"String\",\"required\":false,"
    "\"label\":\"Region\",\"description\":\"Where the data is\",\"scope\":\"CONNECTOR_PROFILE\","
    "\"connectorSuppliedValueOptions\":[\"eu\",\"us\"]}],\"supportedApiVersions\":[\"v1\"],"
    "\"operatorsSupported\":[\"PROJECTION\",\"EQUAL_TO\",\"NO_OP\"],"
    "\"supportedTriggerTypes\":[\"SCHEDULED\",\"ONDEMAND\"],"
    "\"triggerFrequenciesSupported\":[\"BYMINUTE\",\"HOURLY\",\"DAILY\",\"WEEKLY\",\"MONTHLY\","
    "\"ONCE\"],\"supportedWriteOperations\":[\"INSERT\",\"UPSERT\"]}";

static const char accepted[] = "{\"isSuccess\":true}";

#define ENTITY "{\"entityIdentifier\":\"order\",\"hasNestedEntities\":false,\"label\":\"Order\"}"

static const char entities[] = "{\"isSuccess\":true,\"entities\":[" ENTITY "]}";

static const char definition[] =
    "{\"isSuccess\":true,\"entityDefinition\":{\"entity\":" ENTITY ",\"fields\":[{\"fieldName\":"
    "\"id\",\"dataType\":\"String\",\"dataTypeLabel\":\"string\",\"label\":\"Id\","
    "\"isPrimaryKey\":true,\"readProperties\":{\"isRetrievable\":true,\"isQueryable\":true}}]}}";

static const struct {
    struct str type;
    const char *answer;
} constants[] = {
    {STR("DescribeConnectorConfigurationRequest"), declaration},
    {STR("ValidateConnectorRuntimeSettingsRequest"), accepted},
    {STR("ListEntitiesRequest"), entities},
    {STR("DescribeEntityRequest"), definition},
};

/* --- credentials --- */

/* What the secret has, whatever the kind of authentication. */
static struct str credential_of(const struct value *secret)
{
    static const char *const members[] = {"accessToken", "apiKey", "password", "token"};
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        struct str text = value_text(secret, members[i]);
        if (text.len > 0)
            return text;
    }
    return STR("");
}

/* As the comments of the SDKs' ErrorCode say. */
static const char *code_of(int status)
{
    switch (status) {
    case 401:
        return "InvalidCredentials";
    case 403:
        return "AccessDenied";
    case 429:
        return "RateLimitExceeded";
    case 503:
        return "ServiceUnavailable";
    default:
        return status >= 500 ? "ServerError" : "ClientError";
    }
}

static struct str refusal(const struct client_response *response, struct arena *arena)
{
    const struct str *wait = client_header(response, STR("Retry-After"));
    struct value *json;
    struct buf answer = buf_in(arena, ANSWER_MAX);
    const char *code = code_of(response->status);
    if (response->status == 403 && !json_parse(response->body, arena, &json))
        code = "ClientError"; /* a firewall's page */
    buf_printf(&answer,
               "{\"isSuccess\":false,\"errorDetails\":{\"errorCode\":\"%s\",\"errorMessage\":"
               "\"the service answered with HTTP status %d\"",
               code, response->status);
    if (wait)
        buf_printf(&answer, ",\"retryAfterSeconds\":%.*s", STR_ARG(*wait));
    buf_add_cstr(&answer, "}}");
    return buf_str(&answer);
}

static struct str answer_of(const struct client_response *response, struct arena *arena)
{
    struct value *json;
    bool good = response->status / 100 == 2;
    if (good && json_parse(response->body, arena, &json))
        return str_from(accepted);
    if (good && !str_starts(response->body, STR("<"))) /* what cannot be read is handed on */
        return response->body;
    return good ? STR("{\"isSuccess\":false,\"errorDetails\":{\"errorCode\":\"ClientError\","
                      "\"errorMessage\":\"the service answered with a web page\"}}")
                : refusal(response, arena);
}

static void end_without_answer(enum client_outcome outcome, struct function_answer *answer)
{
    static const struct {
        enum client_outcome outcome;
        struct function_answer answer;
    } ends[] = {
        {CLIENT_TIMEOUT,
         {.outcome = FUNCTION_TIMED_OUT,
          .message = STR("The sandbox's function did not answer in time.")}},
        {CLIENT_TOO_LARGE,
         {.outcome = FUNCTION_TOO_LARGE,
          .message = STR("The answer of the sandbox's function is too large.")}},
    };
    *answer = (struct function_answer){.outcome = FUNCTION_CRASHED,
                                       .message = STR("The sandbox's function ended.")};
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        if (ends[i].outcome == outcome)
            *answer = ends[i].answer;
    }
}

static void prove(const struct sandbox_function *self, const struct function_call *call,
                  struct arena *arena, struct function_answer *answer)
{
    struct value *secret = NULL;
    struct client_response response;
    json_parse(call->secret_text, arena, &secret);
    struct str credential = credential_of(secret);
    const struct http_header headers[] = {
        {STR("Accept"), STR("application/json")},
        {STR("Authorization"), arena_printf(arena, "Bearer %.*s", STR_ARG(credential))},
    };
    const struct client_request request = {
        .method = STR("GET"),
        .url = STR(PROBE_URL),
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(*headers),
        .deadline_ms = call->deadline_ms,
    };
    client_call(self->client, arena, &request, &response);
    if (response.outcome == CLIENT_OK)
        answer->payload = answer_of(&response, arena);
    else
        end_without_answer(response.outcome, answer);
}

/* --- the runner --- */

static bool knows(struct function_runner *runner, struct str arn)
{
    (void)runner;
    return str_ends(arn, STR(ARN_END));
}

static void invoke(struct function_runner *runner, const struct function_call *call,
                   struct arena *arena, struct function_answer *ret_answer)
{
    struct value *request = NULL;
    *ret_answer = (struct function_answer){.outcome = FUNCTION_ANSWERED};
    json_parse(call->payload, arena, &request);
    struct str type = value_text(request, "type");
    for (size_t i = 0; i < sizeof(constants) / sizeof(*constants); i++) {
        if (str_eq(constants[i].type, type))
            ret_answer->payload = str_from(constants[i].answer);
    }
    if (!ret_answer->payload.data && str_eq(type, STR("ValidateCredentialsRequest")))
        prove((struct sandbox_function *)runner, call, arena, ret_answer);
    else if (!ret_answer->payload.data)
        ret_answer->payload =
            STR("{\"isSuccess\":false,\"errorDetails\":{\"errorCode\":\"InvalidArgument\","
                "\"errorMessage\":\"the sandbox's function cannot do this\"}}");
}

struct function_runner *sandbox_function_new(struct client *client)
{
    static const struct function_runner_ops ops = {.knows = knows, .invoke = invoke};
    struct sandbox_function *self = xcalloc(1, sizeof(*self));
    self->runner.ops = &ops;
    self->client = client;
    return &self->runner;
}

void sandbox_function_free(struct function_runner *function)
{
    free(function);
}

/* Signs with the same code that the tests hold against AWS's vectors and two other signers. */
#include "cli/api_client.h"

#include "base/clock.h"
#include "base/url.h"
#include "cli/data_dir.h"
#include "wire/restjson.h"
#include "wire/sigv4.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CALL_TIMEOUT_MS = 60 * 1000,
    LINE_SIZE = 4200, /* a session token has 2,048 characters at most */
    HEADERS_MAX = 5 + API_HEADERS_MAX,
};

/* --- the access key --- */

static void take(struct secret **secret, const char *text)
{
    if (!*secret)
        *secret = secret_new(str_from(text));
}

/* "name = value" lines of the first section that has a key. */
static bool read_credentials(struct api_client *api, const char *path, struct error *error)
{
    char line[LINE_SIZE], name[64], text[LINE_SIZE];
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(error, ERR_VALIDATION, "The access key in %s cannot be read: %s.", path,
                    strerror(errno));
    while (fgets(line, sizeof(line), file)) {
        if (line[0] == '[' && api->secret)
            break;
        if (sscanf(line, " %63[a-z_] = %4199s", name, text) != 2)
            continue;
        if (strcmp(name, "aws_access_key_id") == 0)
            snprintf(api->access_key_id, sizeof(api->access_key_id), "%.128s", text);
        if (strcmp(name, "aws_secret_access_key") == 0)
            take(&api->secret, text);
        if (strcmp(name, "aws_session_token") == 0)
            take(&api->session_token, text);
    }
    fclose(file);
    explicit_bzero(line, sizeof(line));
    explicit_bzero(text, sizeof(text));
    return (api->access_key_id[0] && api->secret) ||
           fail(error, ERR_VALIDATION, "%s does not hold an access key.", path);
}

/* As the AWS CLI does, the variables with a key before the one with a file. */
static bool read_variables(struct api_client *api, struct error *error)
{
    const char *id = getenv("AWS_ACCESS_KEY_ID"), *path = getenv("AWS_SHARED_CREDENTIALS_FILE");
    if (!id && path)
        return read_credentials(api, path, error);
    snprintf(api->access_key_id, sizeof(api->access_key_id), "%.128s", id ? id : "");
    api->secret = take_variable("AWS_SECRET_ACCESS_KEY");
    api->session_token = take_variable("AWS_SESSION_TOKEN");
    return (api->access_key_id[0] && api->secret) ||
           fail(error, ERR_VALIDATION,
                "There is no access key: give --credentials FILE, or set "
                "AWS_SHARED_CREDENTIALS_FILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.");
}

bool api_client_start(struct api_client *api, const struct api_client_config *config,
                      struct error *error)
{
    *api = (struct api_client){.endpoint = config->endpoint, .region = config->region};
    bool has_key = config->credentials_path ? read_credentials(api, config->credentials_path, error)
                                            : read_variables(api, error);
    if (!has_key ||
        !egress_new(&(struct egress_config){.allowed = "0.0.0.0/0,::/0"}, &api->egress, error))
        return false;
    struct client_config client = {
        .egress = api->egress,
        .trust = {.file = getenv("SSL_CERT_FILE"), .extra_file = config->ca_path},
    };
    return client_start(&client, &api->client, error);
}

void api_client_stop(struct api_client *api)
{
    if (api->client)
        client_free(api->client);
    if (api->egress)
        egress_free(api->egress);
    secret_free(api->secret);
    secret_free(api->session_token);
}

/* --- calls --- */

static bool read_answer(const struct client_response *response, struct arena *arena,
                        struct api_answer *ret_answer, struct error *error)
{
    struct value *json = NULL;
    const struct str *exception = client_header(response, STR("x-amzn-ErrorType"));
    const struct str *report = client_header(response, STR("X-Headgate-Verification"));
    const struct str *link = client_header(response, STR("X-Headgate-Consent-Link"));
    if (response->outcome != CLIENT_OK)
        return fail(error, ERR_UNAVAILABLE, "Headgate did not answer: %s", response->detail);
    if (!json_parse(response->body, arena, &json))
        json = NULL;
    *ret_answer = (struct api_answer){.status = response->status,
                                      .exception = exception ? *exception : STR_NULL,
                                      .report = report ? *report : STR_NULL,
                                      .link = link ? *link : STR_NULL,
                                      .body = response->body,
                                      .json = json};
    return true;
}

bool api_call_with(struct api_client *api, struct arena *arena, const char *path, struct str body,
                   const struct http_header *more, size_t more_count, struct api_answer *ret_answer,
                   struct error *error)
{
    struct url_parts parts = {0};
    url_split(str_from(api->endpoint), &parts);
    struct http_header headers[HEADERS_MAX] = {
        {STR("Host"), parts.authority},
        {STR("Content-Type"), STR("application/json")},
    };
    size_t count = 2;
    for (size_t i = 0; i < more_count; i++)
        headers[count++] = more[i];
    if (api->session_token)
        headers[count++] =
            (struct http_header){STR("X-Amz-Security-Token"), secret_reveal(api->session_token)};
    struct sigv4_request to_sign = {
        .method = STR("POST"),
        .path = str_from(path),
        .query = STR(""),
        .headers = headers,
        .header_count = count,
        .body = body,
    };
    headers[count].name = STR("X-Amz-Date");
    headers[count + 1].name = STR("Authorization");
    sigv4_sign(&to_sign, str_from(api->access_key_id), api->secret, str_from(api->region),
               STR("appflow"), clock_wall_ms(), arena, &headers[count].value,
               &headers[count + 1].value);
    struct client_request request = {
        .method = STR("POST"),
        .url = arena_printf(arena, "%s%s", api->endpoint, path),
        .headers = headers + 1,
        .header_count = count + 1,
        .body = body,
        .deadline_ms = clock_mono_ms() + CALL_TIMEOUT_MS,
    };
    struct client_response response;
    client_call(api->client, arena, &request, &response);
    return read_answer(&response, arena, ret_answer, error);
}

bool api_call(struct api_client *api, struct arena *arena, const char *path, struct str body,
              struct api_answer *ret_answer, struct error *error)
{
    return api_call_with(api, arena, path, body, NULL, 0, ret_answer, error);
}

bool api_call_flagged(struct api_client *api, struct arena *arena, const char *flag,
                      const char *path, struct str body, struct api_answer *ret_answer,
                      struct error *error)
{
    const struct http_header header = {str_from(flag), STR("true")};
    return api_call_with(api, arena, path, body, &header, 1, ret_answer, error);
}

bool api_check_flag(struct api_client *api, struct arena *arena, const char *flag, const char *what,
                    struct error *error)
{
    struct api_answer answer;
    if (!api_call_flagged(api, arena, flag, "/describe-connector-profiles", STR("{}"), &answer,
                          error))
        return false;
    bool is_known =
        answer.status == 400 && str_contains(value_text(answer.json, "message"), str_from(flag));
    bool is_ignored =
        answer.status == 200 || str_starts(answer.exception, STR("AccessDeniedException"));
    if (is_ignored)
        return fail(error, ERR_NOT_IMPLEMENTED,
                    "This server has no %s: nothing was sent. Upgrade it first.", what);
    return is_known || api_fail_answer(&answer, error);
}

bool api_fail_answer(const struct api_answer *answer, struct error *error)
{
    struct str message = value_text(answer->json, "message");
    bool later = answer->status == 429 || answer->status >= 500;
    return fail(error, later ? ERR_UNAVAILABLE : ERR_NOT_FOUND, "%.*s: %.*s",
                STR_ARG(answer->exception.len > 0 ? answer->exception : STR("HTTP")),
                STR_ARG(message.len > 0 ? message : answer->body));
}

/* Signs with the same code that the tests hold against AWS's vectors and two other signers. */
#include "cli/api_client.h"

#include "base/clock.h"
#include "base/url.h"
#include "wire/restjson.h"
#include "wire/sigv4.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CALL_TIMEOUT_MS = 60 * 1000 };

/* "name = value" lines; sections do not matter, since we read a file with one. */
static bool read_credentials(struct api_client *api, const char *path, struct error *error)
{
    char line[512], name[64], text[400];
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(error, ERR_INTERNAL, "The access key in %s cannot be read: %s.", path,
                    strerror(errno));
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, " %63[a-z_] = %399s", name, text) != 2)
            continue;
        if (strcmp(name, "aws_access_key_id") == 0)
            snprintf(api->access_key_id, sizeof(api->access_key_id), "%.128s", text);
        if (strcmp(name, "aws_secret_access_key") == 0 && !api->secret)
            api->secret = secret_new(str_from(text));
    }
    fclose(file);
    explicit_bzero(line, sizeof(line));
    explicit_bzero(text, sizeof(text));
    return (api->access_key_id[0] && api->secret) ||
           fail(error, ERR_INTERNAL, "%s does not hold an access key.", path);
}

bool api_client_start(struct api_client *api, const char *endpoint, const char *credentials_path,
                      struct error *error)
{
    *api = (struct api_client){.endpoint = endpoint};
    if (!read_credentials(api, credentials_path, error) ||
        !egress_new("127.0.0.0/8,::1", &api->egress, error))
        return false;
    struct client_config config = {.egress = api->egress};
    return client_start(&config, &api->client, error);
}

void api_client_stop(struct api_client *api)
{
    if (api->client)
        client_free(api->client);
    if (api->egress)
        egress_free(api->egress);
    secret_free(api->secret);
}

static bool read_answer(const struct client_response *response, struct arena *arena,
                        struct api_answer *ret_answer, struct error *error)
{
    struct value *json = NULL;
    const struct str *exception = client_header(response, STR("x-amzn-ErrorType"));
    if (response->outcome != CLIENT_OK)
        return fail(error, ERR_INTERNAL, "Headgate did not answer: %s", response->detail);
    if (!json_parse(response->body, arena, &json))
        json = NULL;
    *ret_answer = (struct api_answer){.status = response->status,
                                      .exception = exception ? *exception : STR_NULL,
                                      .body = response->body,
                                      .json = json};
    return true;
}

bool api_call(struct api_client *api, struct arena *arena, const char *path, struct str body,
              struct api_answer *ret_answer, struct error *error)
{
    struct url_parts parts = {0};
    url_split(str_from(api->endpoint), &parts);
    struct http_header headers[4] = {
        {STR("Host"), parts.authority},
        {STR("Content-Type"), STR("application/json")},
    };
    struct sigv4_request to_sign = {
        .method = STR("POST"),
        .path = str_from(path),
        .query = STR(""),
        .headers = headers,
        .header_count = 2,
        .body = body,
    };
    headers[2].name = STR("X-Amz-Date");
    headers[3].name = STR("Authorization");
    sigv4_sign(&to_sign, str_from(api->access_key_id), api->secret, STR("us-east-1"),
               STR("appflow"), clock_wall_ms(), arena, &headers[2].value, &headers[3].value);
    struct client_request request = {
        .method = STR("POST"),
        .url = arena_printf(arena, "%s%s", api->endpoint, path),
        .headers = headers + 1,
        .header_count = 3,
        .body = body,
        .deadline_ms = clock_mono_ms() + CALL_TIMEOUT_MS,
    };
    struct client_response response;
    client_call(api->client, arena, &request, &response);
    return read_answer(&response, arena, ret_answer, error);
}

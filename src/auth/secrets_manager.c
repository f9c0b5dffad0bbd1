/* One operation of the JSON 1.1 protocol: a signed POST to the endpoint's root whose target header
 * names the operation (docs.aws.amazon.com/secretsmanager, GetSecretValue). */
#include "auth/secrets_manager.h"

#include "base/clock.h"
#include "base/encode.h"
#include "wire/restjson.h"
#include "wire/sigv4.h"

enum { HEADERS_MAX = 8, URL_MAX = 2048, BODY_MAX = SECRETS_MANAGER_ARN_MAX * 6 + 64 };

struct endpoint {
    struct str url;
    struct str host; /* as the Host header will name it, which is signed */
    struct str path;
    struct str region;
};

bool secrets_manager_deny(struct error *error)
{
    return fail(
        error, ERR_ACCESS_DENIED,
        "Please validate the ClientCredentialsArn provided and please make sure Appflow has "
        "required permissions to access the credentials");
}

/* It becomes part of a host name, so nothing else may be in it. */
static bool is_region(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return text.len > 0 && text.len <= SECRETS_MANAGER_REGION_MAX;
}

/* arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME */
static bool read_region(struct str arn, struct str *ret_region)
{
    struct str prefix = STR("arn:aws:secretsmanager:"), rest, account;
    if (arn.len > SECRETS_MANAGER_ARN_MAX || !str_starts(arn, prefix) || !utf8_is_valid(arn))
        return false;
    rest = (struct str){arn.data + prefix.len, arn.len - prefix.len};
    return str_cut(rest, ':', ret_region, &rest) && is_region(*ret_region) &&
           str_cut(rest, ':', &account, &rest) && account.len > 0 &&
           str_starts(rest, STR("secret:")) && rest.len > STR("secret:").len;
}

static struct str put_region(struct arena *arena, struct str pattern, struct str region)
{
    struct buf url = buf_in(arena, URL_MAX);
    struct str place = STR("{region}");
    for (size_t i = 0; i < pattern.len; i++) {
        if (str_starts((struct str){pattern.data + i, pattern.len - i}, place)) {
            buf_add(&url, region);
            i += place.len - 1;
        } else {
            buf_add_char(&url, pattern.data[i]);
        }
    }
    return buf_str(&url);
}

/* Not sent where it is the scheme's own, so not signed either. */
static struct str drop_usual_port(struct str host, bool tls)
{
    struct str usual = tls ? STR(":443") : STR(":80");
    if (str_ends(host, usual))
        host.len -= usual.len;
    return host;
}

static bool find_endpoint(const struct secrets_manager *manager, struct str arn,
                          struct arena *arena, struct endpoint *ret_endpoint, struct error *error)
{
    if (!read_region(arn, &ret_endpoint->region))
        return secrets_manager_deny(error);
    struct str url = put_region(arena, manager->url, ret_endpoint->region), scheme, rest;
    while (url.len > 0 && url.data[url.len - 1] == '/')
        url.len--;
    url = arena_printf(arena, "%.*s/", STR_ARG(url));
    if (!str_cut(url, ':', &scheme, &rest) || !str_starts(rest, STR("//")))
        return fail(error, ERR_CONNECTOR_SERVER,
                    "The URL of AWS Secrets Manager that this server was given is not absolute.");
    rest = (struct str){rest.data + 2, rest.len - 2};
    struct str host = STR(""), path = STR("");
    str_cut(rest, '/', &host, &path);
    ret_endpoint->url = url;
    ret_endpoint->host = drop_usual_port(host, str_eq_nocase(scheme, STR("https")));
    ret_endpoint->path = (struct str){path.data - 1, path.len + 1};
    return true;
}

static void add_header(struct http_header *headers, size_t *count, struct str name,
                       struct str value)
{
    headers[(*count)++] = (struct http_header){name, value};
}

/* Headers without Host, which the connection adds; *ret_count of them. */
static void sign(const struct secrets_manager *manager, const struct endpoint *endpoint,
                 struct str body, struct arena *arena, struct http_header *headers,
                 size_t *ret_count)
{
    size_t count = 0;
    struct str date, authorization;
    add_header(headers, &count, STR("Host"), endpoint->host);
    add_header(headers, &count, STR("Content-Type"), STR("application/x-amz-json-1.1"));
    add_header(headers, &count, STR("X-Amz-Target"), STR("secretsmanager.GetSecretValue"));
    if (manager->session_token)
        add_header(headers, &count, STR("X-Amz-Security-Token"),
                   secret_reveal(manager->session_token));
    struct sigv4_request request = {.method = STR("POST"),
                                    .path = endpoint->path,
                                    .query = STR(""),
                                    .headers = headers,
                                    .header_count = count,
                                    .body = body};
    sigv4_sign(&request, manager->access_key_id, manager->secret_access_key, endpoint->region,
               STR("secretsmanager"), clock_wall_ms(), arena, &date, &authorization);
    headers[0] = (struct http_header){STR("X-Amz-Date"), date};
    add_header(headers, &count, STR("Authorization"), authorization);
    *ret_count = count;
}

static void call(const struct secrets_manager *manager, const struct endpoint *endpoint,
                 struct str arn, int64_t deadline_ms, struct arena *arena,
                 struct client_response *ret_response)
{
    struct http_header headers[HEADERS_MAX];
    struct buf body = buf_in(arena, BODY_MAX);
    size_t count;
    buf_add_cstr(&body, "{\"SecretId\":");
    encode_json_string(&body, arn);
    buf_add_cstr(&body, "}");
    sign(manager, endpoint, buf_str(&body), arena, headers, &count);
    struct client_request request = {.method = STR("POST"),
                                     .url = endpoint->url,
                                     .headers = headers,
                                     .header_count = count,
                                     .body = buf_str(&body),
                                     .deadline_ms = deadline_ms};
    client_call(manager->client, arena, &request, ret_response);
}

/* "ThrottlingException", or with a namespace and '#' before it. */
static bool is_throttled(const struct client_response *response, const struct value *answer)
{
    struct str type = value_text(answer, "__type"), before;
    str_cut(type, '#', &before, &type);
    return response->status == 429 || str_eq(type, STR("ThrottlingException")) ||
           str_eq(type, STR("TooManyRequestsException")) ||
           str_eq(type, STR("RequestLimitExceeded"));
}

static bool read_answer(const struct client_response *response, struct arena *arena,
                        struct str *ret_text, struct error *error)
{
    struct value *answer = NULL;
    if (response->outcome == CLIENT_STOPPED)
        return fail(error, ERR_UNAVAILABLE, "The server is stopping.");
    if (response->outcome != CLIENT_OK)
        return fail(error, ERR_CONNECTOR_SERVER, "AWS Secrets Manager could not be reached: %s.",
                    response->detail);
    bool is_json = json_parse(response->body, arena, &answer);
    if (is_throttled(response, answer))
        return fail(error, ERR_THROTTLING, "AWS Secrets Manager asks to be called again later.");
    if (response->status >= 400 && response->status < 500)
        return secrets_manager_deny(error);
    if (response->status != 200 || !is_json)
        return fail(error, ERR_CONNECTOR_SERVER,
                    "AWS Secrets Manager gave no usable answer (HTTP status %d).",
                    response->status);
    struct str text = value_text(answer, "SecretString");
    if (!text.data)
        return secrets_manager_deny(error);
    *ret_text = text;
    return true;
}

bool secrets_manager_get(const struct secrets_manager *manager, struct str arn, int64_t deadline_ms,
                         struct arena *arena, struct str *ret_text, struct error *error)
{
    struct endpoint endpoint = {0};
    struct client_response response;
    if (!find_endpoint(manager, arn, arena, &endpoint, error))
        return false;
    call(manager, &endpoint, arn, deadline_ms, arena, &response);
    return read_answer(&response, arena, ret_text, error);
}

/* One signed POST (docs.aws.amazon.com, "Signature Version 4"; the JSON 1.1 protocol names the
 * operation in X-Amz-Target, the query protocol in its form). */
#include "auth/aws_call.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/url.h"
#include "wire/errors.h"
#include "wire/sigv4.h"

#include <assert.h>

enum { HEADERS_MAX = 8 + AWS_HEADERS_MAX, ACCOUNT_LEN = 12 };

struct aws_endpoint {
    struct str url;
    struct str host; /* as the Host header will name it, which is signed */
    struct str path;
};

bool aws_region_is_valid(struct str region)
{
    for (size_t i = 0; i < region.len; i++) {
        char c = region.data[i];
        if (!(ascii_is_lower_alnum(c) || c == '-'))
            return false;
    }
    return region.len > 0 && region.len <= AWS_REGION_MAX;
}

bool aws_account_is_valid(struct str account)
{
    return account.len == ACCOUNT_LEN && str_is_digits(account);
}

struct str aws_signed_host(struct str host, bool tls)
{
    struct str usual = tls ? STR(":443") : STR(":80");
    if (str_ends(host, usual))
        host.len -= usual.len;
    return host;
}

static bool find_endpoint(const struct aws_request *request, struct arena *arena,
                          struct aws_endpoint *ret_endpoint, struct error *error)
{
    struct buf with_region = buf_in(arena, AWS_URL_MAX);
    buf_add_replaced(&with_region, request->url, STR("{region}"), request->region);
    struct str url = buf_str(&with_region);
    struct url_parts parts;
    while (url.len > 0 && url.data[url.len - 1] == '/')
        url.len--;
    url = arena_printf(arena, "%.*s%.*s", STR_ARG(url),
                       STR_ARG(request->path.data ? request->path : STR("/")));
    if (with_region.overflow || !url_split(url, &parts))
        return fail(error, ERR_CONNECTOR_SERVER,
                    "The URL of AWS's service %.*s that this server was given is not absolute, or "
                    "has more than %d bytes.",
                    STR_ARG(request->service), AWS_URL_MAX);
    ret_endpoint->url = url;
    ret_endpoint->host =
        aws_signed_host(parts.authority, str_eq_nocase(parts.scheme, STR("https")));
    ret_endpoint->path = parts.rest;
    return true;
}

static void add_header(struct http_header *headers, size_t *count, struct str name,
                       struct str value)
{
    headers[(*count)++] = (struct http_header){name, value};
}

/* Headers without Host, which the connection adds; *ret_count of them. */
static void sign(const struct aws_access *access, const struct aws_request *request,
                 const struct aws_endpoint *endpoint, struct arena *arena,
                 struct http_header *headers, size_t *ret_count)
{
    size_t count = 0;
    struct str date, authorization;
    add_header(headers, &count, STR("Host"), endpoint->host);
    add_header(headers, &count, STR("Content-Type"), request->content_type);
    if (request->target.data)
        add_header(headers, &count, STR("X-Amz-Target"), request->target);
    assert(request->header_count <= AWS_HEADERS_MAX);
    for (size_t i = 0; i < request->header_count; i++)
        headers[count++] = request->headers[i];
    if (access->session_token)
        add_header(headers, &count, STR("X-Amz-Security-Token"),
                   secret_reveal(access->session_token));
    struct sigv4_request signed_request = {.method = STR("POST"),
                                           .path = endpoint->path,
                                           .query = STR(""),
                                           .headers = headers,
                                           .header_count = count,
                                           .body = request->body};
    sigv4_sign(&signed_request, access->access_key_id, access->secret_access_key, request->region,
               request->service, clock_wall_ms(), arena, &date, &authorization);
    headers[0] = (struct http_header){STR("X-Amz-Date"), date};
    add_header(headers, &count, STR("Authorization"), authorization);
    *ret_count = count;
}

bool aws_sign(const struct aws_access *access, const struct aws_request *request,
              struct arena *arena, struct client_request *ret_request, struct error *error)
{
    struct http_header *headers = arena_array(arena, struct http_header, HEADERS_MAX);
    struct aws_endpoint endpoint = {0};
    size_t count;
    if (!find_endpoint(request, arena, &endpoint, error))
        return false;
    sign(access, request, &endpoint, arena, headers, &count);
    *ret_request = (struct client_request){.method = STR("POST"),
                                           .url = endpoint.url,
                                           .headers = headers,
                                           .header_count = count,
                                           .body = request->body,
                                           .body_max = request->answer_max,
                                           .deadline_ms = request->deadline_ms};
    return true;
}

bool aws_call(const struct aws_access *access, const struct aws_request *request,
              struct arena *arena, struct client_response *ret_response, struct error *error)
{
    struct client_request call;
    if (!aws_sign(access, request, arena, &call, error))
        return false;
    (access->call ? access->call : client_call)(access->client, arena, &call, ret_response);
    return true;
}

struct str aws_error_name(const struct client_response *response, const struct value *answer)
{
    struct str name = value_text(answer, "__type"), rest;
    if (!name.data && response->outcome == CLIENT_OK) {
        const struct str *header = client_header(response, STR("x-amzn-ErrorType"));
        name = header ? *header : STR_NULL;
    }
    str_cut(name, '#', &rest, &name);
    str_cut(name, ':', &name, &rest);
    return name;
}

static bool is_one_of(struct str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(name, str_from(names[i])))
            return true;
    }
    return false;
}

bool aws_is_throttled(const struct client_response *response, struct str error_name)
{
    static const char *const names[] = {"ThrottlingException", "Throttling",
                                        "TooManyRequestsException", "RequestLimitExceeded"};
    return (response->outcome == CLIENT_OK && response->status == 429) ||
           is_one_of(error_name, names, sizeof(names) / sizeof(*names));
}

bool aws_refuses_credentials(struct str error_name)
{
    static const char *const names[] = {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    };
    return is_one_of(error_name, names, sizeof(names) / sizeof(*names));
}

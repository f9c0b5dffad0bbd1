/* Each protocol writes the same error differently: in rest-json the exception's name is a header,
 * in JSON 1.1 a member, in the query protocol an element of an XML document. */
#include "wire/aws_answer.h"

#include "base/encode.h"
#include "base/random.h"

enum { HEADERS_MAX = 6, ERROR_BODY_MAX = 8 * ERROR_MESSAGE_MAX };

static const struct str CONTENT_TYPES[] = {
    [AWS_REST_JSON] = STR("application/json"),
    [AWS_JSON_1_1] = STR("application/x-amz-json-1.1"),
    [AWS_QUERY] = STR("text/xml"),
};

/* Codes of the query protocol that are not the exception's name without "Exception". The common
 * errors of AWS's query services, as in the API reference of STS. */
static const struct {
    struct str exception, code;
} query_codes[] = {
    {STR("UnrecognizedClientException"), STR("InvalidClientTokenId")},
    {STR("InvalidSignatureException"), STR("SignatureDoesNotMatch")},
    {STR("UnknownOperationException"), STR("InvalidAction")},
    {STR("ValidationException"), STR("ValidationError")},
    {STR("SerializationException"), STR("MalformedQueryString")},
    {STR("AccessDeniedException"), STR("AccessDenied")},
    {STR("InternalServerException"), STR("InternalFailure")},
    {STR("ServiceUnavailableException"), STR("ServiceUnavailable")},
};

/* Exceptions that Secrets Manager, the one service here with the JSON protocol, calls otherwise. */
static const struct {
    const char *exception, *name;
    int status;
} json_names[] = {
    {"InternalServerException", "InternalServiceError", 500},
    {"ConnectorServerException", "InternalServiceError", 500},
    {"ConnectorAuthenticationException", "InvalidRequestException", 400},
};

static struct aws_error in_its_own_words(const struct aws_error *error)
{
    struct aws_error own = *error;
    for (size_t i = 0; i < sizeof(json_names) / sizeof(*json_names); i++) {
        if (error->protocol != AWS_JSON_1_1 ||
            !str_eq(str_from(error->exception), str_from(json_names[i].exception)))
            continue;
        own.exception = json_names[i].name;
        own.status = json_names[i].status;
    }
    return own;
}

static struct str query_code(struct str exception)
{
    static const struct str suffix = STR("Exception");
    for (size_t i = 0; i < sizeof(query_codes) / sizeof(*query_codes); i++) {
        if (str_eq(query_codes[i].exception, exception))
            return query_codes[i].code;
    }
    if (str_ends(exception, suffix))
        exception.len -= suffix.len;
    return exception;
}

/* Of the control characters XML 1.0 has tab and line ends only, and no way to write the others. */
static void add_xml_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '&')
            buf_add_cstr(out, "&amp;");
        else if (c == '<')
            buf_add_cstr(out, "&lt;");
        else if (c == '>')
            buf_add_cstr(out, "&gt;");
        else
            buf_add_char(out, c < 0x20 ? ' ' : (char)c);
    }
}

static void add_xml_error(struct buf *out, const struct aws_error *error)
{
    buf_printf(out, "<ErrorResponse><Error><Type>%s</Type><Code>",
               error->status >= 500 ? "Receiver" : "Sender");
    buf_add(out, query_code(str_from(error->exception)));
    buf_add_cstr(out, "</Code><Message>");
    add_xml_text(out, error->message);
    buf_add_cstr(out, "</Message></Error><RequestId>");
    buf_add(out, error->request_id);
    buf_add_cstr(out, "</RequestId></ErrorResponse>");
}

static void add_json_error(struct buf *out, const struct aws_error *error)
{
    buf_add_char(out, '{');
    if (error->protocol == AWS_JSON_1_1) {
        buf_add_cstr(out, "\"__type\":");
        encode_json_string(out, str_from(error->exception));
        buf_add_char(out, ',');
    }
    buf_add_cstr(out, "\"message\":");
    encode_json_string(out, error->message);
    buf_add_char(out, '}');
}

/* Room for HEADERS_MAX headers, the first two set. */
static struct http_header *begin(enum aws_protocol protocol, struct str request_id,
                                 struct arena *arena, struct http_response *ret_response)
{
    struct http_header *headers = arena_array(arena, struct http_header, HEADERS_MAX);
    headers[0] = (struct http_header){STR("x-amzn-RequestId"), request_id};
    headers[1] = (struct http_header){STR("Content-Type"), CONTENT_TYPES[protocol]};
    *ret_response = (struct http_response){.status = 200, .headers = headers, .header_count = 2};
    return headers;
}

void aws_result_response(const struct aws_result *result, struct arena *arena,
                         struct http_response *ret_response)
{
    struct http_header *headers = begin(result->protocol, result->request_id, arena, ret_response);
    if (result->extra.value.data)
        headers[ret_response->header_count++] = result->extra;
    ret_response->body = result->body;
}

/* In whole seconds, and not a moment too early. */
static size_t add_retry_after(struct http_header *headers, int64_t wait_ms, struct arena *arena)
{
    if (wait_ms <= 0)
        wait_ms = RETRY_AFTER_DEFAULT_MS;
    if (wait_ms > RETRY_AFTER_MAX_MS)
        wait_ms = RETRY_AFTER_MAX_MS;
    headers[0] = (struct http_header){
        STR("Retry-After"), arena_printf(arena, "%lld", (long long)((wait_ms + 999) / 1000))};
    headers[1] = (struct http_header){STR("x-amz-retry-after"),
                                      arena_printf(arena, "%lld", (long long)wait_ms)};
    return 2;
}

void aws_error_response(const struct aws_error *given, struct arena *arena,
                        struct http_response *ret_response)
{
    const struct aws_error own = in_its_own_words(given), *error = &own;
    struct http_header *headers = begin(error->protocol, error->request_id, arena, ret_response);
    size_t count = ret_response->header_count;
    headers[count++] = (struct http_header){STR("x-amzn-ErrorType"), str_from(error->exception)};
    if (error->status == 429 || error->status == 503)
        count += add_retry_after(headers + count, error->retry_after_ms, arena);
    if (error->status == 415) /* RFC 9110 12.5.3: which codings are taken */
        headers[count++] = (struct http_header){STR("Accept-Encoding"), STR("gzip")};
    if (error->extra.value.data)
        headers[count++] = error->extra;
    struct buf body = buf_in(arena, ERROR_BODY_MAX);
    if (error->protocol == AWS_QUERY)
        add_xml_error(&body, error);
    else
        add_json_error(&body, error);
    ret_response->status = error->status;
    ret_response->header_count = count;
    ret_response->body = buf_str(&body);
}

static const char *refusal_exception(int status)
{
    static const struct {
        int status;
        const char *exception;
    } names[] = {
        {408, "RequestTimeoutException"},
        {413, "RequestEntityTooLargeException"},
        {414, "RequestUriTooLongException"},
        {417, "ExpectationFailedException"},
        {421, "MisdirectedRequestException"},
        {429, "ThrottlingException"},
        {431, "RequestHeaderFieldsTooLargeException"},
        {505, "HttpVersionNotSupportedException"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (names[i].status == status)
            return names[i].exception;
    }
    return "BadRequestException";
}

void aws_refuse(void *context, const struct http_refusal *refusal, struct arena *arena,
                struct http_response *ret_response)
{
    (void)context;
    char *id = arena_alloc(arena, UUID_SIZE);
    random_uuid(id);
    struct aws_error error = {
        .protocol = AWS_REST_JSON,
        .request_id = str_from(id),
        .status = refusal->status,
        .exception = refusal_exception(refusal->status),
        .message = str_from(refusal->message),
    };
    aws_error_response(&error, arena, ret_response);
}

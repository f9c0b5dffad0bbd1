/* Parses the head of a request: finds its end, then takes request line and headers apart, then
 * decides how the body is framed. Everything that is not exactly as RFC 9112 writes it is refused.
 */
#include "net/http1/parser.h"

#include "net/http1/chars.h"
#include "net/http1/target.h"

#include <string.h>

enum {
    VERSION_LEN = 8, /* "HTTP/1.1" */
    REQUEST_LINE_MAX = HTTP_METHOD_MAX + 1 + HTTP_TARGET_MAX + 1 + VERSION_LEN + 2,
};

/* The headers that decide about framing and routing; each may come once. */
struct framing {
    int minor; /* of HTTP/1.x */
    struct http1_target target;
    const struct http_header *host;
    const struct http_header *content_length;
    const struct http_header *transfer_encoding;
    const struct http_header *expect;
    bool twice; /* one of them came again */
    bool close; /* "Connection: close" */
};

static enum http1_result refuse(enum http1_result result, const char *reason,
                                const char **ret_reason)
{
    *ret_reason = reason;
    return result;
}

static enum http1_result bad(const char *reason, const char **ret_reason)
{
    return refuse(HTTP1_BAD, reason, ret_reason);
}

/* As chars_are(s, CHAR_VALUE), eight bytes at once: values are most of a head. A word in which no
 * byte is below 0x20 or DEL is fine; one that may have such a byte (a tab is below, too) is looked
 * at byte by byte. */
static bool value_is_clean(struct str s)
{
    const uint64_t ones = 0x0101010101010101;
    const uint64_t tops = 0x8080808080808080;
    bool clean = true;
    for (; s.len >= sizeof(uint64_t); s = (struct str){s.data + 8, s.len - 8}) {
        uint64_t word;
        memcpy(&word, s.data, sizeof(word));
        uint64_t del = word ^ (ones * 0x7F);
        uint64_t suspect = ((word - ones * 0x20) & ~word) | ((del - ones) & ~del);
        if (suspect & tops)
            clean &= chars_are((struct str){s.data, sizeof(word)}, CHAR_VALUE);
    }
    return clean && chars_are(s, CHAR_VALUE);
}

/* Looks for the empty line in what came since `seen`. Only CRLF ends a line. */
static enum http1_result find_end(const char *data, size_t size, size_t seen, size_t *ret_end,
                                  const char **ret_reason)
{
    for (size_t at = seen; at < size; at++) {
        const char *lf = memchr(data + at, '\n', size - at);
        if (!lf)
            return HTTP1_MORE;
        at = (size_t)(lf - data);
        if (at == 0 || data[at - 1] != '\r')
            return bad("A line ends without a carriage return.", ret_reason);
        if (at >= 3 && data[at - 2] == '\n') {
            *ret_end = at + 1;
            return HTTP1_DONE;
        }
    }
    return HTTP1_MORE;
}

static enum http1_result check_version(struct str version, int *ret_minor, const char **ret_reason)
{
    if (str_eq(version, STR("HTTP/1.1")) || str_eq(version, STR("HTTP/1.0"))) {
        *ret_minor = version.data[VERSION_LEN - 1] - '0';
        return HTTP1_DONE;
    }
    bool well_formed = version.len == VERSION_LEN && str_starts(version, STR("HTTP/")) &&
                       ascii_is_digit(version.data[5]) && version.data[6] == '.' &&
                       ascii_is_digit(version.data[7]);
    if (!well_formed)
        return bad("The request line does not end with an HTTP version.", ret_reason);
    return refuse(HTTP1_VERSION, "The server speaks HTTP/1.1 and HTTP/1.0.", ret_reason);
}

/* `line` is without its CRLF. One space between the parts, and no other. */
static enum http1_result parse_request_line(struct str line, struct http_head *head,
                                            struct framing *framing, const char **ret_reason)
{
    struct str rest, target, version;
    if (!str_cut(line, ' ', &head->method, &rest) || head->method.len == 0 ||
        head->method.len > HTTP_METHOD_MAX || !chars_are(head->method, CHAR_METHOD))
        return bad("The request does not start with a method.", ret_reason);
    if (!str_cut(rest, ' ', &target, &version))
        return bad("The request line has no HTTP version.", ret_reason);
    enum http1_result result = check_version(version, &framing->minor, ret_reason);
    if (result != HTTP1_DONE)
        return result;
    head->target = target;
    if (target.len > HTTP_TARGET_MAX)
        return refuse(HTTP1_TARGET_TOO_LONG, "The request target is too long.", ret_reason);
    bool is_good = http1_parse_target(target, &framing->target, ret_reason);
    head->target = framing->target.origin;
    head->is_https = framing->target.is_https;
    return is_good ? HTTP1_DONE : HTTP1_BAD;
}

/* What can be said about a head whose end has not come: a wrong request line is refused at once,
 * so that a client which speaks something else does not wait for our time limit. */
static enum http1_result check_unfinished(const char *data, size_t size, size_t seen,
                                          struct http_head *head, const char **ret_reason)
{
    size_t looked_at = size < REQUEST_LINE_MAX ? size : REQUEST_LINE_MAX;
    const char *lf = looked_at > 0 ? memchr(data, '\n', looked_at) : NULL;
    if (lf && (size_t)(lf - data) >= seen) {
        struct framing framing = {0};
        struct str line = {data, (size_t)(lf - data) - 1};
        enum http1_result result = parse_request_line(line, head, &framing, ret_reason);
        if (result != HTTP1_DONE)
            return result;
    }
    for (size_t i = 0; !lf && i < looked_at && data[i] != ' '; i++) {
        if (i == HTTP_METHOD_MAX || !char_is(data[i], CHAR_METHOD))
            return bad("The request does not start with a method.", ret_reason);
    }
    if (!lf && size >= REQUEST_LINE_MAX)
        return refuse(HTTP1_TARGET_TOO_LONG, "The request target is too long.", ret_reason);
    if (size >= HTTP_HEAD_MAX)
        return refuse(HTTP1_TOO_LONG, "The request's headers are too long.", ret_reason);
    return HTTP1_MORE;
}

static enum http1_result parse_field(struct str line, struct http_header *ret_header,
                                     const char **ret_reason)
{
    struct str value;
    if (line.data[0] == ' ' || line.data[0] == '\t')
        return bad("A header is continued on a second line.", ret_reason);
    if (!str_cut(line, ':', &ret_header->name, &value))
        return bad("A header has no colon.", ret_reason);
    if (ret_header->name.len == 0 || !chars_are(ret_header->name, CHAR_TOKEN))
        return bad("A header's name is not a token.", ret_reason);
    if (!value_is_clean(value))
        return bad("A header's value has a control character.", ret_reason);
    ret_header->value = str_trim(value);
    return HTTP1_DONE;
}

static void note_once(struct framing *framing, const struct http_header **place,
                      const struct http_header *header)
{
    framing->twice |= *place != NULL;
    *place = header;
}

static bool list_has(struct str list, struct str token)
{
    struct str item;
    while (str_cut(list, ',', &item, &list)) {
        if (str_eq_nocase(str_trim(item), token))
            return true;
    }
    return str_eq_nocase(str_trim(list), token);
}

static void note_field(struct framing *framing, const struct http_header *header)
{
    struct str name = header->name;
    if (str_eq_nocase(name, STR("Host")))
        note_once(framing, &framing->host, header);
    else if (str_eq_nocase(name, STR("Content-Length")))
        note_once(framing, &framing->content_length, header);
    else if (str_eq_nocase(name, STR("Transfer-Encoding")))
        note_once(framing, &framing->transfer_encoding, header);
    else if (str_eq_nocase(name, STR("Expect")))
        note_once(framing, &framing->expect, header);
    else if (str_eq_nocase(name, STR("Connection")))
        framing->close |= list_has(header->value, STR("close"));
}

static enum http1_result parse_fields(struct str text, struct http_head *head,
                                      struct framing *framing, const char **ret_reason)
{
    struct str line;
    while (str_cut(text, '\n', &line, &text)) {
        if (head->header_count == HTTP_HEADERS_MAX)
            return refuse(HTTP1_TOO_LONG, "The request has too many headers.", ret_reason);
        struct http_header *header = &head->headers[head->header_count];
        line.len--; /* the CR */
        enum http1_result result = parse_field(line, header, ret_reason);
        if (result != HTTP1_DONE)
            return result;
        note_field(framing, header);
        head->header_count++;
    }
    return HTTP1_DONE;
}

/* A number that does not fit is a body that is too long, not a malformed one. Leading zeros are
 * refused: some readers take them for octal. */
static bool parse_content_length(struct str value, uint64_t *ret_length)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
    }
    if (value.len == 0 || (value.len > 1 && value.data[0] == '0'))
        return false;
    unsigned long long length;
    *ret_length = str_to_u64(value, UINT64_MAX, &length) ? length : UINT64_MAX;
    return true;
}

static enum http1_result decide_body(const struct framing *framing, struct http_head *head,
                                     const char **ret_reason)
{
    head->content_length = 0;
    head->chunked = framing->transfer_encoding != NULL;
    if (head->chunked && framing->content_length)
        return bad("The request has both Content-Length and Transfer-Encoding.", ret_reason);
    if (head->chunked && framing->minor == 0)
        return bad("HTTP/1.0 has no Transfer-Encoding.", ret_reason);
    if (head->chunked && !str_eq_nocase(framing->transfer_encoding->value, STR("chunked")))
        return bad("The only Transfer-Encoding is chunked.", ret_reason);
    if (framing->content_length &&
        !parse_content_length(framing->content_length->value, &head->content_length))
        return bad("Content-Length is not a number.", ret_reason);
    return HTTP1_DONE;
}

/* A server must take the host from an absolute-form target and ignore Host (RFC 9112 3.2.2). Where
 * both name the same host, Host stays as it was sent, since that text was signed. */
static void replace_host(const struct framing *framing, struct http_head *head)
{
    const struct http1_target *target = &framing->target;
    if (target->authority.data && framing->host && !http1_host_agrees(framing->host->value, target))
        head->headers[framing->host - head->headers].value = target->authority;
}

static enum http1_result decide(const struct framing *framing, struct http_head *head,
                                const char **ret_reason)
{
    if (framing->twice)
        return bad("A header that may come once came twice.", ret_reason);
    if (!framing->host && framing->minor > 0)
        return bad("The request has no Host.", ret_reason);
    if (framing->host && !http1_host_is_valid(framing->host->value))
        return bad("Host is malformed.", ret_reason);
    replace_host(framing, head);
    enum http1_result result = decide_body(framing, head, ret_reason);
    if (result != HTTP1_DONE)
        return result;
    head->keep_alive = framing->minor > 0 && !framing->close;
    head->expect_continue = false;
    if (framing->expect && framing->minor > 0) {
        if (!str_eq_nocase(framing->expect->value, STR("100-continue")))
            return refuse(HTTP1_EXPECTATION, "The only expectation is 100-continue.", ret_reason);
        head->expect_continue = true;
    }
    return HTTP1_DONE;
}

enum http1_result http1_parse_head(const char *data, size_t size, size_t seen,
                                   struct http_head *ret_head, size_t *ret_used,
                                   const char **ret_reason)
{
    size_t end = 0;
    size_t limited = size < HTTP_HEAD_MAX ? size : HTTP_HEAD_MAX;
    enum http1_result result = find_end(data, limited, seen, &end, ret_reason);
    if (result == HTTP1_MORE)
        return check_unfinished(data, limited, seen, ret_head, ret_reason);
    if (result != HTTP1_DONE)
        return result;

    struct framing framing = {0};
    struct str line;
    struct str fields;
    ret_head->header_count = 0;
    str_cut((struct str){data, end - 2}, '\n', &line, &fields);
    line.len--; /* the CR */
    result = parse_request_line(line, ret_head, &framing, ret_reason);
    if (result == HTTP1_DONE)
        result = parse_fields(fields, ret_head, &framing, ret_reason);
    if (result == HTTP1_DONE)
        result = decide(&framing, ret_head, ret_reason);
    if (result == HTTP1_DONE)
        *ret_used = end;
    return result;
}

const struct str *http_find_header(const struct http_head *head, struct str name)
{
    for (size_t i = 0; i < head->header_count; i++) {
        if (str_eq_nocase(head->headers[i].name, name))
            return &head->headers[i].value;
    }
    return NULL;
}

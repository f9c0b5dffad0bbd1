/* Splits at line ends, colons and the request line's outer blanks. */
#include "request_text.h"

#include <string.h>

static struct str next_line(struct str *rest)
{
    struct str line = *rest;
    if (!str_cut(*rest, '\n', &line, rest))
        *rest = STR("");
    if (str_ends(line, STR("\r")))
        line.len--;
    return line;
}

static bool parse_request_line(struct str line, struct sigv4_request *request)
{
    static const struct str version = STR(" HTTP/1.1");
    struct str target;
    if (!str_ends(line, version))
        return false;
    line.len -= version.len;
    if (!str_cut(line, ' ', &request->method, &target))
        return false;
    request->path = target;
    request->query = STR("");
    (void)str_cut(target, '?', &request->path, &request->query);
    return true;
}

void request_text_add(struct request_text *parsed, struct str name, struct str value)
{
    parsed->headers[parsed->request.header_count++] = (struct http_header){name, value};
    parsed->request.headers = parsed->headers;
}

static bool parse_header(struct request_text *parsed, struct str line)
{
    struct str name, value;
    size_t count = parsed->request.header_count;
    if (count > 0 && (line.data[0] == ' ' || line.data[0] == '\t')) {
        struct str *folded = &parsed->headers[count - 1].value;
        folded->len = (size_t)(line.data + line.len - folded->data);
        return true;
    }
    if (count == SIGV4_HEADERS_MAX || !str_cut(line, ':', &name, &value))
        return false;
    request_text_add(parsed, name, str_trim(value));
    return true;
}

bool request_text_parse(struct str text, struct request_text *ret_parsed)
{
    memset(ret_parsed, 0, sizeof(*ret_parsed));
    struct str rest = text;
    if (!parse_request_line(next_line(&rest), &ret_parsed->request))
        return false;
    while (rest.len > 0) {
        struct str line = next_line(&rest);
        if (line.len == 0)
            break;
        if (!parse_header(ret_parsed, line))
            return false;
    }
    ret_parsed->request.body = rest;
    ret_parsed->request.headers = ret_parsed->headers;
    return true;
}

struct str request_text_header(const struct request_text *parsed, struct str name)
{
    for (size_t i = 0; i < parsed->request.header_count; i++) {
        if (str_eq_nocase(parsed->headers[i].name, name))
            return parsed->headers[i].value;
    }
    return STR_NULL;
}

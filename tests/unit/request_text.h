/* An HTTP request as plain text becomes what sigv4 takes. It is as lenient as AWS's test suite
 * needs (folded headers, blanks in the target), which the server's parser is not. */
#pragma once

#include "base/arena.h"
#include "wire/sigv4.h"

struct request_text {
    struct http_header headers[SIGV4_HEADERS_MAX];
    struct sigv4_request request; /* its headers are the array above */
};

/* Lines end in LF or CRLF; what follows an empty line is the body. Slices point into `text`. False
 * when there is no request line, or when a header has no colon, or when they are too many. */
bool request_text_parse(struct str text, struct request_text *ret_parsed);

/* Adds a header at the end. */
void request_text_add(struct request_text *parsed, struct str name, struct str value);

/* The value of a header, STR_NULL when it is absent. */
struct str request_text_header(const struct request_text *parsed, struct str name);

/* HTTP/1.1 requests, strictly: bytes in, one event out, no I/O and no memory of its own.
 * SigV4 signs headers, so whatever two readers could understand differently is refused
 * (RFC 9112, and its allowances for leniency are not taken). */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_HEAD_MAX = 32 * 1024,  /* bytes of request line and headers together */
    HTTP_TARGET_MAX = 8 * 1024, /* bytes of the request target */
    HTTP_HEADERS_MAX = 100,
    HTTP_BODY_MAX = 256 * 1024, /* bytes after chunked decoding */
};

struct http_header {
    struct str name;  /* as sent; compare with str_eq_nocase */
    struct str value; /* without the blanks around it */
};

struct http_head {
    struct str method; /* an upper-case token */
    struct str target; /* origin-form, raw: percent-encoding untouched */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    uint64_t content_length; /* 0 when chunked */
    bool chunked;
    bool keep_alive;      /* HTTP/1.1 without "Connection: close" */
    bool expect_continue; /* "Expect: 100-continue" */
};

enum http1_result {
    HTTP1_MORE,     /* all fine so far, the end has not been seen */
    HTTP1_DONE,     /* *ret_used bytes belong to what was asked for */
    HTTP1_BAD,      /* refuse with 400 and close: *ret_reason says why */
    HTTP1_TOO_LONG, /* refuse with 431 (head), 414 (target) or 413 (body) and close */
    HTTP1_VERSION,  /* refuse with 505 and close */
};

/* Parses a head at the start of `data`. Slices in `ret_head` point into `data`. `seen` is how many
 * bytes an earlier call that answered HTTP1_MORE has already looked at (0 at first). */
enum http1_result http1_parse_head(const char *data, size_t size, size_t seen,
                                   struct http_head *ret_head, size_t *ret_used,
                                   const char **ret_reason);

/* Decodes a chunked body in place: `data[0 .. *decoded)` is decoded content, raw bytes follow up to
 * `size`. State lives in the struct, so that each byte is looked at once. */
struct http1_chunks {
    int state;       /* zeroed at the start */
    uint64_t left;   /* bytes left of the current chunk */
    size_t line_len; /* bytes of the current size or trailer line */
};
enum http1_result http1_decode_chunks(struct http1_chunks *chunks, char *data, size_t *decoded,
                                      size_t *raw_at, size_t size, size_t body_max,
                                      const char **ret_reason);

const struct str *http_find_header(const struct http_head *head, struct str name); /* or NULL */

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
    HTTP_METHOD_MAX = 32,
    HTTP_BODY_MAX = 256 * 1024, /* bytes after chunked decoding */
    HTTP_CHUNK_LINE_MAX = 256,  /* a chunk's size with its extensions */
    HTTP_TRAILERS_MAX = 4096,   /* bytes of all trailer lines together */
};

struct http_header {
    struct str name;  /* as sent; compare with str_eq_nocase */
    struct str value; /* without the blanks around it */
};

struct http_head {
    struct str method; /* an upper-case token */
    struct str target; /* path and query, raw: percent-encoding untouched. Of absolute-form, the
                        * part after the host, which replaces a different value of Host */
    bool is_https;     /* absolute-form with the scheme https: only for a TLS connection */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    uint64_t content_length; /* 0 when chunked or absent; UINT64_MAX when it does not fit */
    bool chunked;
    bool keep_alive;      /* HTTP/1.1 without "Connection: close" */
    bool expect_continue; /* "Expect: 100-continue", which HTTP/1.0 does not have */
};

enum http1_result {
    HTTP1_MORE,            /* all fine so far, the end has not been seen */
    HTTP1_DONE,            /* complete */
    HTTP1_BAD,             /* refuse with 400 and close */
    HTTP1_TOO_LONG,        /* refuse with 431 (a head) or 413 (a body) and close */
    HTTP1_TARGET_TOO_LONG, /* refuse with 414 and close */
    HTTP1_EXPECTATION,     /* refuse with 417 and close: "Expect" that is not 100-continue */
    HTTP1_VERSION,         /* refuse with 505 and close */
};

/* Parses a head at the start of `data`. Slices in `ret_head` point into `data`; `ret_used` is the
 * size of the head with its empty line. `seen` is how many bytes an earlier call that answered
 * HTTP1_MORE has already looked at (0 at first); what is accepted does not depend on how the bytes
 * were split. A refusal comes as soon as the request line is wrong or a line ends with a bare LF,
 * else at the end of the head; it sets `ret_reason` to a sentence that tells nothing of the
 * request's content. */
enum http1_result http1_parse_head(const char *data, size_t size, size_t seen,
                                   struct http_head *ret_head, size_t *ret_used,
                                   const char **ret_reason);

/* Decodes a chunked body in place: `data[0 .. *decoded)` is decoded content, raw bytes follow from
 * `*raw_at` up to `size`. Each byte is looked at once: after HTTP1_MORE all of them were used
 * (*raw_at == size), so the caller may go on at data + *decoded, with *raw_at = *decoded. After
 * HTTP1_DONE, `*raw_at` is where the next request starts. Trailers are checked and discarded. */
struct http1_chunks {
    int state;       /* zeroed at the start */
    uint64_t left;   /* bytes left of the current chunk; its size while that is read */
    size_t line_len; /* bytes of the current size line, or of all trailers */
};
enum http1_result http1_decode_chunks(struct http1_chunks *chunks, char *data, size_t *decoded,
                                      size_t *raw_at, size_t size, size_t body_max,
                                      const char **ret_reason);

const struct str *http_find_header(const struct http_head *head, struct str name); /* or NULL */

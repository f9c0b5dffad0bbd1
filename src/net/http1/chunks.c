/* Decodes a chunked body: a machine that takes sizes, line ends and trailers byte by byte and moves
 * content in one piece. */
#include "net/http1/parser.h"

#include "net/http1/chars.h"

#include <string.h>

enum state {
    SIZE_FIRST, /* at least one digit has to come */
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START, /* at a line's first byte: an empty line ends the body */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    END,
};

enum { SIZE_DIGITS_MAX = 16 };

static enum http1_result bad(const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return HTTP1_BAD;
}

/* After the size line. The last chunk has size 0. */
static enum http1_result begin_chunk(struct http1_chunks *chunks, size_t decoded, size_t body_max,
                                     const char **ret_reason)
{
    if (chunks->left > body_max - decoded) {
        *ret_reason = "The request's body is too long.";
        return HTTP1_TOO_LONG;
    }
    chunks->state = chunks->left > 0 ? DATA : TRAILER_START;
    chunks->line_len = 0;
    return HTTP1_MORE;
}

static enum http1_result take_size(struct http1_chunks *chunks, char c, const char **ret_reason)
{
    static const char malformed[] = "A chunk's size is malformed.";
    if (++chunks->line_len > HTTP_CHUNK_LINE_MAX)
        return bad("A chunk's size line is too long.", ret_reason);
    if (chunks->state == EXTENSION) {
        if (c == '\r')
            chunks->state = SIZE_LF;
        else if (!char_is(c, CHAR_VALUE))
            return bad("A chunk's extension has a control character.", ret_reason);
    } else if (char_is(c, CHAR_HEX)) {
        if (chunks->line_len > SIZE_DIGITS_MAX)
            return bad(malformed, ret_reason);
        chunks->left = chunks->left * 16 + (uint64_t)ascii_hex_digit(c);
        chunks->state = SIZE;
    } else if (chunks->state == SIZE && c == '\r') {
        chunks->state = SIZE_LF;
    } else if (chunks->state == SIZE && c == ';') {
        chunks->state = EXTENSION;
    } else {
        return bad(malformed, ret_reason);
    }
    return HTTP1_MORE;
}

static enum http1_result take_trailer(struct http1_chunks *chunks, char c, const char **ret_reason)
{
    if (++chunks->line_len > HTTP_TRAILERS_MAX) {
        *ret_reason = "The request's trailers are too long.";
        return HTTP1_TOO_LONG;
    }
    if (chunks->state == TRAILER_VALUE) {
        if (c == '\r')
            chunks->state = TRAILER_LF;
        else if (!char_is(c, CHAR_VALUE))
            return bad("A trailer's value has a control character.", ret_reason);
    } else if (char_is(c, CHAR_TOKEN)) {
        chunks->state = TRAILER_NAME;
    } else if (chunks->state == TRAILER_NAME && c == ':') {
        chunks->state = TRAILER_VALUE;
    } else if (chunks->state == TRAILER_START && c == '\r') {
        chunks->state = END_LF;
    } else {
        return bad("A trailer is malformed.", ret_reason);
    }
    return HTTP1_MORE;
}

/* A byte that can only be one. */
static enum http1_result take_exactly(struct http1_chunks *chunks, char c, char wanted, int next,
                                      const char **ret_reason)
{
    if (c != wanted)
        return bad("A line of a chunked body does not end with CRLF.", ret_reason);
    chunks->state = next;
    return HTTP1_MORE;
}

static enum http1_result take_byte(struct http1_chunks *chunks, char c, size_t decoded,
                                   size_t body_max, const char **ret_reason)
{
    enum http1_result result;
    switch ((enum state)chunks->state) {
    case SIZE_FIRST:
    case SIZE:
    case EXTENSION:
        return take_size(chunks, c, ret_reason);
    case SIZE_LF:
        result = take_exactly(chunks, c, '\n', DATA, ret_reason);
        return result != HTTP1_MORE ? result : begin_chunk(chunks, decoded, body_max, ret_reason);
    case DATA_CR:
        return take_exactly(chunks, c, '\r', DATA_LF, ret_reason);
    case DATA_LF:
        return take_exactly(chunks, c, '\n', SIZE_FIRST, ret_reason);
    case TRAILER_START:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return take_trailer(chunks, c, ret_reason);
    case TRAILER_LF:
        return take_exactly(chunks, c, '\n', TRAILER_START, ret_reason);
    case END_LF:
        return take_exactly(chunks, c, '\n', END, ret_reason);
    case DATA: /* the caller moves content */
    case END:
        break;
    }
    return bad("The body has ended.", ret_reason);
}

/* Moves as much of the current chunk as is there. */
static void take_content(struct http1_chunks *chunks, char *data, size_t *decoded, size_t *raw_at,
                         size_t size)
{
    size_t part = size - *raw_at;
    if (part > chunks->left)
        part = (size_t)chunks->left;
    memmove(data + *decoded, data + *raw_at, part);
    *decoded += part;
    *raw_at += part;
    chunks->left -= part;
    if (chunks->left == 0)
        chunks->state = DATA_CR;
}

enum http1_result http1_decode_chunks(struct http1_chunks *chunks, char *data, size_t *decoded,
                                      size_t *raw_at, size_t size, size_t body_max,
                                      const char **ret_reason)
{
    while (*raw_at < size && chunks->state != END) {
        if (chunks->state == DATA) {
            take_content(chunks, data, decoded, raw_at, size);
            continue;
        }
        char c = data[(*raw_at)++];
        enum http1_result result = take_byte(chunks, c, *decoded, body_max, ret_reason);
        if (result != HTTP1_MORE)
            return result;
    }
    return chunks->state == END ? HTTP1_DONE : HTTP1_MORE;
}

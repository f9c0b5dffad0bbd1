/* Any bytes as a stream of requests, read as a connection reads them: what comes out must not
 * depend on how the bytes were split, and what is accepted must be framed in one way only. The
 * first byte seeds the splits. */
#include "net/http1/chars.h"
#include "net/http1/parser.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 48 * 1024, BODY_MAX = 1024, REQUESTS_MAX = 16 };

struct outcome {
    enum http1_result result; /* HTTP1_MORE when the bytes ended */
    size_t used;              /* raw bytes */
    size_t decoded;           /* bytes of body */
    uint64_t body_sum;
    size_t header_count;
};

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void check_inside(struct str slice, const char *data, size_t size)
{
    must(slice.data >= data && slice.data + slice.len <= data + size);
}

static void check_head(const struct http_head *head, const char *data, size_t used)
{
    bool length = http_find_header(head, STR("Content-Length")) != NULL;
    const struct str *coding = http_find_header(head, STR("Transfer-Encoding"));
    must(used > 4 && used <= HTTP_HEAD_MAX && memcmp(data + used - 4, "\r\n\r\n", 4) == 0);
    must(head->header_count <= HTTP_HEADERS_MAX && head->target.len <= HTTP_TARGET_MAX);
    must(!(length && coding) && head->chunked == (coding != NULL));
    must(length || head->content_length == 0);
    must(!memchr(data, '\0', used));
    check_inside(head->method, data, used);
    check_inside(head->target, data, used);
    must(head->target.len > 0 && head->target.data[0] == '/');
    for (size_t i = 0; i < head->header_count; i++) {
        struct str name = head->headers[i].name;
        struct str value = head->headers[i].value;
        check_inside(name, data, used);
        check_inside(value, data, used);
        for (size_t j = 0; j < name.len; j++)
            must(char_is(name.data[j], CHAR_TOKEN));
        for (size_t j = 0; j < value.len; j++)
            must(char_is(value.data[j], CHAR_VALUE));
    }
}

static uint64_t sum(const char *data, size_t size)
{
    uint64_t result = 1469598103934665603U;
    for (size_t i = 0; i < size; i++)
        result = (result ^ (unsigned char)data[i]) * 1099511628211U;
    return result;
}

/* Gives the machine raw bytes in pieces, as the connection does, in a buffer of its own. */
static void read_chunks(const char *raw, size_t size, unsigned *seed, struct outcome *outcome)
{
    static char body[INPUT_MAX];
    struct http1_chunks chunks = {0};
    const char *reason = NULL;
    size_t filled = 0;
    size_t at = 0;
    outcome->result = HTTP1_MORE;
    while (outcome->result == HTTP1_MORE && at < size) {
        size_t part = *seed ? 1 + (size_t)rand_r(seed) % 16 : size - at;
        part = part > size - at ? size - at : part;
        memcpy(body + filled, raw + at, part);
        filled += part;
        at += part;
        size_t raw_at = outcome->decoded;
        outcome->result = http1_decode_chunks(&chunks, body, &outcome->decoded, &raw_at, filled,
                                              BODY_MAX, &reason);
        must(outcome->decoded <= BODY_MAX && raw_at >= outcome->decoded && raw_at <= filled);
        if (outcome->result == HTTP1_DONE)
            outcome->used += at - (filled - raw_at);
        filled = outcome->decoded;
    }
    must(outcome->result == HTTP1_MORE || outcome->result == HTTP1_DONE || reason);
    outcome->body_sum = sum(body, outcome->decoded);
}

static struct outcome read_one(const char *data, size_t size, unsigned seed)
{
    static struct http_head head;
    struct outcome outcome = {.result = HTTP1_MORE};
    const char *reason = NULL;
    size_t seen = 0;
    while (outcome.result == HTTP1_MORE && seen < size) {
        size_t next = seed ? seen + 1 + (size_t)rand_r(&seed) % 64 : size;
        next = next > size ? size : next;
        outcome.result = http1_parse_head(data, next, seen, &head, &outcome.used, &reason);
        seen = next;
    }
    must(outcome.result == HTTP1_MORE || outcome.result == HTTP1_DONE || reason);
    if (outcome.result != HTTP1_DONE)
        return outcome;
    check_head(&head, data, outcome.used);
    outcome.header_count = head.header_count;
    if (head.chunked) {
        read_chunks(data + outcome.used, size - outcome.used, &seed, &outcome);
        return outcome;
    }
    if (head.content_length > size - outcome.used) {
        outcome.result = HTTP1_MORE;
        return outcome;
    }
    outcome.decoded = (size_t)head.content_length;
    outcome.body_sum = sum(data + outcome.used, outcome.decoded);
    outcome.used += outcome.decoded;
    return outcome;
}

/* A request with several faults may be refused for another one when its bytes are split. */
static void check_same(const struct outcome *a, const struct outcome *b)
{
    must((a->result == HTTP1_DONE) == (b->result == HTTP1_DONE));
    must((a->result == HTTP1_MORE) == (b->result == HTTP1_MORE));
    if (a->result == HTTP1_DONE)
        must(a->used == b->used && a->decoded == b->decoded && a->body_sum == b->body_sum &&
             a->header_count == b->header_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > INPUT_MAX)
        return 0;
    unsigned seed = 1 + (unsigned)data[0];
    const char *at = (const char *)data + 1;
    size_t left = size - 1;
    for (int i = 0; i < REQUESTS_MAX && left > 0; i++) {
        struct outcome whole = read_one(at, left, 0);
        struct outcome split = read_one(at, left, seed);
        check_same(&whole, &split);
        if (whole.result != HTTP1_DONE)
            break;
        at += whole.used;
        left -= whole.used;
    }
    return 0;
}

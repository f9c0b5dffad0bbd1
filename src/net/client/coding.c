/* Inflating through zlib. libcurl's own decoding is not used: it runs on the thread of all
 * transfers, and while a transfer is paused it keeps what it has decoded without a limit of ours.
 */
#include "net/client/coding.h"

#include "base/alloc.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    GZIP_BITS = 16 + MAX_WBITS, /* zlib's manual, inflateInit2: the largest window, gzip's header */
    ZLIB_BITS = MAX_WBITS,
    RAW_BITS = -MAX_WBITS,
};

struct decoder {
    enum coding coding;
    z_stream zlib;
    bool begun;    /* inflateInit2 was called */
    bool complete; /* at the end of a member */
    char piece[CODING_PIECE];
};

enum coding coding_of(struct str value)
{
    static const struct {
        struct str name;
        enum coding coding;
    } names[] = {
        {STR("gzip"), CODING_GZIP},       {STR("x-gzip"), CODING_GZIP}, /* RFC 9110, 8.4.1.3 */
        {STR("deflate"), CODING_DEFLATE}, {STR("identity"), CODING_NONE}, {STR(""), CODING_NONE},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (str_eq_nocase(str_trim(value), names[i].name))
            return names[i].coding;
    }
    return CODING_UNKNOWN;
}

/* The window holds what was decoded last. */
static void *allocate(void *unused, unsigned count, unsigned size)
{
    (void)unused;
    return xcalloc(count, size);
}

static void wipe_and_free(void *unused, void *memory)
{
    (void)unused;
    explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

struct decoder *decoder_new(enum coding coding)
{
    struct decoder *decoder = xcalloc(1, sizeof(*decoder));
    decoder->coding = coding;
    decoder->zlib.zalloc = allocate;
    decoder->zlib.zfree = wipe_and_free;
    return decoder;
}

void decoder_free(struct decoder *decoder)
{
    if (!decoder)
        return;
    if (decoder->begun)
        inflateEnd(&decoder->zlib);
    explicit_bzero(decoder, sizeof(*decoder));
    free(decoder);
}

/* "deflate" is zlib's format, but some servers send bare deflate data (RFC 9110, 8.4.1.2), whose
 * first byte differs from zlib's (RFC 1950, 2.2: method 8, window of at most 32 KiB). */
static bool begin(struct decoder *decoder, struct str input)
{
    int bits = GZIP_BITS;
    if (decoder->coding == CODING_DEFLATE)
        bits = (input.data[0] & 0x8F) == 0x08 ? ZLIB_BITS : RAW_BITS;
    decoder->begun = inflateInit2(&decoder->zlib, bits) == Z_OK;
    return decoder->begun;
}

/* A gzip body may have several members (RFC 1952, 2.2). */
static bool begin_next_member(struct decoder *decoder)
{
    decoder->complete = false;
    return decoder->coding == CODING_GZIP && inflateReset(&decoder->zlib) == Z_OK;
}

enum decoded decoder_feed(struct decoder *decoder, struct str input,
                          bool (*push)(void *context, struct str bytes), void *context)
{
    z_stream *z = &decoder->zlib;
    if (input.len == 0)
        return DECODED_ALL;
    if (!decoder->begun && !begin(decoder, input))
        return DECODED_CORRUPT;
    z->next_in = (unsigned char *)input.data;
    z->avail_in = (unsigned)input.len;
    do {
        if (decoder->complete && !begin_next_member(decoder))
            return DECODED_CORRUPT;
        z->next_out = (unsigned char *)decoder->piece;
        z->avail_out = sizeof(decoder->piece);
        int rc = inflate(z, Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
            return DECODED_CORRUPT;
        decoder->complete = rc == Z_STREAM_END;
        size_t made = sizeof(decoder->piece) - z->avail_out;
        if (made > 0 && !push(context, (struct str){decoder->piece, made}))
            return DECODED_STOPPED;
    } while (z->avail_in > 0 || (z->avail_out == 0 && !decoder->complete));
    return DECODED_ALL;
}

bool decoder_is_complete(const struct decoder *decoder)
{
    return decoder->complete;
}

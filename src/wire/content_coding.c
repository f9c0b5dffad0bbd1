/* Bodies that came compressed. zlib's memory is the arena's, since its window holds what the body
 * holds, which are credentials: the arena is wiped with the request. */
#include "wire/content_coding.h"

#include "base/buf.h"
#include "wire/errors.h"

#include <string.h>
#include <zlib.h>

enum {
    GZIP_WINDOW_BITS = 16 + MAX_WBITS, /* zlib's way to say: gzip alone, any window */
    PIECE_BYTES = 4096,
};

static void *arena_zalloc(void *arena, unsigned items, unsigned size)
{
    return arena_alloc_array(arena, size, items);
}

static void arena_zfree(void *arena, void *memory)
{
    (void)arena, (void)memory;
}

/* Z_STREAM_END when the member was whole. */
static int inflate_all(z_stream *stream, struct buf *out)
{
    unsigned char piece[PIECE_BYTES];
    int result = Z_OK;
    while (result == Z_OK && !out->overflow) {
        stream->next_out = piece;
        stream->avail_out = sizeof(piece);
        result = inflate(stream, Z_NO_FLUSH);
        buf_add(out, (struct str){(char *)piece, sizeof(piece) - stream->avail_out});
    }
    explicit_bzero(piece, sizeof(piece));
    return result;
}

static bool gunzip(struct str body, struct arena *arena, struct str *ret_body, struct error *error)
{
    struct buf out = buf_in(arena, HTTP_BODY_MAX);
    z_stream stream = {
        .zalloc = arena_zalloc,
        .zfree = arena_zfree,
        .opaque = arena,
        .next_in = (unsigned char *)(uintptr_t)body.data,
        .avail_in = (unsigned)body.len,
    };
    if (inflateInit2(&stream, GZIP_WINDOW_BITS) != Z_OK)
        return fail(error, ERR_INTERNAL, "The decompressor could not be set up.");
    int result = inflate_all(&stream, &out);
    inflateEnd(&stream);
    if (out.overflow)
        return fail(error, ERR_TOO_LARGE, "The request's body is too long: %d bytes at most.",
                    HTTP_BODY_MAX);
    if (result != Z_STREAM_END || stream.avail_in > 0)
        return fail(error, ERR_SERIALIZATION,
                    "The request's body is not valid gzip, which its Content-Encoding says it is.");
    *ret_body = out.len > 0 ? buf_str(&out) : STR("");
    return true;
}

bool content_decode(const struct http_head *head, struct str body, struct arena *arena,
                    struct str *ret_body, struct error *error)
{
    static const struct str name = STR("Content-Encoding");
    struct str coding = STR("identity");
    size_t count = 0;
    for (size_t i = 0; i < head->header_count; i++) {
        if (head->headers[i].name.len != name.len || !str_eq_nocase(head->headers[i].name, name))
            continue;
        coding = head->headers[i].value;
        count++;
    }
    *ret_body = body;
    if (count <= 1 && str_eq_nocase(coding, STR("identity")))
        return true;
    if (count > 1 || (!str_eq_nocase(coding, STR("gzip")) && !str_eq_nocase(coding, STR("x-gzip"))))
        return fail(error, ERR_UNSUPPORTED_MEDIA,
                    "The request's Content-Encoding is not supported: send the body without one, "
                    "or with gzip alone.");
    return body.len == 0 || gunzip(body, arena, ret_body, error);
}

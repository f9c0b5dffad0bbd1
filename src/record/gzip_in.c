/* zlib, member by member. */
#include "record/gzip_in.h"

#include "base/alloc.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum { GZIP_WINDOW_BITS = 16 + MAX_WBITS }; /* zlib's way to say: gzip alone, any window */

struct gzip_in {
    z_stream stream;
    uint64_t most, given; /* bytes that come out */
    bool in_member;       /* bytes of one were read, and its end was not */
    bool any;             /* member was whole */
};

struct gzip_in *gzip_in_new(uint64_t most)
{
    struct gzip_in *gzip = xcalloc(1, sizeof(*gzip));
    gzip->most = most;
    if (inflateInit2(&gzip->stream, GZIP_WINDOW_BITS) != Z_OK)
        out_of_memory(sizeof(*gzip)); /* the only reason there is */
    return gzip;
}

void gzip_in_free(struct gzip_in *gzip)
{
    if (!gzip)
        return;
    inflateEnd(&gzip->stream);
    free(gzip);
}

void gzip_in_restart(struct gzip_in *gzip)
{
    inflateReset(&gzip->stream);
    gzip->given = 0;
    gzip->in_member = false;
    gzip->any = false;
}

static bool count_given(struct gzip_in *gzip, size_t len, struct error *error)
{
    gzip->given += len;
    if (gzip->given > gzip->most)
        return fail(
            error, ERR_TOO_LARGE,
            "The compressed text is longer than %llu bytes when it is decompressed, which is "
            "the most that is read.",
            (unsigned long long)gzip->most);
    return true;
}

bool gzip_in_inflate(struct gzip_in *gzip, struct str *bytes, char *out, size_t room,
                     size_t *ret_len, struct error *error)
{
    z_stream *stream = &gzip->stream;
    size_t in_len = bytes->len < UINT_MAX ? bytes->len : UINT_MAX;
    size_t out_len = room < UINT_MAX ? room : UINT_MAX;
    *ret_len = 0;
    if (in_len == 0 && !gzip->in_member)
        return true;
    stream->next_in = (unsigned char *)(uintptr_t)bytes->data;
    stream->avail_in = (unsigned)in_len;
    stream->next_out = (unsigned char *)out;
    stream->avail_out = (unsigned)out_len;
    gzip->in_member = true;
    int result = inflate(stream, Z_NO_FLUSH);
    size_t used = in_len - stream->avail_in;
    *bytes = (struct str){bytes->data + used, bytes->len - used};
    *ret_len = out_len - stream->avail_out;
    if (result == Z_STREAM_END) {
        gzip->in_member = false;
        gzip->any = true;
        inflateReset(stream);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return fail(error, ERR_VALIDATION, "The compressed text is not valid gzip: %s.",
                    stream->msg ? stream->msg : "it is damaged");
    }
    return count_given(gzip, *ret_len, error);
}

bool gzip_in_finish(struct gzip_in *gzip, struct error *error)
{
    if (gzip->in_member || !gzip->any)
        return fail(error, ERR_VALIDATION,
                    "The compressed text is not valid gzip: it ends too early.");
    return true;
}

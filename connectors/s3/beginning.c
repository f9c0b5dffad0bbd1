/* One range of the object. What is compressed shows it by its first bytes, whatever its name is. */
#include "connectors/s3/beginning.h"

#include "base/buf.h"
#include "record/gzip_in.h"
#include "wire/errors.h"

static bool check_room(struct arena *arena, size_t bytes, struct error *error)
{
    return arena_has_room(arena, bytes) ||
           fail(error, ERR_UNAVAILABLE, "The account's share of --request-memory is in use.");
}

static bool take_bytes(void *context, struct str bytes)
{
    buf_add(context, bytes);
    return true;
}

/* RFC 1952, 2.3.1. */
static bool is_gzip(struct str bytes)
{
    return str_starts(bytes, STR("\x1F\x8B"));
}

static bool inflate_beginning(struct arena *arena, struct s3_beginning *beginning,
                              struct error *error)
{
    struct str packed = beginning->text;
    size_t total = 0, len = 0;
    bool good;
    if (!check_room(arena, S3_BEGINNING_MAX, error))
        return false;
    struct gzip_in *gzip = gzip_in_new(UINT64_MAX); /* `out` is the limit */
    char *out = arena_alloc(arena, S3_BEGINNING_MAX);
    do {
        good = gzip_in_inflate(gzip, &packed, out + total, S3_BEGINNING_MAX - total, &len, error);
        total += good ? len : 0;
    } while (good && total < S3_BEGINNING_MAX && (packed.len > 0 || len > 0));
    bool is_whole = beginning->is_whole && total < S3_BEGINNING_MAX;
    good = good && (!is_whole || gzip_in_finish(gzip, error));
    gzip_in_free(gzip);
    *beginning = (struct s3_beginning){.text = {out, total}, .is_whole = is_whole};
    return good;
}

bool s3_beginning_read(const struct s3 *s3, struct str bucket, const struct s3_entry *object,
                       uint64_t look, struct arena *arena, struct s3_beginning *ret_beginning,
                       struct error *error)
{
    const struct s3_place place = {bucket, object->key};
    const struct s3_range range = {.length = object->size < look ? object->size : look,
                                   .etag = object->etag.len > 0 ? object->etag : STR_NULL};
    struct buf bytes = buf_in(arena, S3_BEGINNING_MAX);
    const struct s3_sink sink = {.push = take_bytes, .context = &bytes};
    if (!check_room(arena, (size_t)range.length, error))
        return false;
    buf_reserve(&bytes, (size_t)range.length);
    if (!s3_get(s3, &place, &range, &sink, arena, error))
        return false;
    *ret_beginning = (struct s3_beginning){buf_str(&bytes), range.length == object->size};
    return !is_gzip(ret_beginning->text) || inflate_beginning(arena, ret_beginning, error);
}

/* Addresses of objects. The path is encoded here and nowhere else, so that what is sent is what was
 * signed: each byte but letters, digits, "-._~" and '/', once. */
#include "aws/s3_internal.h"

#include "base/encode.h"
#include "base/url.h"

static bool has_dot(struct str bucket)
{
    return str_contains(bucket, STR("."));
}

/* With a dot in the bucket's name, or without a bucket: S3's path style, "https://s3.REGION…". */
static struct str place_bucket(struct str url, struct str bucket, struct arena *arena,
                               bool *ret_in_path)
{
    struct buf out = buf_in(arena, AWS_URL_MAX);
    bool in_host = str_contains(url, STR("{bucket}"));
    bool dotted =
        has_dot(bucket) && str_starts(url, STR("https:")) && str_contains(url, STR("{bucket}."));
    bool without = dotted || bucket.len == 0;
    *ret_in_path = !in_host || dotted;
    if (in_host && without)
        buf_add_replaced(&out, url, STR("{bucket}."), STR(""));
    else if (in_host)
        buf_add_replaced(&out, url, STR("{bucket}"), bucket);
    else
        buf_add(&out, url);
    return out.overflow ? STR_NULL : buf_str(&out);
}

static struct str base_of(const struct s3 *s3, struct str bucket, struct arena *arena,
                          bool *ret_in_path)
{
    struct str url = s3->url.len > 0 ? s3->url : STR(S3_URL);
    struct buf with_region = buf_in(arena, AWS_URL_MAX);
    buf_add_replaced(&with_region, url, STR("{region}"), s3->region);
    url = buf_str(&with_region);
    while (url.len > 0 && url.data[url.len - 1] == '/')
        url.len--;
    return with_region.overflow ? STR_NULL : place_bucket(url, bucket, arena, ret_in_path);
}

bool s3_address_of(const struct s3 *s3, const struct s3_place *place, struct str query,
                   struct arena *arena, struct s3_address *ret_address)
{
    bool in_path;
    struct url_parts parts;
    struct str base = base_of(s3, place->bucket, arena, &in_path);
    if (!base.data || !url_split(base, &parts) || parts.authority.len == 0)
        return false;
    struct buf path = buf_in(arena, CLIENT_URL_MAX);
    buf_add(&path, parts.rest);
    if (in_path && place->bucket.len > 0) {
        buf_add_char(&path, '/');
        buf_add(&path, place->bucket);
    }
    if (place->key.data || place->bucket.len == 0 || path.len == 0)
        buf_add_char(&path, '/');
    encode_percent(&path, place->key, "/");
    struct buf url = buf_in(arena, CLIENT_URL_MAX);
    buf_add(&url, parts.scheme);
    buf_add_cstr(&url, "://");
    buf_add(&url, parts.authority);
    buf_add(&url, buf_str(&path));
    if (query.len > 0)
        buf_add_char(&url, '?');
    buf_add(&url, query);
    *ret_address = (struct s3_address){
        .url = buf_str(&url),
        .host = aws_signed_host(parts.authority, str_eq_nocase(parts.scheme, STR("https"))),
        .path = buf_str(&path),
    };
    return !path.overflow && !url.overflow && !str_contains(base, STR("{bucket}"));
}

void s3_query_add(struct buf *query, const char *name, struct str value)
{
    if (query->len > 0)
        buf_add_char(query, '&');
    buf_add_cstr(query, name);
    buf_add_char(query, '=');
    encode_percent(query, value, NULL);
}

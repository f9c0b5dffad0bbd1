/* Buckets, and the lists of what is in them. */
#include "sandbox/s3/exchange.h"

#include "base/encode.h"

#include <errno.h>

enum { TOKEN_MAX = 2 * S3_KEY_MAX };

/* --- buckets --- */

static void add_bucket(void *context, struct str name)
{
    struct buf *xml = context;
    buf_add_cstr(xml, "<Bucket>");
    s3_xml_text(xml, "Name", name);
    buf_add_cstr(xml, "<CreationDate>2024-01-01T00:00:00.000Z</CreationDate></Bucket>");
}

void s3_list_buckets(struct s3_exchange *exchange)
{
    struct buf xml = s3_begin_xml(exchange, "ListAllMyBucketsResult");
    buf_add_cstr(&xml, "<Owner><ID>sandbox</ID></Owner><Buckets>");
    bucket_each(exchange->files, add_bucket, &xml);
    buf_add_cstr(&xml, "</Buckets>");
    s3_end_xml(exchange, &xml, "ListAllMyBucketsResult");
}

void s3_create_bucket(struct s3_exchange *exchange)
{
    if (!s3_bucket_is_valid(exchange->bucket)) {
        s3_refuse(exchange, 400, "InvalidBucketName", "The specified bucket is not valid.");
        return;
    }
    int number = bucket_make(exchange->files, exchange->bucket);
    errno = number;
    if (number == EEXIST) {
        s3_refuse(exchange, 409, "BucketAlreadyOwnedByYou",
                  "Your previous request to create the named bucket succeeded and you already own "
                  "it.");
    } else if (number != 0) {
        s3_refuse_disk(exchange);
    } else {
        s3_add_header(exchange, "Location",
                      arena_printf(exchange->arena, "/%.*s", STR_ARG(exchange->bucket)));
        exchange->status = 200;
    }
}

void s3_head_bucket(struct s3_exchange *exchange)
{
    s3_add_header(exchange, "x-amz-bucket-region", STR("us-east-1"));
    exchange->status = 200;
}

void s3_delete_bucket(struct s3_exchange *exchange)
{
    int number = bucket_remove(exchange->files, exchange->bucket);
    errno = number;
    if (number == 0)
        exchange->status = 204;
    else if (number == ENOTEMPTY || number == EEXIST)
        s3_refuse(exchange, 409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
    else
        s3_refuse_disk(exchange);
}

/* An empty one means us-east-1. */
void s3_bucket_location(struct s3_exchange *exchange)
{
    struct buf xml = s3_begin_xml(exchange, "LocationConstraint");
    s3_end_xml(exchange, &xml, "LocationConstraint");
}

/* --- ListObjectsV2 --- */

struct key_listing {
    struct s3_exchange *exchange;
    struct str prefix, delimiter;
    struct buf items; /* Contents */
    struct buf prefixes;
    struct str last; /* the key or the prefix that was listed last */
    size_t count, most;
    bool truncated;
};

static void add_object(struct key_listing *listing, struct str key)
{
    struct file_facts facts;
    struct s3_exchange *exchange = listing->exchange;
    struct buf *xml = &listing->items;
    if (!object_facts(exchange->files, exchange->bucket, key, exchange->arena, &facts))
        return;
    buf_add_cstr(xml, "<Contents>");
    s3_xml_key(exchange, xml, "Key", key);
    s3_xml_time(xml, "LastModified", facts.changed);
    s3_xml_text(xml, "ETag", arena_printf(exchange->arena, "\"%s\"", facts.etag));
    s3_xml_number(xml, "Size", facts.size);
    buf_add_cstr(xml, "<StorageClass>STANDARD</StorageClass></Contents>");
}

/* Up to the delimiter behind the list's prefix; STR_NULL: the key has none there. */
static struct str common_prefix(const struct key_listing *listing, struct str key)
{
    for (size_t i = listing->prefix.len; listing->delimiter.len > 0 && i < key.len; i++) {
        if (str_starts((struct str){key.data + i, key.len - i}, listing->delimiter))
            return (struct str){key.data, i + listing->delimiter.len};
    }
    return STR_NULL;
}

static void add_key(struct key_listing *listing, struct str key)
{
    struct str common = common_prefix(listing, key);
    if (common.data && str_eq(common, listing->last))
        return;
    if (listing->count == listing->most) {
        listing->truncated = true;
        return;
    }
    listing->last = common.data ? common : key;
    listing->count++;
    if (!common.data) {
        add_object(listing, key);
        return;
    }
    buf_add_cstr(&listing->prefixes, "<CommonPrefixes>");
    s3_xml_key(listing->exchange, &listing->prefixes, "Prefix", common);
    buf_add_cstr(&listing->prefixes, "</CommonPrefixes>");
}

/* A token is what was listed last. Behind a common prefix all its keys are left out. */
static bool read_start(struct key_listing *listing, struct str *ret_after)
{
    struct s3_exchange *exchange = listing->exchange;
    struct str token = s3_parameter(exchange, "continuation-token");
    *ret_after = s3_parameter(exchange, "start-after");
    if (!token.data)
        return true;
    if (!decode_base64url(exchange->arena, token, &listing->last) ||
        !s3_key_is_valid(listing->last))
        return s3_refuse(exchange, 400, "InvalidArgument",
                         "The continuation token provided is incorrect");
    *ret_after = listing->last;
    return true;
}

static bool read_most(struct key_listing *listing)
{
    unsigned long long most = S3_LIST_ITEMS_MAX;
    struct str text = s3_parameter(listing->exchange, "max-keys");
    if (text.data && !str_to_u64(text, 2147483647, &most))
        return s3_refuse(listing->exchange, 400, "InvalidArgument",
                         "Argument maxKeys must be an integer between 0 and 2147483647");
    listing->most = most < S3_LIST_ITEMS_MAX ? (size_t)most : S3_LIST_ITEMS_MAX;
    return true;
}

static void write_listing(struct key_listing *listing)
{
    struct s3_exchange *exchange = listing->exchange;
    struct buf xml = s3_begin_xml(exchange, "ListBucketResult");
    struct str token = s3_parameter(exchange, "continuation-token");
    s3_xml_text(&xml, "Name", exchange->bucket);
    s3_xml_key(exchange, &xml, "Prefix", listing->prefix);
    if (listing->delimiter.len > 0)
        s3_xml_key(exchange, &xml, "Delimiter", listing->delimiter);
    s3_xml_number(&xml, "KeyCount", listing->count);
    s3_xml_number(&xml, "MaxKeys", listing->most);
    s3_xml_text(&xml, "IsTruncated", listing->truncated ? STR("true") : STR("false"));
    if (str_eq(s3_parameter(exchange, "encoding-type"), STR("url")))
        s3_xml_text(&xml, "EncodingType", STR("url"));
    if (token.data)
        s3_xml_text(&xml, "ContinuationToken", token);
    if (listing->truncated)
        s3_xml_text(&xml, "NextContinuationToken",
                    encode_base64url(exchange->arena, listing->last));
    buf_add(&xml, buf_str(&listing->items));
    buf_add(&xml, buf_str(&listing->prefixes));
    s3_end_xml(exchange, &xml, "ListBucketResult");
}

static struct str or_empty(struct str text)
{
    return text.data ? text : STR("");
}

void s3_list_objects(struct s3_exchange *exchange)
{
    struct key_listing listing = {
        .exchange = exchange,
        .prefix = or_empty(s3_parameter(exchange, "prefix")),
        .delimiter = or_empty(s3_parameter(exchange, "delimiter")),
        .items = buf_in(exchange->arena, S3_REPLY_MAX),
        .prefixes = buf_in(exchange->arena, S3_REPLY_MAX),
    };
    struct str after, *keys;
    size_t count;
    if (!str_eq(s3_parameter(exchange, "list-type"), STR("2"))) {
        s3_refuse(exchange, 501, "NotImplemented", "The sandbox has ListObjectsV2 alone.");
        return;
    }
    if (!read_most(&listing) || !read_start(&listing, &after))
        return;
    if (!object_keys(exchange->files, exchange->bucket, listing.prefix, after, exchange->arena,
                     &keys, &count)) {
        s3_refuse(exchange, 501, "NotImplemented", "The sandbox lists 100,000 keys at most.");
        return;
    }
    for (size_t i = 0; i < count && listing.most > 0 && !listing.truncated; i++)
        add_key(&listing, keys[i]);
    write_listing(&listing);
}

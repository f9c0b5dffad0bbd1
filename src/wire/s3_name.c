/* Judges names before they become parts of hosts, URLs and paths. */
#include "wire/s3_name.h"

#include "base/encode.h"

bool s3_bucket_is_valid(struct str bucket)
{
    for (size_t i = 0; i < bucket.len; i++) {
        char c = bucket.data[i];
        bool inside = i > 0 && i + 1 < bucket.len && (c == '-' || c == '.');
        if (!ascii_is_lower_alnum(c) && !inside)
            return false;
    }
    return bucket.len >= S3_BUCKET_MIN && bucket.len <= S3_BUCKET_MAX &&
           !str_contains(bucket, STR(".."));
}

bool s3_key_is_valid(struct str key)
{
    return key.len > 0 && key.len <= S3_KEY_MAX && utf8_is_valid(key) &&
           !str_contains(key, STR("\0"));
}

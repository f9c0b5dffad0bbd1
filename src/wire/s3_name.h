/* Names of Amazon S3's buckets and objects. */
#pragma once

#include "base/str.h"

#include <stdbool.h>

enum {
    S3_BUCKET_MIN = 3,
    S3_BUCKET_MAX = 63, /* bytes */
    S3_KEY_MAX = 1024,  /* bytes of UTF-8 */
};

/* S3_BUCKET_MIN to S3_BUCKET_MAX small letters, digits, '-' and '.', as part of a host name. */
bool s3_bucket_is_valid(struct str bucket);
/* 1 to S3_KEY_MAX bytes of UTF-8 without NUL. */
bool s3_key_is_valid(struct str key);

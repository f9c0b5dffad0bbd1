/* ETags as Amazon S3 makes them: of an object that was put whole the MD5 of its bytes, of one that
 * was uploaded in parts the MD5 of its parts' MD5s, with their number behind it
 * (docs.aws.amazon.com /AmazonS3, "Checking object integrity"). Objects that AWS KMS encrypts have
 * other ones. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    S3_MD5_SIZE = 16,
    S3_ETAG_SIZE = 2 * S3_MD5_SIZE + 1 + 5 + 1, /* with "-10000" and NUL */
};

/* False when OpenSSL has no MD5, as in its FIPS mode: `out` is "" then. */
bool s3_etag(struct str bytes, char out[S3_ETAG_SIZE]);

/* Likewise false when an ETag of a part is no MD5. The ETags may have their quotes. */
bool s3_etag_of_parts(const struct str *etags, size_t count, char out[S3_ETAG_SIZE]);

/* Printable ASCII that needs no escape in XML or in a header. */
bool s3_etag_is_plain(struct str etag);

/* Without the quotes that headers and XML have around it. */
struct str s3_etag_bare(struct str etag);

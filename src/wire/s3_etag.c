/* MD5 tells objects apart here; it protects nothing. */
#include "wire/s3_etag.h"

#include "base/buf.h"
#include "base/encode.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static bool md5_hex(struct str bytes, char out[S3_ETAG_SIZE])
{
    unsigned char hash[S3_MD5_SIZE];
    size_t size = sizeof(hash);
    out[0] = '\0';
    if (EVP_Q_digest(NULL, "MD5", NULL, bytes.data ? bytes.data : "", bytes.len, hash, &size) != 1)
        return false;
    encode_hex(hash, sizeof(hash), out);
    return true;
}

bool s3_etag(struct str bytes, char out[S3_ETAG_SIZE])
{
    return md5_hex(bytes, out);
}

struct str s3_etag_bare(struct str etag)
{
    if (etag.len >= 2 && etag.data[0] == '"' && etag.data[etag.len - 1] == '"')
        return (struct str){etag.data + 1, etag.len - 2};
    return etag;
}

bool s3_etag_is_plain(struct str etag)
{
    for (size_t i = 0; i < etag.len; i++) {
        if (etag.data[i] <= ' ' || etag.data[i] > '~' || memchr("<>&\"'\\", etag.data[i], 6))
            return false;
    }
    return etag.len > 0;
}

bool s3_etag_of_parts(const struct str *etags, size_t count, char out[S3_ETAG_SIZE])
{
    _cleanup_(buf_done) struct buf hashes = buf_on_heap(count * S3_MD5_SIZE + 1);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        unsigned char hash[S3_MD5_SIZE];
        if (!decode_hex(s3_etag_bare(etags[i]), hash, sizeof(hash)))
            return false;
        buf_add(&hashes, (struct str){(const char *)hash, sizeof(hash)});
    }
    if (!md5_hex(buf_str(&hashes), out))
        return false;
    size_t len = 2 * (size_t)S3_MD5_SIZE;
    snprintf(out + len, S3_ETAG_SIZE - len, "-%u", (unsigned)count % 100000);
    return true;
}

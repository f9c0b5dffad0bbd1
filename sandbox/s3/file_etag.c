/* The ETag of a file that other programs may change meanwhile. It is read in blocks: a mapping of a
 * file that becomes shorter would end the process (SIGBUS). */
#include "sandbox/s3/files.h"

#include "base/encode.h"

#include <openssl/evp.h>

enum { BLOCK_SIZE = 1024 * 1024 }; /* bytes */

static void free_hash(EVP_MD_CTX **hash)
{
    EVP_MD_CTX_free(*hash);
}

static bool add_bytes(EVP_MD_CTX *hash, int fd, uint64_t size)
{
    _cleanup_(arena_done) struct arena arena = {0};
    char *block = arena_alloc(&arena, BLOCK_SIZE);
    for (uint64_t at = 0; at < size;) {
        size_t count = size - at < BLOCK_SIZE ? (size_t)(size - at) : BLOCK_SIZE;
        if (!read_all(fd, at, block, count) || EVP_DigestUpdate(hash, block, count) != 1)
            return false;
        at += count;
    }
    return true;
}

void file_etag(int fd, uint64_t size, char out[S3_ETAG_SIZE])
{
    unsigned char md5[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    _cleanup_(free_hash) EVP_MD_CTX *hash = EVP_MD_CTX_new();
    out[0] = '\0';
    if (hash && EVP_DigestInit_ex(hash, EVP_md5(), NULL) == 1 && add_bytes(hash, fd, size) &&
        EVP_DigestFinal_ex(hash, md5, &len) == 1 && len == S3_MD5_SIZE)
        encode_hex(md5, S3_MD5_SIZE, out);
}

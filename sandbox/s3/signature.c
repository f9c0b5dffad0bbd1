/* Signatures by wire/sigv4 with S3's exceptions; payloads as clients of S3 send them. */
#include "sandbox/s3/signature.h"

#include "base/encode.h"
#include "sandbox/s3/chunks.h"
#include "vault/crypto.h"
#include "wire/errors.h"
#include "wire/sigv4.h"

#include <zlib.h>

/* S3's names for what is wrong with a signature. */
static bool refuse_signature(struct s3_exchange *exchange, const struct error *error)
{
    static const struct {
        int code, status;
        const char *name;
    } names[] = {
        {ERR_MISSING_AUTHENTICATION, 403, "AccessDenied"},
        {ERR_INCOMPLETE_SIGNATURE, 400, "AuthorizationHeaderMalformed"},
        {ERR_UNRECOGNIZED_CLIENT, 403, "InvalidAccessKeyId"},
        {ERR_INVALID_SIGNATURE, 403, "SignatureDoesNotMatch"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (names[i].code == error->code)
            return s3_refuse(exchange, names[i].status, names[i].name, error->message);
    }
    return s3_refuse(exchange, 500, "InternalError", error->message);
}

/* --- the payload --- */

static bool check_crc32(struct str body, struct str base64, struct arena *arena)
{
    struct str bytes;
    uLong crc = crc32_z(crc32(0, NULL, 0), (const unsigned char *)body.data, body.len);
    const unsigned char expected[] = {(unsigned char)(crc >> 24), (unsigned char)(crc >> 16),
                                      (unsigned char)(crc >> 8), (unsigned char)crc};
    return decode_base64(arena, base64, &bytes) &&
           str_eq(bytes, (struct str){(const char *)expected, sizeof(expected)});
}

static bool check_sha256(struct str body, struct str base64, struct arena *arena)
{
    unsigned char hash[CRYPTO_HASH_SIZE];
    crypto_sha256(body, hash);
    return str_eq(base64, encode_base64(arena, (struct str){(const char *)hash, sizeof(hash)}));
}

static bool check_md5(struct str body, struct str base64, struct arena *arena)
{
    char hex[S3_ETAG_SIZE];
    unsigned char hash[S3_MD5_SIZE];
    return s3_etag(body, hex) && decode_hex(str_from(hex), hash, sizeof(hash)) &&
           str_eq(base64, encode_base64(arena, (struct str){(const char *)hash, sizeof(hash)}));
}

/* Checksums beside the signature, in a header or behind the chunks. Others are not looked at. */
static bool check_checksums(struct s3_exchange *exchange, const struct s3_chunks *chunks)
{
    static const struct {
        const char *name;
        bool (*check)(struct str body, struct str base64, struct arena *arena);
    } checks[] = {
        {"x-amz-checksum-crc32", check_crc32},
        {"x-amz-checksum-sha256", check_sha256},
        {"Content-MD5", check_md5},
    };
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        struct str value = s3_header(exchange, checks[i].name);
        if (str_eq_nocase(chunks->trailer_name, str_from(checks[i].name)))
            value = chunks->trailer_value;
        if (value.data && !checks[i].check(exchange->body, value, exchange->arena))
            return s3_refuse(exchange, 400, "BadDigest",
                             "The checksum you specified did not match the calculated checksum.");
    }
    return true;
}

static bool read_payload(struct s3_exchange *exchange, struct s3_chunks *ret_chunks)
{
    char hash[SHA256_HEX_SIZE];
    struct str claimed = s3_header(exchange, "x-amz-content-sha256");
    unsigned long long size;
    exchange->body = exchange->request->body.data ? exchange->request->body : STR("");
    if (str_eq(claimed, STR("UNSIGNED-PAYLOAD")))
        return true;
    if (str_eq(claimed, STR("STREAMING-UNSIGNED-PAYLOAD-TRAILER"))) {
        struct str sent = s3_header(exchange, "x-amz-decoded-content-length");
        if (!s3_chunks_decode(exchange->body, exchange->arena, ret_chunks) ||
            !str_to_u64(sent, SIZE_MAX, &size) || size != ret_chunks->body.len)
            return s3_refuse(exchange, 400, "IncompleteBody",
                             "The chunks of the body are malformed, or not all of them came.");
        exchange->body = ret_chunks->body;
        return true;
    }
    if (str_starts(claimed, STR("STREAMING-")))
        return s3_refuse(exchange, 501, "NotImplemented",
                         "The sandbox takes signed payloads whole, not in signed chunks.");
    sha256_hex(exchange->body, hash);
    return str_eq(claimed, str_from(hash)) ||
           s3_refuse(exchange, 400, "XAmzContentSHA256Mismatch",
                     "The provided 'x-amz-content-sha256' header does not match what was "
                     "computed.");
}

bool s3_check_signature(const struct signers *signers, struct s3_exchange *exchange)
{
    struct error error = {0};
    struct s3_chunks chunks = {.trailer_name = STR("")};
    if (!signers_check(signers, exchange->request, STR("s3"), &error))
        return refuse_signature(exchange, &error);
    return read_payload(exchange, &chunks) && check_checksums(exchange, &chunks);
}

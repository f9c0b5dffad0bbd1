/* From the canonical request to a signature, and the signing of a request. */
#include "wire/sigv4.h"

#include "base/encode.h"
#include "vault/crypto.h"
#include "wire/sigv4_internal.h"

#include <assert.h>
#include <string.h>

enum { DATE_LEN = 8 };

void sha256_hex(struct str data, char out[SHA256_HEX_SIZE])
{
    unsigned char hash[SHA256_SIZE];
    crypto_sha256(data, hash);
    encode_hex(hash, sizeof(hash), out);
}

static void add_scope(struct buf *out, const struct sigv4_scope *scope)
{
    buf_add(out, scope->date);
    buf_add_char(out, '/');
    buf_add(out, scope->region);
    buf_add_char(out, '/');
    buf_add(out, scope->service);
    buf_add(out, STR("/aws4_request"));
}

void sigv4_string_to_sign(struct str timestamp, const struct sigv4_scope *scope,
                          struct str canonical_request, struct buf *out)
{
    char hash[SHA256_HEX_SIZE];
    sha256_hex(canonical_request, hash);
    buf_add(out, STR("AWS4-HMAC-SHA256\n"));
    buf_add(out, timestamp);
    buf_add_char(out, '\n');
    add_scope(out, scope);
    buf_add_char(out, '\n');
    buf_add_cstr(out, hash);
}

static struct str hash_str(const unsigned char hash[SHA256_SIZE])
{
    return (struct str){(const char *)hash, SHA256_SIZE};
}

void sigv4_signing_key(struct str secret, const struct sigv4_scope *scope,
                       unsigned char out[SHA256_SIZE])
{
    static const struct str prefix = STR("AWS4");
    size_t size = prefix.len + secret.len;
    char *start = secret_alloc(size);
    memcpy(start, prefix.data, prefix.len);
    if (secret.len > 0)
        memcpy(start + prefix.len, secret.data, secret.len);
    crypto_hmac((struct str){start, size}, scope->date, out);
    secret_dealloc(start, size);
    crypto_hmac(hash_str(out), scope->region, out);
    crypto_hmac(hash_str(out), scope->service, out);
    crypto_hmac(hash_str(out), STR("aws4_request"), out);
}

void sigv4_signature(const unsigned char key[SHA256_SIZE], struct str string_to_sign,
                     char out[SHA256_HEX_SIZE])
{
    unsigned char hash[SHA256_SIZE];
    crypto_hmac(hash_str(key), string_to_sign, hash);
    encode_hex(hash, sizeof(hash), out);
}

/* --- signing --- */

struct signing {
    struct http_header headers[SIGV4_HEADERS_MAX]; /* all that are signed */
    struct str names[SIGV4_HEADERS_MAX];           /* lower case, sorted, each once */
    size_t header_count;
    size_t name_count;
    struct str list; /* the names with ';' between */
};

static void insert_name(struct signing *signing, struct str name)
{
    size_t at = signing->name_count;
    while (at > 0 && str_compare(signing->names[at - 1], name) > 0)
        at--;
    if (at > 0 && str_eq(signing->names[at - 1], name))
        return;
    memmove(signing->names + at + 1, signing->names + at,
            (signing->name_count - at) * sizeof(*signing->names));
    signing->names[at] = name;
    signing->name_count++;
}

static void collect(struct signing *signing, const struct sigv4_request *request, struct str date,
                    struct arena *arena)
{
    assert(request->header_count < SIGV4_HEADERS_MAX);
    for (size_t i = 0; i < request->header_count; i++) {
        struct http_header header = request->headers[i];
        if (str_eq_nocase(header.name, STR("x-amz-date")) ||
            str_eq_nocase(header.name, STR("authorization")))
            continue;
        signing->headers[signing->header_count++] = header;
        insert_name(signing, arena_lower(arena, header.name));
    }
    signing->headers[signing->header_count++] = (struct http_header){STR("x-amz-date"), date};
    insert_name(signing, STR("x-amz-date"));
    struct buf list = buf_in(arena, SIGV4_CANONICAL_MAX);
    for (size_t i = 0; i < signing->name_count; i++) {
        if (i > 0)
            buf_add_char(&list, ';');
        buf_add(&list, signing->names[i]);
    }
    signing->list = buf_str(&list);
}

/* Of S3 the header's value, which the caller gave. */
static struct str payload_hash(const struct sigv4_request *request, char out[SHA256_HEX_SIZE])
{
    for (size_t i = 0; request->s3 && i < request->header_count; i++) {
        if (sigv4_name_is(request->headers[i].name, STR("x-amz-content-sha256")))
            return request->headers[i].value;
    }
    sha256_hex(request->body, out);
    return str_from(out);
}

void sigv4_sign(const struct sigv4_request *request, struct str access_key_id,
                const struct secret *secret, struct str region, struct str service, int64_t now_ms,
                struct arena *arena, struct str *ret_date, struct str *ret_authorization)
{
    char payload[SHA256_HEX_SIZE], signature[SHA256_HEX_SIZE];
    unsigned char key[SHA256_SIZE];
    char *timestamp = arena_alloc(arena, SIGV4_TIMESTAMP_SIZE);
    sigv4_time_format(now_ms, timestamp);
    struct str date = str_from(timestamp);
    const struct sigv4_scope scope = {{timestamp, DATE_LEN}, region, service};
    struct signing *signing = arena_new(arena, struct signing);
    collect(signing, request, date, arena);
    struct sigv4_request whole = *request;
    whole.headers = signing->headers;
    whole.header_count = signing->header_count;

    struct buf canonical = buf_in(arena, SIGV4_CANONICAL_MAX);
    struct buf to_sign = buf_in(arena, SIGV4_CANONICAL_MAX);
    struct buf authorization = buf_in(arena, SIGV4_CANONICAL_MAX);
    sigv4_canonical_request(&whole, signing->list, signing->names, signing->name_count,
                            payload_hash(request, payload), true, &canonical);
    sigv4_string_to_sign(date, &scope, buf_str(&canonical), &to_sign);
    sigv4_signing_key(secret_reveal(secret), &scope, key);
    sigv4_signature(key, buf_str(&to_sign), signature);
    explicit_bzero(key, sizeof(key));

    buf_add(&authorization, STR("AWS4-HMAC-SHA256 Credential="));
    buf_add(&authorization, access_key_id);
    buf_add_char(&authorization, '/');
    add_scope(&authorization, &scope);
    buf_add(&authorization, STR(", SignedHeaders="));
    buf_add(&authorization, signing->list);
    buf_add(&authorization, STR(", Signature="));
    buf_add_cstr(&authorization, signature);
    *ret_date = date;
    *ret_authorization = buf_str(&authorization);
}

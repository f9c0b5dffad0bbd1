/* Who signed this request? The form is checked first, the signature last, and only then who it was.
 */
#include "wire/errors.h"
#include "wire/sigv4_internal.h"

#include <string.h>

enum { DATE_LEN = 8 };

/* The headers that matter beyond being signed; each may be there once. */
enum {
    H_AUTHORIZATION,
    H_AMZ_DATE,
    H_DATE,
    H_CONTENT_SHA256,
    H_SECURITY_TOKEN,
    H_COUNT,
};

static const struct str NAMES[H_COUNT] = {
    [H_AUTHORIZATION] = STR("authorization"),
    [H_AMZ_DATE] = STR("x-amz-date"),
    [H_DATE] = STR("date"),
    [H_CONTENT_SHA256] = STR("x-amz-content-sha256"),
    [H_SECURITY_TOKEN] = STR("x-amz-security-token"),
};

struct sigv4_verification {
    const struct sigv4_request *request;
    struct str noted[H_COUNT]; /* STR_NULL: absent */
    struct sigv4_authorization authorization;
    char timestamp[SIGV4_TIMESTAMP_SIZE];
    int64_t time_ms;
    char payload_hash[SHA256_HEX_SIZE];
};

static bool note_headers(struct sigv4_verification *v, struct error *error)
{
    for (size_t i = 0; i < v->request->header_count; i++) {
        const struct http_header *header = &v->request->headers[i];
        for (size_t j = 0; j < H_COUNT; j++) {
            if (!sigv4_name_is(header->name, NAMES[j]))
                continue;
            if (v->noted[j].data)
                return fail(error, ERR_INCOMPLETE_SIGNATURE,
                            "The request has more than one '%s' header.", NAMES[j].data);
            v->noted[j] = header->value.data ? header->value : STR("");
        }
    }
    return true;
}

/* Without regard to case, and to which characters of it are percent-encoded. */
static bool parameter_is(struct str raw, struct str name)
{
    size_t len = 0;
    unsigned char byte;
    for (size_t i = 0; i < raw.len; len++) {
        i += sigv4_query_byte(raw, i, &byte);
        if (len == name.len || ascii_lower((char)byte) != ascii_lower(name.data[len]))
            return false;
    }
    return len == name.len;
}

/* A presigned URL carries its signature in the query. */
static bool refuse_query_form(struct str query, struct error *error)
{
    static const struct str names[] = {STR("X-Amz-Algorithm"), STR("X-Amz-Credential"),
                                       STR("X-Amz-Signature")};
    struct str rest = query;
    while (rest.len > 0) {
        struct str piece = rest, name;
        rest.len = 0;
        (void)str_cut(piece, '&', &piece, &rest);
        name = piece;
        (void)str_cut(piece, '=', &name, &piece);
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
            if (parameter_is(name, names[i]))
                return fail(error, ERR_INCOMPLETE_SIGNATURE,
                            "A signature in the query string (%s) is not supported: sign with the "
                            "Authorization header.",
                            names[i].data);
        }
    }
    return true;
}

static bool read_authorization(struct sigv4_verification *v, struct error *error)
{
    bool dated = v->noted[H_AMZ_DATE].len > 0 || v->noted[H_DATE].len > 0;
    if (v->noted[H_AUTHORIZATION].len == 0)
        return fail(error, ERR_MISSING_AUTHENTICATION, "Missing Authentication Token");
    return sigv4_parse_header(v->noted[H_AUTHORIZATION], dated, &v->authorization, error);
}

/* What came from outside is shown only when it is short and plain. */
static bool is_showable(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7E)
            return false;
    }
    return text.len <= 40;
}

/* X-Amz-Date goes before Date, as AWS does; the string to sign has the ISO form of either. */
static bool read_time(struct sigv4_verification *v, struct error *error)
{
    bool amz = v->noted[H_AMZ_DATE].len > 0;
    struct str text = v->noted[amz ? H_AMZ_DATE : H_DATE];
    if (!sigv4_time_parse(text, !amz, &v->time_ms))
        return fail(error, ERR_INCOMPLETE_SIGNATURE,
                    "Date must be in ISO-8601 'basic format'. Got '%.*s'. See "
                    "http://en.wikipedia.org/wiki/ISO_8601",
                    STR_ARG(is_showable(text) ? text : STR("?")));
    if (text.len == SIGV4_TIMESTAMP_SIZE - 1)
        memcpy(v->timestamp, text.data, SIGV4_TIMESTAMP_SIZE - 1);
    else
        sigv4_time_format(v->time_ms, v->timestamp);
    return true;
}

static bool is_region(struct str region)
{
    for (size_t i = 0; i < region.len; i++) {
        char c = region.data[i];
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-')
            return false;
    }
    return region.len > 0 && region.len <= SIGV4_REGION_MAX;
}

static bool is_served(const struct sigv4_services *services, struct str name)
{
    for (size_t i = 0; i < services->count; i++) {
        if (str_eq(services->names[i], name))
            return true;
    }
    return false;
}

static bool check_scope(const struct sigv4_verification *v, const struct sigv4_services *services,
                        struct error *error)
{
    struct str service = services->names[0];
    const struct sigv4_scope *scope = &v->authorization.scope;
    bool region_good = is_region(scope->region);
    bool service_good = is_served(services, scope->service);
    if (!region_good || !service_good)
        return fail(error, ERR_INVALID_SIGNATURE, "%s%s%s%.*s%s",
                    region_good ? "" : "Credential should be scoped to a valid region.",
                    region_good || service_good ? "" : " ",
                    service_good ? "" : "Credential should be scoped to correct service: '",
                    service_good ? 0 : (int)service.len, service.data, service_good ? "" : "'.");
    if (!str_eq(scope->date, (struct str){v->timestamp, DATE_LEN}))
        return fail(
            error, ERR_INVALID_SIGNATURE,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
            "from HTTP: '%.*s' != '%.*s', from '%s'.",
            STR_ARG(is_showable(scope->date) ? scope->date : STR("?")), DATE_LEN, v->timestamp,
            v->timestamp);
    return true;
}

static bool check_skew(const struct sigv4_verification *v, int64_t now_ms, struct error *error)
{
    char now[SIGV4_TIMESTAMP_SIZE], bound[SIGV4_TIMESTAMP_SIZE];
    bool expired = v->time_ms < now_ms - SIGV4_SKEW_MS;
    bool early = v->time_ms > now_ms + SIGV4_SKEW_MS;
    if (!expired && !early)
        return true;
    sigv4_time_format(now_ms, now);
    sigv4_time_format(now_ms + (expired ? -SIGV4_SKEW_MS : SIGV4_SKEW_MS), bound);
    return fail(error, ERR_INVALID_SIGNATURE,
                expired ? "Signature expired: %s is now earlier than %s (%s - %d min.)"
                        : "Signature not yet current: %s is still later than %s (%s + %d min.)",
                v->timestamp, bound, now, SIGV4_SKEW_MS / 60000);
}

static bool is_signed(const struct sigv4_authorization *authorization, struct str name)
{
    for (size_t i = 0; i < authorization->signed_count; i++) {
        if (sigv4_name_is(name, authorization->signed_headers[i]))
            return true;
    }
    return false;
}

static bool is_sent(const struct sigv4_request *request, struct str name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (sigv4_name_is(request->headers[i].name, name))
            return true;
    }
    return false;
}

/* What AWS's protocols, or we, put meaning into must be covered, or it could be changed on the
 * way. */
static bool must_be_signed(struct str name)
{
    static const struct str prefixes[] = {STR("x-amz-"), STR("x-headgate-")};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
        size_t len = prefixes[i].len;
        if (name.len >= len && str_eq_nocase((struct str){name.data, len}, prefixes[i]))
            return true;
    }
    return false;
}

static bool check_signed_headers(const struct sigv4_verification *v, struct error *error)
{
    enum { SHOWN_MAX = 100 };
    const struct sigv4_authorization *authorization = &v->authorization;
    if (!is_signed(authorization, STR("host")))
        return fail(error, ERR_INVALID_SIGNATURE,
                    "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
    for (size_t i = 0; i < v->request->header_count; i++) {
        struct str name = v->request->headers[i].name;
        if (must_be_signed(name) && !is_signed(authorization, name))
            return fail(error, ERR_INVALID_SIGNATURE,
                        "'%.*s' must be a 'SignedHeader' in the AWS Authorization.",
                        (int)(name.len < SHOWN_MAX ? name.len : SHOWN_MAX), name.data);
    }
    for (size_t i = 0; i < authorization->signed_count; i++) {
        struct str name = authorization->signed_headers[i];
        if (!is_sent(v->request, name))
            return fail(error, ERR_INVALID_SIGNATURE,
                        "The header '%.*s' is signed but is not in the request.",
                        (int)(name.len < SHOWN_MAX ? name.len : SHOWN_MAX), name.data);
    }
    return true;
}

/* S3 signs what the header says. */
static bool take_payload_hash(struct sigv4_verification *v, struct error *error)
{
    struct str claimed = v->noted[H_CONTENT_SHA256];
    if (!claimed.data || claimed.len >= sizeof(v->payload_hash))
        return fail(error, ERR_INCOMPLETE_SIGNATURE,
                    "Missing required header for this request: x-amz-content-sha256");
    memcpy(v->payload_hash, claimed.data, claimed.len);
    return true;
}

static bool check_payload(struct sigv4_verification *v, struct error *error)
{
    struct str claimed = v->noted[H_CONTENT_SHA256];
    if (v->request->s3)
        return take_payload_hash(v, error);
    sha256_hex(v->request->body, v->payload_hash);
    if (!claimed.data || str_eq(claimed, str_from(v->payload_hash)))
        return true;
    if (str_eq(claimed, STR("UNSIGNED-PAYLOAD")) || str_starts(claimed, STR("STREAMING-")))
        return fail(error, ERR_INVALID_SIGNATURE,
                    "The payload must be signed: 'x-amz-content-sha256' has to be the hash of the "
                    "body.");
    return fail(error, ERR_INVALID_SIGNATURE,
                "The provided 'x-amz-content-sha256' header does not match what was computed.");
}

static bool compute_signature(const struct sigv4_verification *v,
                              const unsigned char key[SHA256_SIZE], struct arena *arena,
                              char out[SHA256_HEX_SIZE])
{
    const struct sigv4_authorization *authorization = &v->authorization;
    struct buf canonical = buf_in(arena, SIGV4_CANONICAL_MAX);
    struct buf to_sign = buf_in(arena, SIGV4_CANONICAL_MAX);
    sigv4_canonical_request(v->request, authorization->signed_list, authorization->signed_headers,
                            authorization->signed_count, str_from(v->payload_hash), true,
                            &canonical);
    sigv4_string_to_sign(str_from(v->timestamp), &authorization->scope, buf_str(&canonical),
                         &to_sign);
    sigv4_signature(key, buf_str(&to_sign), out);
    return !canonical.overflow && !to_sign.overflow;
}

/* An unknown access key takes the same steps with a random secret. */
static bool check_signature(const struct sigv4_verification *v, struct str secret,
                            struct sigv4_key_cache *cache, struct arena *arena)
{
    const struct sigv4_authorization *authorization = &v->authorization;
    unsigned char key[SHA256_SIZE];
    char signature[SHA256_HEX_SIZE];
    struct str known = secret.data ? secret : STR("the secret of an access key that is unknown");
    bool cached = sigv4_cache_get(cache, authorization, known, key);
    if (!cached)
        sigv4_signing_key(known, &authorization->scope, key);
    bool good = compute_signature(v, key, arena, signature);
    good = secret_bytes_eq(authorization->signature, str_from(signature)) && good;
    good = good && secret.data;
    if (good && !cached)
        sigv4_cache_put(cache, authorization, known, key);
    explicit_bzero(key, sizeof(key));
    explicit_bzero(signature, sizeof(signature));
    return good;
}

static const struct secret *find_secret(const struct sigv4_verification *v,
                                        const struct sigv4_keys *keys, struct arena *arena,
                                        struct str *ret_account, struct error *error)
{
    struct str id = v->authorization.access_key_id, token = v->noted[H_SECURITY_TOKEN];
    if (!sigv4_access_key_id_is_valid(id))
        return NULL;
    if (!token.data)
        return keys->find(keys->context, id, arena, ret_account, error);
    if (!keys->find_session)
        return NULL;
    return keys->find_session(keys->context, id, token, arena, ret_account, error);
}

/* A session token of another server is most often left over in the environment from AWS's own keys,
 * and signed with the secret of an access key of this one: so the message says what to unset. */
static bool refuse_unknown(const struct sigv4_verification *v, struct error *error)
{
    return fail(error, ERR_UNRECOGNIZED_CLIENT,
                "The security token included in the request is "
                "invalid%s",
                v->noted[H_SECURITY_TOKEN].data
                    ? ": it is not a session token of this server. Unset AWS_SESSION_TOKEN, or "
                      "remove aws_session_token from the profile that the client uses."
                    : ".");
}

static bool check_caller(const struct sigv4_verification *v, const struct sigv4_keys *keys,
                         struct sigv4_key_cache *cache, struct arena *arena,
                         struct sigv4_caller *ret_caller, struct error *error)
{
    const struct sigv4_authorization *authorization = &v->authorization;
    struct error find_error;
    find_error.code = ERR_NONE; /* the message stays unwritten until there is one */
    struct str account = STR_NULL;
    const struct secret *secret = find_secret(v, keys, arena, &account, &find_error);
    if (!secret && find_error.code != ERR_NONE)
        return fail(error, find_error.code, "%s", find_error.message);
    bool good = check_signature(v, secret ? secret_reveal(secret) : STR_NULL, cache, arena);
    if (!secret)
        return refuse_unknown(v, error);
    if (!good)
        return fail(
            error, ERR_INVALID_SIGNATURE,
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method. Consult the service "
            "documentation for details.");
    *ret_caller = (struct sigv4_caller){
        .account = account,
        .access_key_id = arena_copy(arena, authorization->access_key_id),
        .region = arena_copy(arena, authorization->scope.region),
        .service = arena_copy(arena, authorization->scope.service),
    };
    return true;
}

bool sigv4_verify(const struct sigv4_request *request, const struct sigv4_services *services,
                  int64_t now_ms, const struct sigv4_keys *keys, struct sigv4_key_cache *cache,
                  struct arena *arena, struct sigv4_caller *ret_caller, struct error *error)
{
    struct sigv4_verification v = {.request = request};
    return note_headers(&v, error) && refuse_query_form(request->query, error) &&
           read_authorization(&v, error) && read_time(&v, error) &&
           check_scope(&v, services, error) && check_skew(&v, now_ms, error) &&
           check_signed_headers(&v, error) && check_payload(&v, error) &&
           check_caller(&v, keys, cache, arena, ret_caller, error);
}

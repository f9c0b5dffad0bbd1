/* One signed request, what its answer means, and when it is sent again (docs.aws.amazon.com
 * /AmazonS3/latest/API/ErrorResponses.html). */
#include "aws/s3_internal.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/int64.h"
#include "base/random.h"
#include "wire/errors.h"
#include "wire/sigv4.h"
#include "work/cpu_slots.h"

#include <stdio.h>

enum {
    HEADERS_MAX = 5 + S3_HEADERS_MAX,
    CODE_MAX = 64,
    KEY_SHOWN_MAX = 512,
    TEXT_SIZE = 1024,
    RETRY_AFTER_MAX_S = 1000 * 1000 * 1000, /* what is above is no number of seconds */
};

/* --- what may be asked for --- */

bool s3_check_place(const struct s3_place *place, struct error *error)
{
    if (!s3_bucket_is_valid(place->bucket))
        return fail(error, ERR_VALIDATION,
                    "\"%.*s\" cannot be the name of an S3 bucket: 3 to 63 small letters, digits, "
                    "'-' and '.'.",
                    (int)utf8_cut(place->bucket, S3_BUCKET_MAX).len,
                    place->bucket.data ? place->bucket.data : "");
    return !place->key.data || s3_key_is_valid(place->key) ||
           fail(
               error, ERR_VALIDATION,
               "An S3 key has 1 to %d bytes of UTF-8 without NUL; one for the bucket %.*s has not.",
               S3_KEY_MAX, STR_ARG(place->bucket));
}

/* --- errors --- */

/* "s3://BUCKET/KEY" */
static const char *shown(const struct s3_place *place, char out[TEXT_SIZE])
{
    if (!place->bucket.data)
        return "the list of buckets";
    struct str key = utf8_cut(place->key, KEY_SHOWN_MAX);
    snprintf(out, TEXT_SIZE, "s3://%.*s%s%.*s", STR_ARG(place->bucket), key.len > 0 ? "/" : "",
             STR_ARG(key));
    return out;
}

/* What S3's codes mean here. In the text %s is the object, and '@' the code. */
struct s3_refusal {
    const char *code;
    int kind;
    const char *text;
};

static const char denied[] =
    "S3 denies access to %s. Its operator gives this server's access key, or the role that it "
    "assumes, the action in a policy, or looks at the bucket's policy.";
static const char credentials[] =
    "S3 does not take the credentials for %s (@). Its operator looks at AWS_ACCESS_KEY_ID, at "
    "AWS_SECRET_ACCESS_KEY, at the role that the server assumes, and at the server's clock.";
static const char expired[] =
    "The credentials for %s have expired (@). Its operator renews AWS_SESSION_TOKEN, or gives the "
    "server an access key that lasts.";
static const char busy[] = "S3 was busy each time that it was asked for %s (@).";
static const char broken[] = "S3 failed each time that it was asked for %s (@).";
static const char undone[] =
    "This S3 cannot do what it was asked for with %s (@). That of the sandbox sends objects of up "
    "to 64 MiB.";
static const char changed[] = "S3 does not have the parts of %s as they were listed (@).";

static const struct s3_refusal refusals[] = {
    {"NoSuchKey", ERR_NOT_FOUND, "There is no object %s."},
    {"NoSuchUpload", ERR_NOT_FOUND, "The upload of %s is not there: it was completed or aborted."},
    {"NoSuchBucket", ERR_VALIDATION, "There is no bucket for %s. Create it, or correct its name."},
    {"NotImplemented", ERR_VALIDATION, undone},
    {"InvalidBucketName", ERR_VALIDATION, "S3 has no buckets named as that of %s."},
    {"KeyTooLongError", ERR_VALIDATION, "S3 does not take a key as long as that of %s."},
    {"EntityTooLarge", ERR_VALIDATION, "S3 does not take an object as large as %s."},
    {"EntityTooSmall", ERR_VALIDATION, "S3 takes only the last part of %s smaller than 5 MiB."},
    {"AccessDenied", ERR_ACCESS_DENIED, denied},
    {"AllAccessDisabled", ERR_ACCESS_DENIED, denied},
    {"AccountProblem", ERR_ACCESS_DENIED, denied},
    {"InvalidAccessKeyId", ERR_ACCESS_DENIED, credentials},
    {"SignatureDoesNotMatch", ERR_ACCESS_DENIED, credentials},
    {"RequestTimeTooSkewed", ERR_ACCESS_DENIED, credentials},
    {"InvalidToken", ERR_ACCESS_DENIED, credentials},
    {"InvalidSecurity", ERR_ACCESS_DENIED, credentials},
    {"NotSignedUp", ERR_ACCESS_DENIED, credentials},
    {"ExpiredToken", ERR_ACCESS_DENIED, expired},
    {"TokenRefreshRequired", ERR_ACCESS_DENIED, expired},
    {"PreconditionFailed", ERR_CONFLICT, "%s is there already, or is not the object it was."},
    {"ConditionalRequestConflict", ERR_CONFLICT, "Another writer of %s was at work each time."},
    {"OperationAborted", ERR_CONFLICT, "Another operation on %s was under way each time."},
    {"InvalidPart", ERR_CONFLICT, changed},
    {"InvalidPartOrder", ERR_CONFLICT, changed},
    {"SlowDown", ERR_THROTTLING, busy},
    {"ServiceUnavailable", ERR_THROTTLING, busy},
    {"TooManyRequests", ERR_THROTTLING, busy},
    {"RequestTimeout", ERR_CONNECTOR_SERVER, broken},
    {"InternalError", ERR_CONNECTOR_SERVER, broken},
};

/* The codes of answers without a body. */
static const char *code_of_status(int status)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = {
        {403, "AccessDenied"},       {404, "NoSuchKey"},     {412, "PreconditionFailed"},
        {429, "TooManyRequests"},    {500, "InternalError"}, {502, "InternalError"},
        {503, "ServiceUnavailable"}, {504, "InternalError"},
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        if (codes[i].status == status)
            return codes[i].code;
    }
    return "";
}

static bool is_plain(struct str text, size_t most)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_alnum(text.data[i]) && text.data[i] != '-')
            return false;
    }
    return text.len > 0 && text.len <= most;
}

static const struct s3_refusal *find_refusal(struct str code)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        if (str_eq(code, str_from(refusals[i].code)))
            return &refusals[i];
    }
    return NULL;
}

/* Where the bucket is, as far as S3 says so: in the error, or in a header of any answer. */
static bool fail_elsewhere(const struct s3 *s3, const struct s3_place *place,
                           const struct s3_reply *reply, struct error *error)
{
    const struct str *header = client_header(&reply->http, STR("x-amz-bucket-region"));
    struct str region =
        reply->xml.region.len > 0 ? reply->xml.region : (header ? *header : STR_NULL);
    bool redirected = reply->http.status == 301 || reply->http.status == 307 ||
                      str_eq(reply->code, STR("PermanentRedirect")) ||
                      str_eq(reply->code, STR("AuthorizationHeaderMalformed"));
    if (!redirected)
        return false;
    if (!is_plain(region, AWS_REGION_MAX) || str_eq(region, s3->region))
        fail(error, ERR_VALIDATION,
             "S3 wants to be asked elsewhere for the bucket %.*s, and does not say where. Its "
             "operator looks at --s3-url.",
             STR_ARG(place->bucket));
    else
        fail(error, ERR_VALIDATION, "The bucket %.*s is in the region %.*s, and not in %.*s.",
             STR_ARG(place->bucket), STR_ARG(region), STR_ARG(s3->region));
    return true;
}

static bool fail_refused(const struct s3 *s3, const struct s3_place *place,
                         const struct s3_reply *reply, struct error *error)
{
    char object[TEXT_SIZE], text[2 * TEXT_SIZE];
    const struct s3_refusal *refusal = find_refusal(reply->code);
    if (fail_elsewhere(s3, place, reply, error))
        return false;
    if (!refusal)
        return fail(error, ERR_CONNECTOR_SERVER,
                    "S3 gave no usable answer for %s (HTTP status %d%s%.*s).", shown(place, object),
                    reply->http.status, reply->code.len > 0 ? ", " : "", STR_ARG(reply->code));
    _cleanup_(buf_done) struct buf with_code = buf_on_heap(sizeof(text) - 1);
    _cleanup_(buf_done) struct buf whole = buf_on_heap(sizeof(text) - 1);
    buf_add_replaced(&with_code, str_from(refusal->text), STR("@"), reply->code);
    buf_add_replaced(&whole, buf_str(&with_code), STR("%s"), str_from(shown(place, object)));
    return fail(error, refusal->kind, "%.*s", STR_ARG(buf_str(&whole)));
}

bool s3_fail_unusable(const struct s3_place *place, const char *what, struct error *error)
{
    char object[TEXT_SIZE];
    return fail(error, ERR_CONNECTOR_SERVER, "S3 gave no usable answer for %s (%s).",
                shown(place, object), what);
}

bool s3_fail_changed(const struct s3_place *place, struct error *error)
{
    char object[TEXT_SIZE];
    return fail(error, ERR_CONFLICT,
                "%s was replaced while it was read: it is not the object it was.",
                shown(place, object));
}

/* --- one attempt --- */

static void add_header(struct http_header *headers, size_t *count, struct str name,
                       struct str value)
{
    headers[(*count)++] = (struct http_header){name, value};
}

/* Headers without Host, which the connection adds. */
static const struct http_header *sign(const struct s3 *s3, const struct s3_request *request,
                                      const struct s3_address *address, struct arena *call,
                                      size_t *ret_count)
{
    const struct aws_access *access = s3->access;
    struct http_header *headers = arena_array(call, struct http_header, HEADERS_MAX);
    char *hash = arena_alloc(call, SHA256_HEX_SIZE);
    struct str date, authorization;
    size_t count = 0;
    sha256_hex(request->body, hash);
    add_header(headers, &count, STR("Host"), address->host);
    add_header(headers, &count, STR("x-amz-content-sha256"), str_from(hash));
    for (size_t i = 0; i < request->header_count; i++)
        headers[count++] = request->headers[i];
    if (access->session_token)
        add_header(headers, &count, STR("X-Amz-Security-Token"),
                   secret_reveal(access->session_token));
    const struct sigv4_request signed_request = {.method = str_from(request->method),
                                                 .path = address->path,
                                                 .query = request->query,
                                                 .headers = headers,
                                                 .header_count = count,
                                                 .s3 = true};
    sigv4_sign(&signed_request, access->access_key_id, access->secret_access_key, s3->region,
               STR("s3"), clock_wall_ms(), call, &date, &authorization);
    headers[0] = (struct http_header){STR("X-Amz-Date"), date};
    add_header(headers, &count, STR("Authorization"), authorization);
    *ret_count = count;
    return headers;
}

static enum s3_end judge_transport(const struct s3 *s3, const struct client_response *response,
                                   struct error *error)
{
    switch (response->outcome) {
    case CLIENT_STOPPED:
        fail(error, ERR_UNAVAILABLE, "The server is stopping.");
        return S3_FAILED;
    case CLIENT_NO_MEMORY:
        fail(error, ERR_UNAVAILABLE, "No memory is left for an answer of S3.");
        return S3_FAILED;
    case CLIENT_ABORTED:
        fail(error, ERR_CONFLICT, "The reader of an object of S3 wants no more of it.");
        return S3_FAILED;
    default:
        fail(error, ERR_CONNECTOR_SERVER, "S3 could not be reached: %s.", response->detail);
        break;
    }
    bool timed_out = response->outcome == CLIENT_TIMEOUT && clock_mono_ms() >= s3->deadline_ms;
    bool passes = response->outcome == CLIENT_BROKEN || response->outcome == CLIENT_CONNECT ||
                  response->outcome == CLIENT_TIMEOUT || response->outcome == CLIENT_BUSY ||
                  response->outcome == CLIENT_PROXY;
    return passes && !timed_out ? S3_AGAIN : S3_FAILED;
}

/* S3 puts an error into an answer of status 200 when it had begun to answer before it knew. */
static void read_body(struct s3_reply *reply, struct arena *call)
{
    struct str body = reply->http.body;
    if (body.len == 0 || !s3_answer_read(body, call, &reply->xml))
        reply->xml = (struct s3_answer){0};
    if (str_eq(reply->xml.root, STR("Error")) && is_plain(reply->xml.code, CODE_MAX))
        reply->code = reply->xml.code;
    else if (reply->http.status >= 300 || str_eq(reply->xml.root, STR("Error")))
        reply->code = str_from(code_of_status(reply->http.status));
}

/* What the service says will pass. */
static bool passes(const struct s3_reply *reply)
{
    static const char *const codes[] = {
        "SlowDown",       "ServiceUnavailable",         "TooManyRequests",  "InternalError",
        "RequestTimeout", "ConditionalRequestConflict", "OperationAborted",
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        if (str_eq(reply->code, str_from(codes[i])))
            return true;
    }
    return reply->http.status >= 500 && reply->http.status != 501;
}

enum s3_end s3_judge_answer(const struct s3 *s3, const struct s3_place *place, struct arena *call,
                            struct s3_reply *reply, struct error *error)
{
    read_body(reply, call);
    if (reply->http.status < 300 && !str_eq(reply->xml.root, STR("Error")))
        return S3_GOOD;
    fail_refused(s3, place, reply, error);
    return passes(reply) ? S3_AGAIN : S3_FAILED;
}

enum s3_end s3_attempt(const struct s3 *s3, const struct s3_request *request, struct arena *call,
                       struct s3_reply *ret_reply, struct error *error)
{
    struct s3_address address;
    *ret_reply = (struct s3_reply){.code = STR("")};
    if (!s3_address_of(s3, &request->place, request->query, call, &address)) {
        fail(error, ERR_CONNECTOR_SERVER,
             "The URL of S3 that this server was given is not absolute, or too long.");
        return S3_FAILED;
    }
    int64_t end_ms = clock_mono_ms() + S3_ATTEMPT_MS;
    struct client_request out = {.method = str_from(request->method),
                                 .url = address.url,
                                 .body = request->body,
                                 .sink = request->sink,
                                 .keeps_coding = true,
                                 .body_max = request->answer_max,
                                 .deadline_ms =
                                     end_ms < s3->deadline_ms ? end_ms : s3->deadline_ms};
    out.headers = sign(s3, request, &address, call, &out.header_count);
    (s3->access->call ? s3->access->call : client_call)(s3->access->client, call, &out,
                                                        &ret_reply->http);
    if (ret_reply->http.outcome != CLIENT_OK)
        return judge_transport(s3, &ret_reply->http, error);
    return s3_judge_answer(s3, &request->place, call, ret_reply, error);
}

/* --- attempts --- */

/* Half of the pause is random, so that writers which were refused together do not return so. */
static int64_t pause_ms(const struct s3 *s3, int next, const struct s3_reply *reply)
{
    unsigned long long asked_s; /* however long: the deadline decides whether it can be waited */
    const struct str *after = client_header(&reply->http, STR("Retry-After"));
    int64_t whole = s3->first_pause_ms > 0 ? s3->first_pause_ms : S3_FIRST_PAUSE_MS;
    whole <<= next < S3_ATTEMPTS ? next - 1 : S3_ATTEMPTS - 1;
    if (whole > S3_PAUSE_MAX_MS)
        whole = S3_PAUSE_MAX_MS;
    int64_t pause = whole / 2 + (int64_t)(random_u32() % (uint32_t)(whole / 2 + 1));
    if (after && str_to_u64(*after, RETRY_AFTER_MAX_S, &asked_s) && pause < (int64_t)asked_s * 1000)
        pause = (int64_t)asked_s * 1000;
    return pause;
}

bool s3_pause(const struct s3 *s3, int next, const struct s3_reply *reply)
{
    int64_t pause = pause_ms(s3, next, reply);
    return next < S3_ATTEMPTS && clock_mono_ms() + pause < s3->deadline_ms &&
           slot_nap(pause, s3->is_to_end, s3->context);
}

bool s3_ask(const struct s3 *s3, const struct s3_request *request, struct arena *call,
            struct s3_reply *ret_reply, bool *ret_repeated, struct error *error)
{
    bool repeated = false;
    enum s3_end end = S3_FAILED;
    *ret_reply = (struct s3_reply){.code = STR("")};
    if (!request->of_service && !s3_check_place(&request->place, error))
        return false;
    for (int attempt = 1;; attempt++) {
        end = s3_attempt(s3, request, call, ret_reply, error);
        if (end != S3_AGAIN || !s3_pause(s3, attempt, ret_reply))
            break;
        repeated = repeated || ret_reply->http.sent || ret_reply->http.outcome == CLIENT_OK;
        arena_reset(call);
    }
    if (ret_repeated)
        *ret_repeated = repeated;
    return end == S3_GOOD;
}

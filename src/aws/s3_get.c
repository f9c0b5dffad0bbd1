/* Reading an object as a stream. When the connection breaks, the next attempt asks for the bytes
 * behind the last one that was delivered, of the object with the same ETag (RFC 9110, 14.2 and
 * 13.1.1). */
#include "aws/s3_internal.h"

#include "base/buf.h"
#include "wire/errors.h"
#include "wire/s3_etag.h"

#include <inttypes.h>

enum { ERROR_BODY_MAX = 64 * 1024, PRECONDITION_FAILED = 412 };

struct get_reading {
    const struct s3_sink *sink;
    struct arena *arena; /* the caller's */
    uint64_t next;       /* byte of the object */
    uint64_t last;       /* UINT64_MAX: up to the end */
    uint64_t size;       /* of the object; 0: unknown */
    struct str etag;     /* STR_NULL: any */
    bool begun;          /* the sink knows the facts */
    bool progressed;     /* bytes came in this attempt */
    bool changed;        /* the answer is of another object than was asked for */
    const char *unusable;
    int status; /* of this attempt */
    struct buf error_body;
};

/* "bytes 5-9/10" says where the bytes begin, and how many the object has. */
static bool read_content_range(const struct client_response *response, uint64_t *ret_first,
                               uint64_t *ret_size)
{
    const struct str *header = client_header(response, STR("Content-Range"));
    struct str unit, range, first, last, size;
    return header && str_cut(*header, ' ', &unit, &range) && str_eq(unit, STR("bytes")) &&
           str_cut(range, '/', &range, &size) && str_cut(range, '-', &first, &last) &&
           s3_read_size(first, ret_first) && s3_read_size(size, ret_size);
}

static bool refuse(struct get_reading *reading, const char *what)
{
    reading->unusable = what;
    return false;
}

/* Not all that speak S3's protocol heed If-Match. */
static bool is_same_object(const struct get_reading *reading, const struct s3_facts *facts)
{
    bool other_etag =
        reading->etag.data && facts->etag.len > 0 && !str_eq(facts->etag, reading->etag);
    bool other_size = reading->size > 0 && facts->size > 0 && facts->size != reading->size;
    return !other_etag && !other_size;
}

static bool on_head(void *context, const struct client_response *response)
{
    struct get_reading *reading = context;
    uint64_t first = 0;
    reading->status = response->status;
    if (response->status != 200 && response->status != 206)
        return true;
    struct s3_facts facts = s3_facts_of(response, reading->arena);
    if (response->status == 206 && !read_content_range(response, &first, &facts.size))
        return refuse(reading, "it does not say which bytes it has");
    reading->changed = !is_same_object(reading, &facts);
    if (reading->changed)
        return false;
    if (first != reading->next)
        return refuse(reading, "it has other bytes than those that were asked for");
    if (reading->begun)
        return true;
    reading->begun = true;
    reading->size = facts.size;
    reading->etag = facts.etag.len > 0 ? facts.etag : STR_NULL;
    return !reading->sink->head || reading->sink->head(reading->sink->context, &facts);
}

static bool on_push(void *context, struct str bytes)
{
    struct get_reading *reading = context;
    if (reading->status != 200 && reading->status != 206) {
        buf_add(&reading->error_body, bytes);
        return true;
    }
    if (reading->last != UINT64_MAX && bytes.len > reading->last + 1 - reading->next)
        return refuse(reading, "it has more bytes than were asked for");
    reading->next += bytes.len;
    reading->progressed = true;
    return reading->sink->push(reading->sink->context, bytes);
}

static size_t add_headers(const struct get_reading *reading, struct arena *call,
                          struct http_header *headers)
{
    size_t count = 0;
    if (reading->last != UINT64_MAX)
        headers[count++] =
            (struct http_header){STR("Range"), arena_printf(call, "bytes=%" PRIu64 "-%" PRIu64,
                                                            reading->next, reading->last)};
    else if (reading->next > 0)
        headers[count++] = (struct http_header){
            STR("Range"), arena_printf(call, "bytes=%" PRIu64 "-", reading->next)};
    if (reading->etag.data)
        headers[count++] = (struct http_header){
            STR("If-Match"), arena_printf(call, "\"%.*s\"", STR_ARG(reading->etag))};
    return count;
}

static enum s3_end read_once(const struct s3 *s3, const struct s3_place *place,
                             struct get_reading *reading, struct arena *call,
                             struct s3_reply *reply, struct error *error)
{
    struct http_header headers[S3_HEADERS_MAX];
    const struct client_sink sink = {.head = on_head, .push = on_push, .context = reading};
    const struct s3_request request = {.method = "GET",
                                       .place = *place,
                                       .headers = headers,
                                       .header_count = add_headers(reading, call, headers),
                                       .sink = &sink};
    reading->progressed = false;
    reading->status = 0;
    buf_clear(&reading->error_body);
    return s3_attempt(s3, &request, call, reply, error);
}

static bool is_whole(const struct get_reading *reading)
{
    uint64_t end = reading->last < reading->size ? reading->last + 1 : reading->size;
    return reading->next >= end;
}

/* A sink takes an answer's body, so that of an error is read here. Without an ETag another attempt
 * could go on in another object. */
static enum s3_end judge(const struct s3 *s3, const struct s3_place *place,
                         const struct get_reading *reading, enum s3_end end, struct arena *call,
                         struct s3_reply *reply, struct error *error)
{
    if (reading->changed || reading->status == PRECONDITION_FAILED) {
        s3_fail_changed(place, error);
        return S3_FAILED;
    }
    if (reading->unusable) {
        s3_fail_unusable(place, reading->unusable, error);
        return S3_FAILED;
    }
    if (reading->error_body.len > 0 && reply->http.outcome == CLIENT_OK) {
        reply->http.body = buf_str(&reading->error_body);
        return s3_judge_answer(s3, place, call, reply, error);
    }
    if (end == S3_GOOD && !is_whole(reading)) {
        s3_fail_unusable(place, "it ends early", error);
        return S3_FAILED;
    }
    /* Time that a slow sink took is no failure of the service, nor is it one behind the last byte.
     */
    if (reading->progressed && s3->renew && reply->http.outcome == CLIENT_TIMEOUT)
        end = S3_AGAIN;
    if (end == S3_AGAIN && reading->size > 0 && is_whole(reading))
        return S3_GOOD;
    return reading->progressed && !reading->etag.data && end == S3_AGAIN ? S3_FAILED : end;
}

static bool renew(const struct s3 *s3, struct error *error)
{
    return !s3->renew || s3->renew(s3->context, error);
}

bool s3_get(const struct s3 *s3, const struct s3_place *place, const struct s3_range *range,
            const struct s3_sink *sink, struct arena *arena, struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    struct get_reading reading = {
        .sink = sink,
        .arena = arena,
        .next = range ? range->first : 0,
        .last = range && range->length > 0 ? range->first + range->length - 1 : UINT64_MAX,
        .etag = range ? range->etag : STR_NULL,
        .error_body = buf_in(arena, ERROR_BODY_MAX),
    };
    struct s3_reply reply = {0};
    enum s3_end end = S3_FAILED;
    if (!s3_check_place(place, error))
        return false;
    for (int attempt = 1;; attempt++) {
        end = read_once(s3, place, &reading, &call, &reply, error);
        end = judge(s3, place, &reading, end, &call, &reply, error);
        if (reading.progressed)
            attempt = 1; /* a service that sends little at a time is bounded by the run */
        if (end != S3_AGAIN)
            break;
        /* First for the deadline, which a pause is held to; then for what ended during the pause.
         */
        if (!renew(s3, error) || !s3_pause(s3, attempt, &reply) || !renew(s3, error))
            return false;
        arena_reset(&call);
    }
    return end == S3_GOOD;
}

/* ListBuckets, a page at a time. Its names are one level deeper in the XML than the items of all
 * other lists (s3_answer.h), so it is read here. */
#include "aws/s3_internal.h"

#include "base/buf.h"
#include "wire/xml.h"

enum {
    NAME_DEPTH = 4, /* ListAllMyBucketsResult, Buckets, Bucket, Name */
    TOKEN_DEPTH = 2,
    TOKEN_MAX = 1024, /* bytes, by S3's reference */
    BUCKETS_QUERY_MAX = 4 * 1024,
    BUCKETS_MAX = 10 * 1000, /* of one answer: not every service heeds max-buckets */
};

struct bucket_reading {
    struct arena *arena;
    struct str *names; /* BUCKETS_MAX */
    size_t count;
    bool has_too_many;
    struct str token; /* STR_NULL: none */
    bool is_list;
    struct buf text; /* of the open element */
    int depth;
};

static bool on_start(void *context, struct str name, const char **attributes)
{
    struct bucket_reading *reading = context;
    (void)attributes;
    if (++reading->depth == 1)
        reading->is_list = str_eq(name, STR("ListAllMyBucketsResult"));
    buf_clear(&reading->text);
    return true;
}

static bool on_text(void *context, struct str text)
{
    struct bucket_reading *reading = context;
    if (reading->depth == NAME_DEPTH || reading->depth == TOKEN_DEPTH)
        buf_add(&reading->text, text);
    return !reading->text.overflow;
}

/* Leaves out names that no request can have: buckets that were made in us-east-1 before March 2018
 * may have capitals, '_' and 255 characters in theirs. */
static bool take_name(struct bucket_reading *reading)
{
    struct str name = buf_str(&reading->text);
    if (!s3_bucket_is_valid(name))
        return true;
    reading->has_too_many = reading->count == BUCKETS_MAX;
    if (reading->has_too_many)
        return false;
    reading->names[reading->count++] = arena_copy(reading->arena, name);
    return true;
}

static bool on_end(void *context, struct str name)
{
    struct bucket_reading *reading = context;
    int depth = reading->depth--;
    if (depth == TOKEN_DEPTH && str_eq(name, STR("ContinuationToken")) && reading->text.len > 0)
        reading->token = arena_copy(reading->arena, buf_str(&reading->text));
    return depth != NAME_DEPTH || !str_eq(name, STR("Name")) || take_name(reading);
}

static bool read_buckets(struct str body, struct bucket_reading *reading)
{
    const struct xml_events events = {
        .start = on_start, .end = on_end, .text = on_text, .context = reading};
    struct xml_reader *reader = xml_reader_new(&events);
    bool good = xml_reader_push(reader, body) && xml_reader_end(reader);
    xml_reader_free(reader);
    return good && reading->is_list;
}

static struct str query_of(const struct s3 *s3, struct str token, struct arena *arena)
{
    struct buf out = buf_in(arena, BUCKETS_QUERY_MAX);
    s3_query_add(&out, "bucket-region", s3->region);
    if (token.data)
        s3_query_add(&out, "continuation-token", token);
    s3_query_add(&out, "max-buckets", arena_printf(arena, "%d", S3_PAGE_MAX));
    return buf_str(&out);
}

bool s3_buckets(const struct s3 *s3, struct str token, struct arena *arena,
                struct s3_buckets_page *ret_page, struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    struct s3_reply reply;
    struct bucket_reading reading = {
        .arena = arena,
        .names = arena_array(arena, struct str, BUCKETS_MAX),
        .text = buf_in(arena, TOKEN_MAX),
    };
    const struct s3_request request = {.method = "GET",
                                       .of_service = true,
                                       .query = query_of(s3, token, arena),
                                       .answer_max = S3_LIST_MAX};
    *ret_page = (struct s3_buckets_page){0};
    if (!s3_ask(s3, &request, &call, &reply, NULL, error))
        return false;
    if (!read_buckets(reply.http.body, &reading))
        return s3_fail_unusable(&request.place,
                                reading.has_too_many ? "it has more than 10,000 buckets"
                                                     : "it is no list of buckets",
                                error);
    if (reading.token.data && str_eq(reading.token, token))
        return s3_fail_unusable(&request.place, "the list continues, and does not say where",
                                error);
    *ret_page = (struct s3_buckets_page){reading.names, reading.count, reading.token};
    return true;
}

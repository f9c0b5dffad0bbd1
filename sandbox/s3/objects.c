/* GetObject, HeadObject, PutObject, DeleteObject. */
#include "sandbox/s3/exchange.h"

#include "base/fd.h"

#include <inttypes.h>
#include <stdio.h>

enum { DATE_SIZE = 40 };

/* --- conditions --- */

bool s3_may_create(struct s3_exchange *exchange)
{
    struct file_facts facts;
    struct str condition = s3_header(exchange, "If-None-Match");
    if (!condition.data)
        return true;
    if (!str_eq(condition, STR("*")))
        return s3_refuse(exchange, 501, "NotImplemented",
                         "A header you provided implies functionality that is not implemented");
    return !object_facts(exchange->files, exchange->bucket, exchange->key, exchange->arena,
                         &facts) ||
           s3_refuse(exchange, 412, "PreconditionFailed",
                     "At least one of the pre-conditions you specified did not hold");
}

static bool may_read(struct s3_exchange *exchange, const struct file_facts *facts)
{
    struct str wanted = s3_header(exchange, "If-Match");
    struct str known = s3_header(exchange, "If-None-Match");
    struct str etag = str_from(facts->etag);
    if (wanted.data && !str_eq(wanted, STR("*")) && !str_eq(s3_etag_bare(wanted), etag))
        return s3_refuse(exchange, 412, "PreconditionFailed",
                         "At least one of the pre-conditions you specified did not hold");
    if (known.data && str_eq(s3_etag_bare(known), etag)) {
        s3_add_etag(exchange, facts->etag);
        exchange->status = 304;
        return false;
    }
    return true;
}

/* --- reading --- */

struct span {
    uint64_t first, length;
    bool partial;
};

/* "A-B", "A-" or "-N"; anything else is ignored, as RFC 9110 14.2 allows. False: no byte is in
 * it. */
static bool read_span(struct str range, uint64_t size, struct span *ret_span)
{
    struct str first, last;
    unsigned long long from = 0, to = UINT64_MAX;
    *ret_span = (struct span){.length = size};
    if (!str_starts(range, STR("bytes=")) || str_contains(range, STR(",")) ||
        !str_cut((struct str){range.data + 6, range.len - 6}, '-', &first, &last))
        return true;
    if ((first.len > 0 && !str_to_u64(first, UINT64_MAX, &from)) ||
        (last.len > 0 && !str_to_u64(last, UINT64_MAX, &to)) || first.len + last.len == 0)
        return true;
    if (first.len == 0) {
        from = to < size ? size - to : 0;
        to = UINT64_MAX;
    }
    if (from >= size || to < from)
        return false;
    if (to >= size)
        to = size - 1;
    *ret_span = (struct span){.first = from, .length = to - from + 1, .partial = true};
    return true;
}

static void describe(struct s3_exchange *exchange, const struct file_facts *facts)
{
    char date[DATE_SIZE];
    struct tm utc;
    gmtime_r(&facts->changed.tv_sec, &utc);
    size_t len = strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    s3_add_etag(exchange, facts->etag);
    s3_add_header(exchange, "Content-Type", facts->type);
    s3_add_header(exchange, "Last-Modified", arena_copy(exchange->arena, (struct str){date, len}));
    s3_add_header(exchange, "Accept-Ranges", STR("bytes"));
}

/* Of whose answer the length alone is sent. */
static bool is_head(const struct s3_exchange *exchange)
{
    return str_eq(exchange->request->head->method, STR("HEAD"));
}

static bool read_bytes(const struct s3_exchange *exchange, const struct span *span,
                       struct str *ret_bytes)
{
    _cleanup_close_ int fd = object_open(exchange->files, exchange->bucket, exchange->key);
    char *bytes = arena_alloc(exchange->arena, span->length + 1);
    *ret_bytes = (struct str){bytes, span->length};
    return fd >= 0 && read_all(fd, span->first, bytes, span->length);
}

static void send_span(struct s3_exchange *exchange, const struct file_facts *facts,
                      const struct span *span)
{
    struct str bytes = {"", span->length};
    if (!is_head(exchange) && !read_bytes(exchange, span, &bytes)) {
        s3_refuse_no_key(exchange);
        return;
    }
    describe(exchange, facts);
    if (span->partial)
        s3_add_header(exchange, "Content-Range",
                      arena_printf(exchange->arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                                   span->first, span->first + span->length - 1, facts->size));
    exchange->status = span->partial ? 206 : 200;
    exchange->reply = bytes;
}

void s3_get_object(struct s3_exchange *exchange)
{
    struct file_facts facts;
    struct span span;
    struct str range = s3_header(exchange, "Range");
    if (!object_facts(exchange->files, exchange->bucket, exchange->key, exchange->arena, &facts))
        s3_refuse_no_key(exchange);
    else if (!may_read(exchange, &facts))
        return;
    else if (!read_span(range, facts.size, &span))
        s3_refuse(exchange, 416, "InvalidRange", "The requested range is not satisfiable");
    else if (span.length > S3_REPLY_MAX && !is_head(exchange))
        s3_refuse(exchange, 501, "NotImplemented",
                  "The sandbox sends at most 64 MiB at once: ask for ranges, as the AWS CLI does.");
    else
        send_span(exchange, &facts, &span);
}

/* --- writing --- */

void s3_put_object(struct s3_exchange *exchange)
{
    char etag[S3_ETAG_SIZE];
    struct str type = s3_header(exchange, "Content-Type");
    if (!s3_may_create(exchange))
        return;
    _cleanup_(draft_done) struct draft draft = {.fd = -1};
    if (!s3_etag(exchange->body, etag) ||
        !draft_begin(exchange->files, exchange->bucket, exchange->key, &draft) ||
        !draft_write(&draft, exchange->body) ||
        !draft_finish(&draft, etag, type.data ? type : STR("binary/octet-stream"))) {
        s3_refuse_disk(exchange);
        return;
    }
    s3_add_etag(exchange, etag);
    exchange->status = 200;
}

void s3_delete_object(struct s3_exchange *exchange)
{
    if (!object_remove(exchange->files, exchange->bucket, exchange->key))
        s3_refuse_disk(exchange);
    else
        exchange->status = 204;
}

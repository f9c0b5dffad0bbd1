/* Uploads in parts. */
#include "aws/s3_internal.h"

#include "base/buf.h"
#include "wire/errors.h"
#include "wire/s3_etag.h"

enum { COMPLETE_MAX = 2 * 1024 * 1024, QUERY_MAX = CLIENT_URL_MAX };

static struct str upload_query(const struct s3_upload *upload, const char *more, int number,
                               struct arena *arena)
{
    struct buf out = buf_in(arena, QUERY_MAX);
    if (more)
        s3_query_add(&out, more, arena_printf(arena, "%d", number));
    s3_query_add(&out, "uploadId", upload->id);
    return buf_str(&out);
}

/* XML 1.0 has no such characters, not even escaped, and S3 names the key in its answer: the
 * upload's id could not be read, and the upload would stay. */
static bool is_in_xml(struct str key)
{
    for (size_t i = 0; i < key.len; i++) {
        unsigned char byte = (unsigned char)key.data[i];
        if (byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r')
            return false;
    }
    return true;
}

bool s3_upload_begin(const struct s3 *s3, const struct s3_place *place, struct str content_type,
                     struct arena *arena, struct str *ret_id, struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    const struct http_header type = {
        STR("Content-Type"), content_type.len > 0 ? content_type : STR("application/octet-stream")};
    const struct s3_request request = {.method = "POST",
                                       .place = *place,
                                       .query = STR("uploads"),
                                       .headers = &type,
                                       .header_count = 1};
    struct s3_reply reply;
    if (!s3_check_place(place, error))
        return false;
    if (!is_in_xml(place->key))
        return fail(error, ERR_VALIDATION,
                    "The key of an upload to the bucket %.*s has a control character.",
                    STR_ARG(place->bucket));
    if (!s3_ask(s3, &request, &call, &reply, NULL, error))
        return false;
    if (reply.xml.upload_id.len == 0 || reply.xml.upload_id.len > S3_UPLOAD_ID_MAX)
        return s3_fail_unusable(place, "the upload has no id", error);
    *ret_id = arena_copy(arena, reply.xml.upload_id);
    return true;
}

bool s3_upload_part(const struct s3 *s3, const struct s3_upload *upload, int number,
                    struct str body, struct arena *arena, struct str *ret_etag, struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    const struct s3_request request = {.method = "PUT",
                                       .place = upload->place,
                                       .query = upload_query(upload, "partNumber", number, arena),
                                       .body = body};
    struct s3_reply reply;
    if (!s3_ask(s3, &request, &call, &reply, NULL, error))
        return false;
    const struct str *etag = client_header(&reply.http, STR("ETag"));
    if (!etag || etag->len == 0)
        return s3_fail_unusable(&upload->place, "the part has no ETag", error);
    *ret_etag = arena_copy(arena, s3_etag_bare(*etag));
    return true;
}

/* --- completing --- */

static struct str complete_body(const struct s3_part *parts, size_t count, struct arena *arena)
{
    struct buf out = buf_in(arena, COMPLETE_MAX);
    buf_add_cstr(&out,
                 "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "<Part><PartNumber>%d</PartNumber><ETag>\"%.*s\"</ETag></Part>",
                   parts[i].number, STR_ARG(parts[i].etag));
    buf_add_cstr(&out, "</CompleteMultipartUpload>");
    return out.overflow ? STR_NULL : buf_str(&out);
}

static bool are_plain(const struct s3_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!s3_etag_is_plain(parts[i].etag))
            return false;
    }
    return count > 0 && count <= S3_PARTS_MAX;
}

/* The ETag that S3 gives an object of these parts; STR_NULL: they do not tell. */
static struct str etag_of(const struct s3_part *parts, size_t count, struct arena *arena)
{
    char text[S3_ETAG_SIZE];
    struct str *etags = arena_array(arena, struct str, count + 1);
    for (size_t i = 0; i < count; i++)
        etags[i] = parts[i].etag;
    return s3_etag_of_parts(etags, count, text) ? arena_copy(arena, str_from(text)) : STR_NULL;
}

/* An object that AWS KMS encrypts has an ETag that nothing else tells, but for the number of its
 * parts. */
static bool is_of_parts(const struct s3_facts *facts, const struct s3_part *parts, size_t count,
                        struct arena *arena)
{
    uint64_t size = 0;
    struct str expected = etag_of(parts, count, arena);
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    if (facts->size != size)
        return false;
    if (expected.data && !facts->is_kms)
        return str_eq(facts->etag, expected);
    return str_ends(facts->etag, arena_printf(arena, "-%zu", count));
}

/* The upload is not there, or an object is: perhaps this very one, completed before. The error is
 * set as s3_look does. */
static bool was_completed(const struct s3 *s3, const struct s3_upload *upload,
                          const struct s3_part *parts, size_t count, struct arena *arena,
                          struct str *ret_etag, struct error *error)
{
    struct s3_facts facts;
    if (!s3_look(s3, &upload->place, arena, &facts, error) ||
        !is_of_parts(&facts, parts, count, arena))
        return false;
    *ret_etag = facts.etag;
    return true;
}

/* After S3 refused with this code. An upload whose object is there without it would stay, and cost
 * money, so it is aborted, unless this server may not do that. */
static bool settle_completed(const struct s3 *s3, const struct s3_upload *upload,
                             const struct s3_part *parts, size_t count, struct str code,
                             struct arena *arena, struct str *ret_etag, struct error *error)
{
    bool is_left = str_eq(code, STR("PreconditionFailed"));
    struct error refused;
    if ((!is_left && !str_eq(code, STR("NoSuchUpload"))) ||
        !was_completed(s3, upload, parts, count, arena, ret_etag, error))
        return false;
    return !is_left || s3_upload_abort(s3, upload, arena, &refused) ||
           refused.code == ERR_ACCESS_DENIED || fail(error, refused.code, "%s", refused.message);
}

bool s3_upload_complete(const struct s3 *s3, const struct s3_upload *upload,
                        const struct s3_part *parts, size_t count, bool if_absent,
                        struct arena *arena, struct str *ret_etag, struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    _cleanup_(arena_done) struct arena texts = arena_beside(arena);
    const struct http_header headers[] = {{STR("Content-Type"), STR("application/xml")},
                                          {STR("If-None-Match"), STR("*")}};
    const struct s3_request request = {.method = "POST",
                                       .place = upload->place,
                                       .query = upload_query(upload, NULL, 0, &texts),
                                       .body = complete_body(parts, count, &texts),
                                       .headers = headers,
                                       .header_count = if_absent ? 2 : 1};
    struct s3_reply reply;
    struct str etag = STR("");
    if (!are_plain(parts, count) || !request.body.data)
        return fail(error, ERR_VALIDATION,
                    "An upload to S3 is completed with 1 to %d parts that have their ETags.",
                    S3_PARTS_MAX);
    if (s3_ask(s3, &request, &call, &reply, NULL, error)) {
        if (!str_starts(reply.xml.root, STR("CompleteMultipartUpload")) || reply.xml.etag.len == 0)
            return s3_fail_unusable(&upload->place, "it does not say that it completed", error);
        etag = arena_copy(arena, s3_etag_bare(reply.xml.etag));
    } else if (!settle_completed(s3, upload, parts, count, reply.code, arena, &etag, error)) {
        return false;
    }
    if (ret_etag)
        *ret_etag = etag;
    return true;
}

bool s3_upload_abort(const struct s3 *s3, const struct s3_upload *upload, struct arena *arena,
                     struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    const struct s3_request request = {
        .method = "DELETE", .place = upload->place, .query = upload_query(upload, NULL, 0, arena)};
    struct s3_reply reply;
    return s3_ask(s3, &request, &call, &reply, NULL, error) ||
           str_eq(reply.code, STR("NoSuchUpload"));
}

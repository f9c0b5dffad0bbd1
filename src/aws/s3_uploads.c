/* What was begun and not ended: uploads of a bucket, parts of an upload. */
#include "aws/s3_internal.h"

#include "base/buf.h"
#include "wire/s3_etag.h"

enum { QUERY_MAX = CLIENT_URL_MAX };

/* Asks for a list and reads it into the arena. The document's element begins with the operation's
 * name: servers differ in what follows, "Result" or "Output". */
static bool ask_list(const struct s3 *s3, const struct s3_place *place, struct str query,
                     const char *operation, struct arena *arena, struct s3_answer *ret_answer,
                     struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    const struct s3_request request = {
        .method = "GET", .place = *place, .query = query, .answer_max = S3_LIST_MAX};
    struct s3_reply reply;
    if (!s3_ask(s3, &request, &call, &reply, NULL, error))
        return false;
    if (!s3_answer_read(reply.http.body, arena, ret_answer) ||
        !str_starts(ret_answer->root, str_from(operation)))
        return s3_fail_unusable(place, "it is not the list that was asked for", error);
    return true;
}

/* --- uploads --- */

static bool read_uploads(const struct s3_uploads_query *query, const struct s3_answer *answer,
                         struct arena *arena, struct s3_uploads_page *ret_page)
{
    struct s3_upload *uploads = arena_array(arena, struct s3_upload, answer->count + 1);
    for (const struct s3_element *each = answer->elements; each; each = each->next) {
        struct s3_upload *upload = &uploads[ret_page->count];
        if (!str_eq(each->name, STR("Upload")))
            continue;
        upload->place.bucket = query->bucket;
        upload->id = each->upload_id;
        if (upload->id.len == 0 || upload->id.len > S3_UPLOAD_ID_MAX ||
            !s3_read_key(each->key, answer->encoding, arena, &upload->place.key))
            return false;
        ret_page->count++;
    }
    ret_page->uploads = uploads;
    return true;
}

static bool read_next(const struct s3_uploads_query *query, const struct s3_answer *answer,
                      struct arena *arena, struct s3_uploads_page *ret_page)
{
    if (!str_eq(answer->truncated, STR("true")))
        return true;
    ret_page->next_id = answer->next_upload.data ? answer->next_upload : STR("");
    return s3_read_key(answer->next_key, answer->encoding, arena, &ret_page->next_key) &&
           !(str_eq(ret_page->next_key, query->after_key) &&
             str_eq(ret_page->next_id, query->after_id));
}

bool s3_uploads(const struct s3 *s3, const struct s3_uploads_query *query, struct arena *arena,
                struct s3_uploads_page *ret_page, struct error *error)
{
    const struct s3_place place = {.bucket = query->bucket};
    struct s3_answer answer;
    struct buf text = buf_in(arena, QUERY_MAX);
    buf_add_cstr(&text, "uploads&encoding-type=url");
    if (query->prefix.len > 0)
        s3_query_add(&text, "prefix", query->prefix);
    if (query->after_key.data)
        s3_query_add(&text, "key-marker", query->after_key);
    if (query->after_id.len > 0)
        s3_query_add(&text, "upload-id-marker", query->after_id);
    *ret_page = (struct s3_uploads_page){0};
    if (!ask_list(s3, &place, buf_str(&text), "ListMultipartUploads", arena, &answer, error))
        return false;
    if (!read_uploads(query, &answer, arena, ret_page))
        return s3_fail_unusable(&place, "an upload of the list has no key or no id", error);
    return read_next(query, &answer, arena, ret_page) ||
           s3_fail_unusable(&place, "the list continues, and does not say where", error);
}

/* --- parts --- */

static bool read_number(struct str text, int *ret_number)
{
    unsigned long long number;
    if (!str_to_u64(text, S3_PARTS_MAX, &number))
        return false;
    *ret_number = (int)number;
    return true;
}

static bool read_parts(const struct s3_answer *answer, int after, struct arena *arena,
                       struct s3_parts_page *ret_page)
{
    struct s3_part *parts = arena_array(arena, struct s3_part, answer->count + 1);
    int last = after;
    for (const struct s3_element *each = answer->elements; each; each = each->next) {
        struct s3_part *part = &parts[ret_page->count];
        if (!str_eq(each->name, STR("Part")))
            continue;
        part->etag = s3_etag_bare(each->etag);
        if (!read_number(each->number, &part->number) || part->number <= last ||
            part->etag.len == 0 || !s3_read_size(each->size, &part->size))
            return false;
        last = part->number;
        ret_page->count++;
    }
    ret_page->parts = parts;
    return true;
}

bool s3_parts(const struct s3 *s3, const struct s3_upload *upload, int after, struct arena *arena,
              struct s3_parts_page *ret_page, struct error *error)
{
    struct s3_answer answer;
    struct buf text = buf_in(arena, QUERY_MAX);
    s3_query_add(&text, "uploadId", upload->id);
    if (after > 0)
        s3_query_add(&text, "part-number-marker", arena_printf(arena, "%d", after));
    *ret_page = (struct s3_parts_page){0};
    if (!ask_list(s3, &upload->place, buf_str(&text), "ListParts", arena, &answer, error))
        return false;
    if (!read_parts(&answer, after, arena, ret_page))
        return s3_fail_unusable(&upload->place, "a part of the list is incomplete", error);
    if (!str_eq(answer.truncated, STR("true")))
        return true;
    return (read_number(answer.next_number, &ret_page->next_after) &&
            ret_page->next_after > after) ||
           s3_fail_unusable(&upload->place, "the list continues, and does not say where", error);
}

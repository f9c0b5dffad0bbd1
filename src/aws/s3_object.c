/* Single objects: what is known of one, putting it, deleting it. */
#include "aws/s3_internal.h"

#include "wire/errors.h"
#include "wire/s3_etag.h"

struct s3_facts s3_facts_of(const struct client_response *response, struct arena *arena)
{
    const struct str *size = client_header(response, STR("Content-Length"));
    const struct str *etag = client_header(response, STR("ETag"));
    const struct str *type = client_header(response, STR("Content-Type"));
    const struct str *encryption = client_header(response, STR("x-amz-server-side-encryption"));
    struct s3_facts facts = {
        .etag = arena_copy(arena, etag ? s3_etag_bare(*etag) : STR("")),
        .content_type = arena_copy(arena, type ? *type : STR("")),
        .is_kms = encryption && str_starts(*encryption, STR("aws:kms")),
    };
    if (!size || !s3_read_size(*size, &facts.size))
        facts.size = 0;
    return facts;
}

bool s3_head(const struct s3 *s3, const struct s3_place *place, struct arena *arena,
             struct s3_facts *ret_facts, struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    const struct s3_request request = {.method = "HEAD", .place = *place};
    struct s3_reply reply;
    if (!s3_ask(s3, &request, &call, &reply, NULL, error))
        return false;
    if (!client_header(&reply.http, STR("Content-Length")))
        return s3_fail_unusable(place, "it names no size", error);
    *ret_facts = s3_facts_of(&reply.http, arena);
    return true;
}

bool s3_look(const struct s3 *s3, const struct s3_place *place, struct arena *arena,
             struct s3_facts *ret_facts, struct error *error)
{
    struct error refused;
    if (s3_head(s3, place, arena, ret_facts, &refused))
        return true;
    if (refused.code != ERR_NOT_FOUND)
        fail(error, refused.code, "%s", refused.message);
    return false;
}

/* Whether the object is what an attempt without an answer would have made of the body. The error is
 * set as s3_look does. */
static bool was_put(const struct s3 *s3, const struct s3_place *place, struct str body,
                    struct arena *arena, struct str *ret_etag, struct error *error)
{
    char etag[S3_ETAG_SIZE];
    struct s3_facts facts = {0};
    if (!s3_etag(body, etag) || !s3_look(s3, place, arena, &facts, error) ||
        facts.size != body.len || (!facts.is_kms && !str_eq(facts.etag, str_from(etag))))
        return false;
    *ret_etag = facts.etag;
    return true;
}

static bool take_etag(const struct s3_reply *reply, const struct s3_place *place,
                      struct arena *arena, struct str *ret_etag, struct error *error)
{
    const struct str *etag = client_header(&reply->http, STR("ETag"));
    if (!etag || etag->len == 0)
        return s3_fail_unusable(place, "it has no ETag", error);
    *ret_etag = arena_copy(arena, s3_etag_bare(*etag));
    return true;
}

bool s3_put(const struct s3 *s3, const struct s3_place *place, const struct s3_content *content,
            struct arena *arena, struct str *ret_etag, struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    const struct http_header headers[] = {
        {STR("Content-Type"),
         content->type.len > 0 ? content->type : STR("application/octet-stream")},
        {STR("If-None-Match"), STR("*")},
    };
    const struct s3_request request = {.method = "PUT",
                                       .place = *place,
                                       .body = content->body,
                                       .headers = headers,
                                       .header_count = content->if_absent ? 2 : 1};
    struct s3_reply reply;
    struct str etag;
    bool repeated;
    bool good = s3_ask(s3, &request, &call, &reply, &repeated, error)
                    ? take_etag(&reply, place, arena, &etag, error)
                    : repeated && str_eq(reply.code, STR("PreconditionFailed")) &&
                          was_put(s3, place, content->body, arena, &etag, error);
    if (good && ret_etag)
        *ret_etag = etag;
    return good;
}

bool s3_delete(const struct s3 *s3, const struct s3_place *place, struct arena *arena,
               struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    const struct s3_request request = {.method = "DELETE", .place = *place};
    struct s3_reply reply;
    return s3_ask(s3, &request, &call, &reply, NULL, error) || str_eq(reply.code, STR("NoSuchKey"));
}

/* S3's errors as verdicts, and a loop over pages with an end. */
#include "connectors/s3/pages.h"

#include "base/buf.h"
#include "connector/http/entity_source.h"
#include "wire/errors.h"

enum {
    PAGES_MAX = 100,      /* of 1,000 keys or buckets, for one answer */
    TOKEN_MAX = 4 * 1024, /* bytes of what names the next page */
};

/* --- errors --- */

bool s3_fail_verdict(struct vendor_connection *connection, const struct error *error)
{
    static const struct {
        int code;
        enum verdict_kind kind;
        const char *hint;
    } rows[] = {
        {ERR_ACCESS_DENIED, VERDICT_FORBIDDEN,
         "A list of buckets needs s3:ListAllMyBuckets, one of a bucket s3:ListBucket, and a "
         "description s3:GetObject as well."},
        {ERR_VALIDATION, VERDICT_ABSENT, NULL},
        {ERR_NOT_FOUND, VERDICT_ABSENT, "It was deleted a moment ago. Try again."},
        {ERR_CONFLICT, VERDICT_BUSY, "It was replaced a moment ago. Try again."},
        {ERR_THROTTLING, VERDICT_THROTTLED, "Try again later."},
        {ERR_CONNECTOR_SERVER, VERDICT_UNREACHABLE, "Try again later."},
        {ERR_UNAVAILABLE, VERDICT_INTERNAL, "Try again."},
    };
    struct str message = str_from(error->message);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rows[i].code == error->code)
            return vendor_fail(connection, rows[i].kind,
                               rows[i].kind == VERDICT_ABSENT ? STEP_NONE : STEP_API, message,
                               rows[i].hint);
    }
    return vendor_fail(connection, VERDICT_INTERNAL, STEP_API, message, NULL);
}

/* --- the place that a name stands for --- */

struct s3_query s3_place_of(struct str name)
{
    struct s3_query query = {.bucket = name, .prefix = STR(""), .delimiter = STR("")};
    (void)str_cut(name, '/', &query.bucket, &query.prefix);
    return query;
}

bool s3_open(struct vendor_connection *connection, struct s3_session *session)
{
    const struct vendor_connection_config *config = vendor_config(connection);
    const struct connector_env *env = config->target->env;
    struct error error = {0};
    return s3_session_open(env->s3, env->s3_roles, config->target->account, config->region,
                           config->deadline_ms, config->arena, session, &error) ||
           s3_fail_verdict(connection, &error);
}

/* --- pages --- */

/* Only the token outlives a page. */
bool s3_paging_run(struct s3_paging *paging)
{
    struct arena *arena = vendor_config(paging->connection)->arena;
    struct buf token = buf_in(arena, TOKEN_MAX);
    struct arena page = arena_beside(arena);
    bool read = true, more = true;
    for (int count = 0; count < PAGES_MAX && read && more; count++) {
        struct str next = STR_NULL;
        arena_reset(&page);
        read = paging->read(paging, token.len > 0 ? buf_str(&token) : STR_NULL, &page, &next);
        more = next.len > 0;
        buf_clear(&token);
        buf_add(&token, next);
    }
    arena_done(&page);
    return read && (!more || entity_too_many(paging->connection, "pages of keys", false));
}

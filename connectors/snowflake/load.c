/* Loading staged objects: COPY INTO names each of them, by its path in the profile's stage, and
 * takes all of them or none (docs.snowflake.com, "COPY INTO <table>"). Snowflake keeps in the
 * table's metadata for 64 days which objects it has loaded, and skips these, so the statement can
 * be sent again when its answer was lost; the request's id, which follows from the run, brings the
 * answer of a statement that is still at work. It is one step: what runs for long is asked for
 * again over the same session, since Snowflake ends a session's statements with it. */
#include "connectors/snowflake/load.h"

#include "base/buf.h"
#include "base/encode.h"
#include "connector/http/connection.h"
#include "connector/http/entity_source.h"
#include "connectors/snowflake/entities.h"
#include "connectors/snowflake/names.h"
#include "wire/json_pointer.h"

#include <string.h>

enum {
    STAGE_PROPERTY = 1, /* of DESC STAGE: parent_property, property, type, value, default */
    STAGE_VALUE = 3,
    COPY_FILE = 0, /* of COPY INTO: file, status, rows_parsed, …, first_error, first_error_line */
    COPY_STATUS = 1,
    COPY_ERROR = 6,
    COPY_ERROR_LINE = 7,
    BODY_MAX = 4 * 1024 * 1024, /* bytes: 1,000 keys as SQL in JSON */
    RUNNING_PAUSE_MS = 1000,
    RUN_ID_LEN = 36, /* a UUID's text */
    UUID_FIRST = 8,  /* digits of its first group */
};

/* --- the stage --- */

struct stage_url {
    struct arena *arena;
    struct str bucket, prefix; /* of bucket: STR_NULL: not told */
};

/* ["s3://BUCKET/PREFIX/"]; there are other names of S3, such as s3gov. */
static void read_url(struct stage_url *stage, struct str text)
{
    struct str scheme, rest, bucket, prefix = STR("");
    if (!str_starts(text, STR("[\"s3")) || !str_ends(text, STR("\"]")))
        return;
    text = (struct str){text.data + 2, text.len - 4};
    if (!str_cut(text, ':', &scheme, &rest) || !str_starts(rest, STR("//")))
        return;
    rest = (struct str){rest.data + 2, rest.len - 2};
    bucket = rest;
    str_cut(rest, '/', &bucket, &prefix);
    stage->bucket = arena_copy(stage->arena, bucket);
    stage->prefix = arena_copy(stage->arena, prefix);
}

/* As the stage says, or else the profile. */
static bool find_stage(struct vendor_connection *connection, struct stage_url *stage)
{
    static const struct connector_call describe = SNOWFLAKE_QUERY("DESC STAGE {stage}", "/success");
    struct arena *arena = vendor_config(connection)->arena;
    const struct value *properties = vendor_config(connection)->target->properties;
    struct vendor_response response = {0};
    *stage = (struct stage_url){.arena = arena};
    if (!vendor_call(connection, &describe, &response))
        return false;
    const struct value *rows = pointer_find(response.json, "/data/rowset");
    for (size_t i = 0; rows && rows->kind == VALUE_LIST && i < rows->count; i++) {
        if (str_eq(snowflake_cell(rows->items[i], STAGE_PROPERTY), STR("URL")))
            read_url(stage, snowflake_cell(rows->items[i], STAGE_VALUE));
    }
    if (stage->bucket.data)
        return true;
    struct str prefix = value_text(properties, "bucketPrefix");
    stage->bucket = value_text(properties, "bucketName");
    stage->prefix = prefix.len > 0 ? arena_printf(arena, "%.*s/", STR_ARG(prefix)) : STR("");
    return true;
}

/* An object's path in the stage. */
static bool take_path(struct vendor_connection *connection, const struct stage_url *stage,
                      const struct load_query *query, struct str key, struct str *ret_path)
{
    size_t cut = stage->prefix.len;
    if (str_eq(stage->bucket, query->bucket) && str_starts(key, stage->prefix)) {
        *ret_path = (struct str){key.data + cut, key.len - cut};
        return true;
    }
    return vendor_fail(
        connection, VERDICT_MISCONFIGURED, STEP_API,
        arena_printf(vendor_config(connection)->arena,
                     "the stage is over s3://%.*s/%.*s, and the flow stages its records in "
                     "s3://%.*s/%.*s",
                     STR_ARG(stage->bucket), STR_ARG(stage->prefix), STR_ARG(query->bucket),
                     STR_ARG(key)),
        "Let the flow's intermediateBucketName and bucketPrefix lie within the stage.");
}

/* --- the statement --- */

static bool make_copy(struct vendor_connection *connection, const struct load_query *query,
                      struct str *ret_sql)
{
    struct arena *arena = vendor_config(connection)->arena;
    struct str stage_name = value_text(vendor_config(connection)->target->properties, "stage");
    struct buf sql = buf_in(arena, BODY_MAX);
    struct stage_url stage;
    struct str path = STR_NULL;
    if (!snowflake_is_path(query->table, 3))
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE,
                           STR("the flow's object is no DATABASE.SCHEMA.TABLE"), NULL);
    if (!find_stage(connection, &stage))
        return false;
    buf_printf(&sql, "COPY INTO %.*s FROM @%.*s/ FILES = (", STR_ARG(query->table),
               STR_ARG(stage_name));
    for (size_t i = 0; i < query->count; i++) {
        if (!take_path(connection, &stage, query, query->keys[i], &path))
            return false;
        buf_add_cstr(&sql, i > 0 ? ", " : "");
        buf_add(&sql, snowflake_literal(arena, path));
    }
    buf_add_cstr(&sql, ") FILE_FORMAT = (TYPE = JSON) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE "
                       "ON_ERROR = ABORT_STATEMENT");
    *ret_sql = buf_str(&sql);
    return true;
}

static struct str body_of(struct arena *arena, struct str sql)
{
    struct buf body = buf_in(arena, 2 * BODY_MAX);
    buf_add_cstr(&body, "{\"sqlText\":");
    encode_json_string(&body, sql);
    buf_add_cstr(&body, ",\"asyncExec\":false,\"sequenceId\":1}");
    return buf_str(&body);
}

/* A UUID of this load: the run's, whose first digits are the part's number. */
static struct str target_of(struct arena *arena, const struct load_query *query)
{
    struct str rest = {query->run.data + UUID_FIRST, query->run.len - UUID_FIRST};
    return arena_printf(arena, "/queries/v1/query-request?requestId=%08x%.*s",
                        (unsigned)query->part, STR_ARG(rest));
}

/* --- its end --- */

static const struct connector_call begin = {
    .method = "POST",
    .path = "/queries/v1/query-request",
    .content_type = "application/json",
    .needs = "/success",
};

static const struct connector_call result = {
    .method = "GET",
    .path = "/queries/{entity.statement}/result",
    .needs = "/success",
};

/* STR_NULL: it has ended, or it is not known. */
static struct str running_id(struct arena *arena, const struct vendor_response *response)
{
    struct str code = response->json ? pointer_text(arena, response->json, "/code") : STR_NULL;
    bool is_running = str_eq(code, STR("333333")) || str_eq(code, STR("333334"));
    return is_running ? arena_copy(arena, pointer_text(arena, response->json, "/data/queryId"))
                      : STR_NULL;
}

static bool run_statement(struct vendor_connection *connection, const struct load_query *query,
                          struct str sql, struct vendor_response *response)
{
    struct arena *arena = vendor_config(connection)->arena;
    bool taken, ok = vendor_call_write(connection, &begin, target_of(arena, query),
                                       body_of(arena, sql), true, response, &taken);
    struct str id = running_id(arena, response);
    while (id.len > 0) {
        if (!vendor_may_go_on(connection))
            return false;
        if (!vendor_has_time(connection, RUNNING_PAUSE_MS))
            return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                               STR("the load has not ended within the time limit"), NULL);
        vendor_pause(connection, RUNNING_PAUSE_MS);
        entity_statement_set(connection, id);
        *response = (struct vendor_response){0};
        ok = vendor_call(connection, &result, response);
        id = running_id(arena, response);
    }
    return ok;
}

/* What COPY says of each object. A table that has them all answers with one sentence. */
static bool check_objects(struct vendor_connection *connection,
                          const struct vendor_response *response)
{
    const struct value *rows = pointer_find(response->json, "/data/rowset");
    for (size_t i = 0; rows && rows->kind == VALUE_LIST && i < rows->count; i++) {
        const struct value *row = rows->items[i];
        struct str status = snowflake_cell(row, COPY_STATUS);
        if (!status.data || str_eq(status, STR("LOADED")) || str_eq(status, STR("LOAD_SKIPPED")))
            continue;
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_API,
                           arena_printf(vendor_config(connection)->arena,
                                        "%.*s: %.*s (%.*s, line %.*s)", STR_ARG(status),
                                        STR_ARG(snowflake_cell(row, COPY_ERROR)),
                                        STR_ARG(snowflake_cell(row, COPY_FILE)),
                                        STR_ARG(snowflake_cell(row, COPY_ERROR_LINE))),
                           NULL);
    }
    return vendor_accept(connection, STEP_API);
}

static bool use_warehouse(struct vendor_connection *connection)
{
    static const struct connector_call use =
        SNOWFLAKE_QUERY("USE WAREHOUSE {derived.warehouse}", "/success");
    struct vendor_response response = {0};
    return vendor_call(connection, &use, &response);
}

bool snowflake_load(struct vendor_connection *connection, const struct load_query *query,
                    struct str state, struct load_step *step)
{
    struct vendor_response response = {0};
    struct str sql = STR_NULL;
    (void)state;
    step->state = STR_NULL;
    if (query->run.len != RUN_ID_LEN)
        return vendor_fail(connection, VERDICT_INTERNAL, STEP_NONE, STR("the run's id is no UUID"),
                           NULL);
    if (!use_warehouse(connection) || !make_copy(connection, query, &sql))
        return false;
    if (run_statement(connection, query, sql, &response) && check_objects(connection, &response))
        return true;
    bool is_unreachable = vendor_verdict(connection).kind == VERDICT_UNREACHABLE;
    step->known = is_unreachable ? LOAD_UNKNOWN : LOAD_NOT_MADE;
    return false;
}

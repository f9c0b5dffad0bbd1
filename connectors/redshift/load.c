/* Loading staged objects: one COPY with a manifest, which is a transaction of its own, so that all
 * objects are loaded or none (Amazon Redshift's Database Developer Guide, "COPY" and "Using a
 * manifest to specify data files").
 *
 * By the Data API the statement is sent with a client token that follows from the run, so a second
 * call for it starts nothing; the load continues from its id:
 *
 *     (nothing) ── ExecuteStatement ──▶ "ID POLLS" ── DescribeStatement … ──▶ loaded
 *
 * By the database's own protocol the answer to COPY may be lost with the connection, and a COPY
 * that is sent again would load everything twice. So the load is noted before it is sent, and one
 * whose end is not known is looked for in SYS_LOAD_HISTORY:
 *
 *     (nothing) ──▶ "copy" ── COPY ──▶ loaded
 *                     ▲ └── again ──▶ "look N" ── running, or not there yet … ─┐
 *                     └──────────── never begun ◀──────────────────────────────┘ */
#include "redshift.h"

#include "connector/loading.h"

#include <string.h>

enum {
    COPY_MAX = 8 * 1024,   /* bytes of the statement */
    POLLS_MAX = 24 * 3600, /* of a statement, the most frequent looks; a run has ended by then */
    POLL_PAUSE_MS = 500,   /* behind the first look; then doubled up to the next */
    POLL_PAUSE_MAX_MS = 15 * 1000,
    LOOKS_MAX = 10, /* for a COPY that the history does not have: it is written with a delay */
    LOOK_PAUSE_MS = 3 * 1000,
};

/* --- the statement --- */

/* Letters, digits and '_', none of them a capital: as the database stores a name without quotes. */
static bool is_folded(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!ascii_is_lower(name.data[i]) && !ascii_is_digit(name.data[i]) && name.data[i] != '_')
            return false;
    }
    return true;
}

static bool has_capitals_alone(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!ascii_is_alnum(name.data[i]) && name.data[i] != '_')
            return false;
    }
    return !is_folded(name) && !ascii_is_digit(name.data[0]);
}

/* In quotes, so that it is no keyword. A plain name with capitals is left without: it is folded, as
 * a person who writes it so expects. */
static void add_identifier(struct buf *sql, struct str name)
{
    if (has_capitals_alone(name)) {
        buf_add(sql, name);
        return;
    }
    buf_add_char(sql, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '"')
            buf_add_char(sql, '"');
        buf_add_char(sql, name.data[i]);
    }
    buf_add_char(sql, '"');
}

static void add_literal(struct buf *sql, struct str text)
{
    buf_add_char(sql, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\'')
            buf_add_char(sql, '\'');
        buf_add_char(sql, text.data[i]);
    }
    buf_add_char(sql, '\'');
}

/* Redshift reads backslashes in literals. */
static bool is_fit(struct str text)
{
    return !memchr(text.data, '\\', text.len) && !memchr(text.data, '\0', text.len);
}

static bool split_table(struct str table, struct str *ret_schema, struct str *ret_name)
{
    *ret_schema = STR("public");
    *ret_name = table;
    str_cut(table, '.', ret_schema, ret_name);
    return ret_schema->len > 0 && ret_name->len > 0 && !str_contains(*ret_name, STR(".")) &&
           is_fit(table);
}

static bool make_copy(struct vendor_connection *connection, const struct load_query *query,
                      struct str *ret_sql)
{
    const struct vendor_connection_config *config = vendor_config(connection);
    struct str role = value_text(config->target->properties, "roleArn"), schema, name;
    struct buf sql = buf_in(config->arena, COPY_MAX);
    struct str url = arena_printf(config->arena, "s3://%.*s/%.*s", STR_ARG(query->bucket),
                                  STR_ARG(query->manifest));
    if (!split_table(query->table, &schema, &name))
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE,
                           STR("records can be loaded into SCHEMA.TABLE, whose names have neither "
                               "a dot nor a backslash"),
                           "Give the flow's object so.");
    if (role.len == 0)
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE,
                           STR("the profile has no roleArn, which the cluster reads the staged "
                               "objects with"),
                           NULL);
    buf_add_cstr(&sql, "COPY ");
    add_identifier(&sql, schema);
    buf_add_char(&sql, '.');
    add_identifier(&sql, name);
    buf_add_cstr(&sql, " FROM ");
    add_literal(&sql, url);
    buf_add_cstr(&sql, " IAM_ROLE ");
    add_literal(&sql, role);
    buf_add_cstr(&sql, " REGION ");
    add_literal(&sql, config->region);
    buf_add_cstr(&sql, " MANIFEST FORMAT AS JSON 'auto ignorecase' TIMEFORMAT 'auto' "
                       "DATEFORMAT 'auto'");
    *ret_sql = buf_str(&sql);
    return (!sql.overflow && is_fit(url) && is_fit(config->region)) ||
           vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE,
                       STR("the bucket's prefix cannot be written in a COPY statement"),
                       "Give bucketPrefix without backslashes.");
}

/* --- what went wrong --- */

enum detail { DETAIL_FILE, DETAIL_LINE, DETAIL_COLUMN, DETAIL_MESSAGE, DETAILS };

struct first_error {
    struct arena *arena;
    struct str text;
};

static bool take_error(void *context, const struct str *cells)
{
    struct first_error *first = context;
    first->text =
        arena_printf(first->arena, "line %.*s of %.*s%s%.*s: %.*s", STR_ARG(cells[DETAIL_LINE]),
                     STR_ARG(cells[DETAIL_FILE]), cells[DETAIL_COLUMN].len > 0 ? ", column " : "",
                     STR_ARG(cells[DETAIL_COLUMN]), STR_ARG(cells[DETAIL_MESSAGE]));
    return false;
}

/* The first record that the database could not load, where it says so; the verdict is that of the
 * statement. SYS_LOAD_ERROR_DETAIL shows users their own loads. */
static bool explain(struct vendor_connection *connection, const struct load_query *query)
{
    struct arena *arena = vendor_config(connection)->arena;
    struct verdict verdict = vendor_verdict(connection);
    struct first_error first = {.arena = arena};
    struct sql_rows rows = {
        .sql = arena_printf(arena,
                            "SELECT TRIM(file_name), CAST(line_number AS varchar), "
                            "TRIM(column_name), TRIM(error_message) FROM sys_load_error_detail "
                            "WHERE file_name LIKE '%%%.*s%%' ORDER BY start_time, line_number",
                            STR_ARG(query->run)),
        .columns = DETAILS,
        .each = take_error,
        .context = &first,
    };
    if (verdict.kind != VERDICT_MISCONFIGURED || verdict.step != STEP_API)
        return false;
    verdict.message = arena_copy(arena, verdict.message);
    ignore_failure(redshift_query(connection, 1, &rows));
    return vendor_fail(connection, verdict.kind, STEP_API,
                       first.text.data ? arena_printf(arena, "%.*s (%.*s)",
                                                      STR_ARG(verdict.message), STR_ARG(first.text))
                                       : verdict.message,
                       verdict.hint.len > 0 ? arena_cstr(arena, verdict.hint) : NULL);
}

/* --- by the Data API --- */

static int64_t pause_after(unsigned long long polls)
{
    int64_t pause_ms = POLL_PAUSE_MS;
    for (unsigned long long i = 0; i < polls && pause_ms < POLL_PAUSE_MAX_MS; i++)
        pause_ms *= 2;
    return pause_ms < POLL_PAUSE_MAX_MS ? pause_ms : POLL_PAUSE_MAX_MS;
}

static bool wait_for(struct load_step *step, struct str id, unsigned long long polls)
{
    step->state = arena_printf(step->arena, "%.*s %llu", STR_ARG(id), polls);
    step->pause_ms = pause_after(polls);
    return true;
}

/* The statement was sent, and no answer came. */
static bool is_lost(struct vendor_connection *connection)
{
    struct verdict verdict = vendor_verdict(connection);
    return verdict.kind == VERDICT_UNREACHABLE && verdict.step == STEP_API;
}

static bool start(struct vendor_connection *connection, const struct load_query *query,
                  struct str sql, struct load_step *step)
{
    struct str id = STR_NULL;
    bool is_begun = redshift_start(connection, sql, query->run, &id);
    if (is_begun || is_lost(connection))
        step->known = LOAD_UNKNOWN;
    return is_begun && wait_for(step, id, 0);
}

static bool step_data_api(struct vendor_connection *connection, const struct load_query *query,
                          struct str state, struct load_step *step)
{
    struct str id, count, sql = STR_NULL;
    unsigned long long polls = 0;
    bool is_done = false;
    if (!state.data)
        return make_copy(connection, query, &sql) && start(connection, query, sql, step);
    if (!str_cut(state, ' ', &id, &count) || !str_to_u64(count, POLLS_MAX, &polls))
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE,
                           STR("the load's state cannot be read"), NULL);
    if (!redshift_look(connection, id, &is_done)) {
        if (is_done)
            step->known = LOAD_NOT_MADE;
        return explain(connection, query);
    }
    return is_done || wait_for(step, id, polls < POLLS_MAX ? polls + 1 : polls);
}

/* --- by the database's protocol --- */

static bool take_status(void *context, const struct str *cells)
{
    struct str *status = context;
    static const struct str known[] = {STR("running"), STR("completed"), STR("aborted")};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (str_eq(cells[0], known[i]))
            *status = known[i];
    }
    return false;
}

static bool look_again(struct load_step *step, unsigned long long looks)
{
    bool is_begun = looks < LOOKS_MAX;
    step->state = is_begun ? arena_printf(step->arena, "look %llu", looks) : STR("copy");
    step->pause_ms = is_begun ? LOOK_PAUSE_MS : 0;
    step->known = is_begun ? LOAD_AS_BEFORE : LOAD_NOT_MADE;
    return true;
}

/* The newest COPY of the run's objects: each is the whole load. */
static bool look(struct vendor_connection *connection, const struct load_query *query,
                 unsigned long long looks, struct load_step *step)
{
    struct arena *arena = vendor_config(connection)->arena;
    struct str status = STR_NULL;
    struct sql_rows rows = {
        .sql = arena_printf(arena,
                            "SELECT TRIM(status) FROM sys_load_history WHERE data_source LIKE "
                            "'%%%.*s%%' ORDER BY start_time DESC",
                            STR_ARG(query->run)),
        .columns = 1,
        .each = take_status,
        .context = &status,
    };
    if (!redshift_query(connection, 1, &rows))
        return false;
    if (str_eq(status, STR("completed")))
        return vendor_accept(connection, STEP_API);
    if (str_eq(status, STR("running")))
        return look_again(step, 0);
    if (!status.data)
        return look_again(step, looks + 1);
    step->known = LOAD_NOT_MADE;
    vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_API,
                STR("the database has aborted the load of the objects"), NULL);
    return explain(connection, query);
}

static bool copy(struct vendor_connection *connection, const struct load_query *query,
                 struct load_step *step)
{
    struct sql_rows rows = {.columns = 0};
    if (!make_copy(connection, query, &rows.sql))
        return false;
    if (redshift_query_jdbc(connection, &rows))
        return true;
    bool is_unreachable = vendor_verdict(connection).kind == VERDICT_UNREACHABLE;
    step->known = is_unreachable ? LOAD_UNKNOWN : LOAD_NOT_MADE;
    return explain(connection, query);
}

static bool step_jdbc(struct vendor_connection *connection, const struct load_query *query,
                      struct str state, struct load_step *step)
{
    static const char looking[] = "look ";
    unsigned long long looks = 0;
    if (!state.data) {
        step->state = STR("copy");
        return vendor_accept(connection, STEP_NONE);
    }
    if (str_eq(state, STR("copy")))
        return query->is_again ? look_again(step, 0) : copy(connection, query, step);
    if (!str_starts(state, str_from(looking)) ||
        !str_to_u64((struct str){state.data + strlen(looking), state.len - strlen(looking)},
                    LOOKS_MAX, &looks))
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE,
                           STR("the load's state cannot be read"), NULL);
    return look(connection, query, looks, step);
}

bool redshift_load(struct vendor_connection *connection, const struct load_query *query,
                   struct str state, struct load_step *step)
{
    const struct redshift_target *own = vendor_config(connection)->target->custom;
    return own->variant == REDSHIFT_DATA_API ? step_data_api(connection, query, state, step)
                                             : step_jdbc(connection, query, state, step);
}

bool redshift_load_cancel(struct vendor_connection *connection, struct str state)
{
    const struct redshift_target *own = vendor_config(connection)->target->custom;
    struct str id, polls;
    return own->variant != REDSHIFT_DATA_API || !str_cut(state, ' ', &id, &polls) ||
           redshift_cancel(connection, id);
}

/* A run's reading of pages, without tasks and without a destination. */
#include "read_script.h"

#include "connector/http/read_source.h"
#include "record/csv_in.h"
#include "record/json_in.h"
#include "record/json_rest.h"

struct reading {
    const struct read_asked *asked;
    struct read_query query;
    struct str cursor;
    struct arena page;
    const char *path; /* of the first page: the decoder keeps it */
    struct record_decoder *decoder;
    bool read;
};

static void list_fields(struct script *script, struct reading *reading)
{
    struct str rest = str_from(reading->asked->fields), name;
    struct str *fields = arena_array(&script->arena, struct str, 100);
    while (rest.len > 0) {
        if (!str_cut(rest, ',', &name, &rest)) {
            name = rest;
            rest = STR_NULL;
        }
        assert_true(reading->query.field_count < 100);
        fields[reading->query.field_count++] = name;
    }
    reading->query.fields = fields;
}

static bool read_page(struct reading *reading, struct vendor_connection *connection,
                      const struct connector_ops *ops, struct read_page *page)
{
    for (;;) {
        arena_done(&reading->page);
        *page = (struct read_page){.arena = &reading->page};
        if (ops->read(connection, &reading->query, reading->cursor, page))
            return true;
        if (vendor_state(connection) != VENDOR_STALE || !vendor_renew(connection))
            return false;
    }
}

static uint64_t decode(struct script *script, struct reading *reading, const struct read_page *page,
                       struct str *ret_rest)
{
    if (!reading->path && page->path)
        reading->path = arena_cstr(&script->arena, str_from(page->path));
    const struct json_in_options options = {.path = reading->path};
    struct record_batch batch;
    struct error error;
    struct str window = page->body;
    uint64_t records = 0;
    size_t used = 1;
    bool found;
    if (!reading->decoder)
        reading->decoder = page->format == READ_CSV ? csv_in_new(&(struct csv_in_options){0})
                                                    : json_in_new(&options);
    record_batch_init(&batch, RECORD_ROWS_MAX);
    reading->decoder->ops->start_page(reading->decoder, 1);
    while (window.len > 0 && used > 0) {
        record_batch_clear(&batch);
        if (!reading->decoder->ops->read(reading->decoder, window, true, &batch, &used, &error))
            fail_msg("%s", error.message);
        records += batch.rows + batch.error_count;
        window = (struct str){window.data + used, window.len - used};
    }
    record_batch_done(&batch);
    *ret_rest = page->format == READ_CSV ? STR_NULL : json_in_rest(reading->decoder, &found);
    return records;
}

/* What follows the page as it is known before the page is decoded. */
struct guess {
    bool is_made;
    struct str rest, next;
};

static struct guess guess_next(struct script *script, const struct reading *reading,
                               struct vendor_connection *connection,
                               const struct connector_ops *ops, const struct read_page *page)
{
    struct guess guess = {.rest = STR_NULL};
    bool has_rest = page->format == READ_JSON && page->path && !page->leads;
    if (page->is_step ||
        (has_rest && !json_rest_guess(page->body, page->path, &script->arena, &guess.rest)))
        return guess;
    const struct read_page_end end = {page, reading->cursor, guess.rest, READ_RECORDS_UNKNOWN};
    guess.is_made = ops->read_next(connection, &reading->query, &end, &script->arena, &guess.next);
    return guess;
}

/* A guess of a page that has records, and of the rest that it has, is right. */
static void check_guess(const struct reading *reading, const struct read_page_end *end,
                        const struct guess *guess, struct str next)
{
    bool is_same = !guess->rest.data || str_eq(guess->rest, end->rest);
    if (!guess->is_made || !is_same || end->records == 0)
        return;
    assert_true(reading->read);
    assert_true(guess->next.data ? next.data && str_eq(guess->next, next) : !next.data);
}

static void run(struct script *script, const struct connector *connector,
                const struct vendor_connection_config *config, void *argument)
{
    struct reading *reading = argument;
    const struct connector_ops *ops = connector->ops;
    struct vendor_connection *connection = vendor_connection_new(config);
    struct read_page page;
    bool open = ops->open(connection), more = open;
    reading->read = open;
    while (more) {
        struct str rest = STR(""), next = STR_NULL;
        reading->read = read_page(reading, connection, ops, &page);
        struct guess guess = {0};
        if (reading->read && connector->http)
            guess = guess_next(script, reading, connection, ops, &page);
        uint64_t records = reading->read ? decode(script, reading, &page, &rest) : 0;
        const struct read_page_end end = {&page, reading->cursor, rest, records};
        reading->read = reading->read &&
                        ops->read_next(connection, &reading->query, &end, &script->arena, &next);
        check_guess(reading, &end, &guess, next);
        more = reading->read && next.data;
        if (reading->read)
            buf_printf(&script->log, "%s %llu%s%.*s\n", page.is_step ? "step" : "page",
                       (unsigned long long)records, more ? " then " : "", STR_ARG(next));
        script->paused_ms += reading->read ? page.pause_ms : 0;
        reading->cursor = next;
    }
    vendor_close(connection);
    script->verdict = vendor_verdict(connection);
    script->tokens = vendor_tokens(connection);
}

static void end_reading(struct script *script, const struct connector *connector,
                        const struct vendor_connection_config *config, void *argument)
{
    struct reading *reading = argument;
    struct vendor_connection *connection = vendor_connection_new(config);
    reading->read = connector->ops->open(connection) &&
                    connector->ops->read_end(connection, &reading->query, reading->cursor);
    vendor_close(connection);
    script->verdict = vendor_verdict(connection);
}

bool script_read(struct script *script, const struct scripted *steps, size_t count,
                 const struct read_asked *asked)
{
    script->steps = steps;
    script->count = count;
    script->next = 0;
    const struct connector *connector = connector_by_type(str_from(asked->type));
    struct str shape =
        arena_printf(&script->arena, "%.*sSourceProperties", STR_ARG(connector->key));
    struct reading reading = {
        .asked = asked,
        .query = {.entity = str_from(asked->entity),
                  .properties =
                      script_value(script, arena_cstr(&script->arena, shape), asked->source),
                  .types = asked->types,
                  .described = asked->types,
                  .filters = asked->filters,
                  .filter_count = asked->filter_count},
        .cursor = str_from(asked->cursor),
    };
    if (!script->log.limit)
        script->log = buf_in(&script->arena, SCRIPT_TEXT_MAX);
    list_fields(script, &reading);
    if (asked->names) {
        reading.query.fields = asked->names;
        reading.query.field_count = asked->name_count;
    }
    script_run_with(script, connector,
                    script_part(script, asked->type, "Properties", asked->properties),
                    script_part(script, asked->type, "Credentials", asked->credentials), NULL,
                    asked->ends ? end_reading : run, &reading);
    if (reading.decoder)
        reading.decoder->ops->free(reading.decoder);
    arena_done(&reading.page);
    assert_int_equal(reading.read, script->verdict.kind == VERDICT_ACCEPTED);
    return reading.read;
}

void assert_where(struct script *script, const char *type, const struct read_filter *filter,
                  const char *expected)
{
    const struct connector_reads *reads = connector_by_type(str_from(type))->http->reads;
    struct read_filter described = *filter;
    const struct read_query query = {.filters = &described, .filter_count = 1};
    struct read_where_request request = {
        .dialect = reads->rows[reads->count - 1].dialect,
        .name_marks = reads->name_marks,
        .query = &query,
        .now_ms = 1700000000000,
        .most = READ_WHERE_MAX,
    };
    if (!described.described.data)
        described.described = described.type;
    assert_str(read_where(&request, &script->arena), expected);
}

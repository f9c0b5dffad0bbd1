/* Reads by exports of ranges of time: a vendor exports what belongs to a range of limited length as
 * a file, by a job of its own. A reading is range after range, of each one job, of each job the
 * pieces of its file.
 *
 *     (nothing) ─▶ "export FROM TO" ── create ──▶ "export FROM TO new ID" ── enqueue ──▶
 *          ▲                                      "export FROM TO wait ID POLLS" ── state … ──▶
 *          └── the range that follows ◀── pieces: "export FROM TO at ID OFFSET SIZE" ◀──┘
 *
 * These are the cursors (read_export_cursor.h); FROM is where the range at hand begins, TO where
 * the last one ends, both in seconds since 1970. TO is set at the beginning: what comes later is
 * not a part of the reading. Cursors that have only moved a job on are steps: pages without
 * records. */
#include "connector/http/read_call.h"
#include "connector/http/read_export_cursor.h"
#include "connector/http/read_piece.h"

#include "base/buf.h"
#include "base/clock.h"
#include "wire/json_pointer.h"

#include <string.h>
#include <time.h>

enum { SECOND_MS = 1000, TIME_SIZE = sizeof("2026-01-31T00:00:00Z") };

/* How far a bound may be ahead of this node's clock, since it is by another one's. */
static const unsigned long long CLOCK_AHEAD_S = 3600;

/* One step of a reading. */
struct export_step {
    const struct read_call *reading;
    struct read_page *page;
    const struct read_export *export;
    const struct read_range *range;
    struct export_cursor at;
    struct str fields;                         /* those of the file, with commas */
    size_t column;                             /* of them the range's field */
    char before[TIME_SIZE], behind[TIME_SIZE]; /* the seconds beside the range */
};

/* --- what is next --- */

/* What http_read_next gives. */
static void lead_to(const struct export_step *self, const struct export_cursor *next)
{
    self->page->leads = true;
    self->page->leads_to_step = next->state != EXPORT_IS_READ;
    self->page->next = export_cursor_text(next, self->page->arena);
}

static unsigned long long range_end(const struct export_step *self)
{
    unsigned long long end_s = self->at.from_s + (unsigned long long)self->export->range_s;
    return end_s < self->at.to_s ? end_s : self->at.to_s;
}

/* To the next range, or to the end. */
static void lead_on(const struct export_step *self)
{
    const struct export_cursor next = {.from_s = range_end(self), .to_s = self->at.to_s};
    self->page->leads = true;
    self->page->next = STR_NULL;
    if (next.from_s < next.to_s)
        lead_to(self, &next);
}

/* --- the ranges --- */

static int64_t now_s(const struct vendor_connection *connection)
{
    const struct connector_env *env = connection->target->env;
    return (env->wall_ms ? env->wall_ms() : clock_wall_ms()) / SECOND_MS;
}

/* Sets {read.from} and {read.to} as the filters on the range's field bound it. False: they do not.
 */
static bool bound_range(const struct export_step *self, const struct read_range *range,
                        struct value *read)
{
    struct vendor_connection *connection = self->reading->connection;
    const struct read_bound rows[] = {{range->field, "GREATER_THAN", "from"},
                                      {range->field, "LESS_THAN", "to"}};
    const char *const fields[] = {range->field};
    struct read_dialect dialect = *self->reading->source->dialect;
    dialect.bounds.rows = rows;
    dialect.bounds.count = sizeof(rows) / sizeof(*rows);
    dialect.fields = (struct connector_texts)LIST(fields);
    struct read_where_request request = {
        .dialect = &dialect,
        .query = self->reading->query,
        .now_ms = now_s(connection) * SECOND_MS,
        .most = READ_WHERE_MAX,
    };
    read_bounds(&request, connection->arena, read);
    return value_text(read, "from").data || value_text(read, "to").data;
}

/* The first range whose field has a bound, or the last one. */
static void choose_range(struct export_step *self, struct value *read)
{
    const struct read_export *export = self->export;
    for (size_t i = 0; i < export->ranges.count; i++) {
        self->range = &export->ranges.rows[i];
        if (bound_range(self, self->range, read))
            return;
    }
}

/* The second of an upper bound is within. A bound of a schedule's window is by the store's clock,
 * which may be ahead of this node's. */
static void begin(struct export_step *self, const struct value *read)
{
    unsigned long long bound, now = (unsigned long long)now_s(self->reading->connection);
    self->at.from_s = (unsigned long long)self->export->since_s;
    self->at.to_s = now;
    if (str_to_u64(value_text(read, "from"), EXPORT_LATEST_S, &bound) && bound > self->at.from_s)
        self->at.from_s = bound;
    if (str_to_u64(value_text(read, "to"), EXPORT_LATEST_S, &bound))
        self->at.to_s = bound < now + CLOCK_AHEAD_S ? bound + 1 : now + CLOCK_AHEAD_S;
}

/* --- the fields of the file --- */

static void add_name(struct buf *names, struct buf *quoted, struct str name)
{
    if (names->len > 0) {
        buf_add_char(names, ',');
        buf_add_char(quoted, ',');
    }
    buf_add(names, name);
    buf_printf(quoted, "\"%.*s\"", STR_ARG(name));
}

static bool is_of_query(const struct read_query *query, const char *name)
{
    for (size_t i = 0; i < query->field_count; i++) {
        if (str_eq(query->fields[i], str_from(name)))
            return true;
    }
    return false;
}

/* Bytes, each with its comma. */
static size_t names_len(const struct read_query *query)
{
    size_t len = query->field_count;
    for (size_t i = 0; i < query->field_count; i++)
        len += query->fields[i].len;
    return len;
}

/* The key first, so that no row begins like JSON or markup; the range's field last, unless the flow
 * has it: a further column is not read. */
static bool set_fields(struct export_step *self, struct value *read)
{
    const struct read_query *query = self->reading->query;
    struct arena *arena = self->reading->connection->arena;
    struct str key = str_from(self->export->key), field = str_from(self->range->field);
    size_t count = 1, most = names_len(query) + key.len + field.len + 2;
    struct buf names = buf_in(arena, most),
               quoted = buf_in(arena, most + 2 * (query->field_count + 2));
    add_name(&names, &quoted, key);
    for (size_t i = 0; i < query->field_count; i++) {
        if (!read_name_is_fit(self->reading->reads->name_marks, query->fields[i]))
            return vendor_fail(self->reading->connection, VERDICT_MISCONFIGURED, STEP_NONE,
                               arena_printf(arena, "%.*s has no field %.*s", STR_ARG(query->entity),
                                            STR_ARG(query->fields[i])),
                               "DescribeConnectorEntity shows the fields that there are.");
        if (str_eq(query->fields[i], key))
            continue;
        if (str_eq(query->fields[i], field))
            self->column = count;
        add_name(&names, &quoted, query->fields[i]);
        count++;
    }
    if (!is_of_query(query, self->range->field)) {
        self->column = count;
        add_name(&names, &quoted, field);
    }
    self->fields = buf_str(&names);
    value_put_text(arena, read, "names", buf_str(&quoted));
    return true;
}

static void print_time(int64_t at_s, char out[TIME_SIZE])
{
    time_t seconds = (time_t)at_s;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(out, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Whether a vendor's range has its ends or not, both seconds are in the range that is asked for;
 * rows of the second before the range and of the one behind it belong to another range, and are
 * left out, where the field tells. */
static void set_times(struct export_step *self, struct value *read)
{
    struct arena *arena = self->reading->connection->arena;
    int wider = self->range->drops ? 1 : 0;
    char from[TIME_SIZE], to[TIME_SIZE];
    print_time((int64_t)self->at.from_s - 1, self->before);
    print_time((int64_t)range_end(self), self->behind);
    print_time((int64_t)self->at.from_s - wider, from);
    print_time((int64_t)range_end(self) - 1 + wider, to);
    value_put_text(arena, read, "range", str_from(self->range->name));
    value_put_text(arena, read, "begins", arena_copy(arena, str_from(from)));
    value_put_text(arena, read, "ends", arena_copy(arena, str_from(to)));
}

/* --- calls --- */

static void set_page(const struct export_step *self, unsigned long long piece)
{
    struct vendor_connection *connection = self->reading->connection;
    struct arena *arena = connection->arena;
    struct value *page = value_structure(arena);
    value_put_text(arena, page, "job", self->at.id);
    value_put_integer(arena, page, "offset", (int64_t)self->at.offset);
    value_put_integer(arena, page, "last", (int64_t)(self->at.offset + piece) - 1);
    connection->scope.page = page;
}

static bool fail_job(const struct export_step *self, const char *what, struct str words)
{
    struct vendor_connection *connection = self->reading->connection;
    return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_API,
                       arena_printf(connection->arena, "the export %.*s %s%s%.*s",
                                    STR_ARG(self->at.id), what, words.len > 0 ? ": " : "",
                                    STR_ARG(words)),
                       "Run the flow again.");
}

/* Always false. A refusal is of the job, whatever else such an answer may mean. A call that was not
 * made, or whose answer is too long, has no status. */
static bool fail_call(const struct export_step *self)
{
    const struct verdict verdict = self->reading->connection->verdict;
    return verdict.kind == VERDICT_MISCONFIGURED && verdict.status != 0 &&
           fail_job(self, "is refused by the vendor", verdict.message);
}

/* A lost answer leaves a job that was never put in the queue. */
static bool create(struct export_step *self)
{
    struct vendor_connection *connection = self->reading->connection;
    struct vendor_response response;
    struct export_cursor next = self->at;
    bool taken;
    set_page(self, 1);
    struct str body = template_fill_within(connection->arena, self->export->body,
                                           &connection->scope, ESCAPE_NONE, TEMPLATE_BODY_MAX);
    if (!body.data)
        return read_refuse(self->reading,
                           STR("the names of the fields are more than an export is asked for with: "
                               "a body of 160 KiB"),
                           "Let the flow read fewer fields.");
    if (!vendor_call_write(connection, &self->export->create, STR_NULL, body, true, &response,
                           &taken))
        return false;
    next.id =
        response.json ? pointer_text(connection->arena, response.json, self->export->id) : STR_NULL;
    if (!next.id.data || !export_id_is_fit(next.id))
        return read_fail_page(self->reading,
                              "the answer to the new export has no id that can be used");
    lead_to(self, &next);
    return true;
}

static bool wait_more(const struct export_step *self)
{
    struct export_cursor next = self->at;
    next.state = EXPORT_WAITS;
    next.polls++;
    if (next.polls >= READ_EXPORT_POLLS_MAX)
        return fail_job(self, "has not ended in a day", STR_NULL);
    self->page->pause_ms = self->export->pause_ms;
    lead_to(self, &next);
    return true;
}

/* A job is put in the queue once. Its state may be older than the answer that put it there, or the
 * answer was lost: so it is waited for, for some looks, before the job is put there again or a
 * refusal counts. */
static bool enqueue(const struct export_step *self)
{
    struct vendor_connection *connection = self->reading->connection;
    struct vendor_response response = {0};
    struct export_cursor next = self->at;
    bool has_time = self->at.polls < READ_EXPORT_POLLS_NEW;
    if (self->at.state == EXPORT_WAITS && has_time)
        return wait_more(self);
    bool good = vendor_call(connection, &self->export->enqueue, &response);
    if (!good && connection->verdict.kind == VERDICT_MISCONFIGURED && has_time)
        return vendor_accept(connection, STEP_API) && wait_more(self);
    if (!good)
        return fail_call(self);
    if (self->at.state == EXPORT_WAITS)
        return wait_more(self);
    next.state = EXPORT_WAITS;
    lead_to(self, &next);
    return true;
}

static bool take_done(struct export_step *self, const struct value *json)
{
    struct arena *arena = self->reading->connection->arena;
    struct export_cursor next = self->at;
    unsigned long long records = 1;
    next.state = EXPORT_IS_READ;
    str_to_u64(pointer_text(arena, json, self->export->count), INT64_MAX, &records);
    if (records > 0 &&
        !str_to_u64(pointer_text(arena, json, self->export->size), EXPORT_FILE_MAX, &next.size))
        return read_fail_page(self->reading, "the vendor does not say how long the export is");
    if (next.size == 0 || records == 0)
        lead_on(self);
    else
        lead_to(self, &next);
    return true;
}

/* The state decides what is next, also when an earlier answer was lost. */
static bool look(struct export_step *self)
{
    const struct read_export *export = self->export;
    struct vendor_connection *connection = self->reading->connection;
    struct vendor_response response = {0};
    set_page(self, 1);
    if (!vendor_call(connection, &export->state, &response))
        return fail_call(self);
    struct str state =
        response.json ? pointer_text(connection->arena, response.json, export->state_at) : STR_NULL;
    if (!state.data)
        return read_fail_page(self->reading, "the export's state cannot be read");
    if (str_eq(state, str_from(export->created)))
        return enqueue(self);
    if (connector_texts_have(&export->running, state))
        return wait_more(self);
    if (str_eq(state, str_from(export->done)))
        return take_done(self, response.json);
    return fail_job(self, arena_printf(connection->arena, "ended as %.*s", STR_ARG(state)).data,
                    pointer_text(connection->arena, response.json, export->message));
}

/* --- the file --- */

/* Where the vendor says which bytes these are, they must be those that were asked for. */
static bool is_asked_piece(const struct export_step *self, const struct vendor_response *response,
                           unsigned long long piece)
{
    const struct str *range = client_header(&response->http, STR("Content-Range"));
    struct str asked = arena_printf(self->reading->connection->arena, "bytes %llu-%llu/%llu",
                                    self->at.offset, self->at.offset + piece - 1, self->at.size);
    return !range || str_eq(*range, asked);
}

static bool take_piece(struct export_step *self, struct read_page *page)
{
    struct vendor_response response = {0};
    unsigned long long left = self->at.size - self->at.offset;
    unsigned long long piece = left < READ_EXPORT_PIECE ? left : READ_EXPORT_PIECE;
    struct export_cursor next = self->at;
    struct read_piece cut = {
        .has_header = self->at.offset == 0,
        .is_last = piece == left,
        .header = self->fields,
        .null = str_from(self->export->null),
        .column = self->column,
    };
    if (self->range->drops) { /* without the "Z" */
        cut.before = (struct str){self->before, TIME_SIZE - sizeof("Z")};
        cut.behind = (struct str){self->behind, TIME_SIZE - sizeof("Z")};
    }
    size_t taken;
    set_page(self, piece);
    if (!read_page_take(self->reading->connection, &self->export->file, STR_NULL, page, &response))
        return fail_call(self);
    if (page->body.len != piece)
        return read_fail_page(self->reading, "a piece of the export has another length than was "
                                             "asked for");
    if (!is_asked_piece(self, &response, piece))
        return read_fail_page(self->reading, "a piece of the export is of other bytes than were "
                                             "asked for");
    cut.csv = page->body;
    enum read_piece_end end = read_piece_take(&cut, page->arena, &page->body, &taken);
    if (end != PIECE_TAKEN)
        return fail_job(self,
                        end == PIECE_OTHER_COLUMNS ? "has other columns than were asked for"
                                                   : "has a record that is longer than 4 MiB",
                        STR_NULL);
    next.offset += taken;
    if (next.offset >= next.size)
        lead_on(self);
    else
        lead_to(self, &next);
    return true;
}

_Static_assert(READ_EXPORT_PIECE == 4 * 1024 * 1024 && TEMPLATE_BODY_MAX == 160 * 1024,
               "as the messages say");

bool read_export_page(const struct read_call *reading, struct str cursor, struct read_page *page)
{
    struct vendor_connection *connection = reading->connection;
    struct export_step self = {
        .reading = reading,
        .page = page,
        .export = reading->source->export,
        .range = reading->source->export->ranges.rows,
    };
    struct value *read = value_structure(connection->arena);
    page->format = READ_CSV;
    page->path = NULL;
    page->body = STR("");
    connection->scope.read = read;
    choose_range(&self, read);
    if (!cursor.data)
        begin(&self, read);
    else if (!export_cursor_read(cursor, &self.at))
        return read_fail_page(reading, "the place to go on from cannot be read");
    page->is_step = self.at.state != EXPORT_IS_READ;
    set_times(&self, read);
    if (!set_fields(&self, read))
        return false;
    if (self.at.state == EXPORT_IS_READ)
        return take_piece(&self, page);
    if (self.at.id.data)
        return look(&self);
    if (self.at.from_s < self.at.to_s)
        return create(&self);
    lead_on(&self);
    return true;
}

/* --- the end --- */

/* A job that is refused has ended, or is gone. */
bool read_export_end(const struct read_call *reading, struct str cursor)
{
    struct vendor_connection *connection = reading->connection;
    struct export_step self = {.reading = reading, .export = reading->source->export};
    struct vendor_response response = {0};
    self.at.id = export_cursor_job(cursor);
    if (!self.at.id.data)
        return vendor_accept(connection, STEP_API);
    set_page(&self, 1);
    return vendor_call(connection, &self.export->cancel, &response) ||
           (connection->verdict.kind == VERDICT_MISCONFIGURED &&
            vendor_accept(connection, STEP_API));
}

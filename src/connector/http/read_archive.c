/* Reads by exports of whole hours as an archive: a vendor gives a ZIP of compressed files, each
 * with records as JSON lines, for a range of hours that the call names. A reading is range after
 * range; a range is one archive, which is kept over the connection, and given out in pieces that
 * end with a record.
 *
 *     (nothing) ──▶ "hours FROM FROM TO SPAN 0 WAITS" ── fetch, the first piece ──┐
 *         ▲            ▲ │                                                          ▼
 *         │            └─┘ a wait, or a smaller SPAN        "hours FROM END TO SPAN SKIP 0" ─┐
 *         │                                                                         ▲        │
 *         └──── the range that follows, behind the last piece ◀── the next piece … ─┴────────┘
 *
 * FROM, END and TO are in seconds since 1970, and whole hours: the range at hand is FROM to END,
 * once that is planned, and TO is where the last one ends. SPAN is for how many hours the next
 * range is, which becomes smaller where the vendor gives more at once than is taken, and greater
 * behind a range without records. SKIP counts bytes of the range's text that were given out:
 * another connection fetches the archive again, and passes them over.
 *
 * An hour that the vendor has not completed yet is waited for, so that windows that follow each
 * other leave nothing out. */
#include "connector/http/answer_reader.h"
#include "connector/http/read_call.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/int64.h"
#include "record/byte_buffer.h"
#include "record/zip_in.h"
#include "record/zipped_lines.h"

#include <stdlib.h>
#include <time.h>

enum {
    SECOND_MS = 1000,
    HOUR_S = 3600,
    WAIT_MAX_MS = 15 * 60 * 1000,
    WAITS_MAX = 1000 * 1000,   /* a run has ended by then */
    WAIT_SPARE_MS = 30 * 1000, /* behind the time at which an hour is complete */
    TIME_SIZE = sizeof("20260131T00"),
};

#define LATEST_S 253402300800ULL /* the year 10000 */

/* Together with the page that is asked for ahead. */
_Static_assert(READ_ARCHIVE_MAX + 3 * READ_ARCHIVE_PIECE <= READ_PAGE_MAX, "a page's memory");

static const char too_long[] = "the export is longer than 10 MiB";
_Static_assert(READ_ARCHIVE_MAX == 10 * 1024 * 1024, "as the message says");

struct archive_at {
    unsigned long long from_s, end_s, to_s, span_h, skip;
    unsigned long long waits; /* for the range's first hour, so far */
};

/* An archive that a connection has. */
struct archive_kept {
    unsigned long long from_s, end_s; /* the same: there is none */
    struct byte_buffer zip;
    struct zipped_lines *lines;
    bool is_open; /* the lines are this archive's */
};

/* One step of a reading. */
struct archive_step {
    const struct read_call *reading;
    struct read_page *page;
    const struct read_archive *archive;
    struct archive_at at;
    struct archive_kept *kept;
    bool is_past_most; /* the vendor gives more than is taken */
};

/* --- cursors --- */

static bool take_number(struct str *rest, unsigned long long most, unsigned long long *ret_number)
{
    struct str word = *rest;
    if (!str_cut(*rest, ' ', &word, rest))
        *rest = STR("");
    return str_to_u64(word, most, ret_number);
}

static bool read_cursor(struct str cursor, struct archive_at *at)
{
    struct str word, rest;
    return str_cut(cursor, ' ', &word, &rest) && str_eq(word, STR("hours")) &&
           take_number(&rest, LATEST_S, &at->from_s) && take_number(&rest, LATEST_S, &at->end_s) &&
           take_number(&rest, LATEST_S, &at->to_s) &&
           take_number(&rest, READ_ARCHIVE_HOURS_MAX, &at->span_h) &&
           take_number(&rest, READ_ARCHIVE_TEXT_MAX, &at->skip) &&
           take_number(&rest, WAITS_MAX, &at->waits) && rest.len == 0 && at->from_s <= at->end_s &&
           at->end_s <= at->to_s && at->span_h > 0 && (at->skip == 0 || at->from_s < at->end_s);
}

static void lead_to(const struct archive_step *self, const struct archive_at *at)
{
    struct read_page *page = self->page;
    page->leads = true;
    page->leads_to_step = at->skip == 0;
    page->next = arena_printf(page->arena, "hours %llu %llu %llu %llu %llu %llu", at->from_s,
                              at->end_s, at->to_s, at->span_h, at->skip, at->waits);
}

/* To the range that follows, or to the end. */
static void lead_on(const struct archive_step *self)
{
    const struct archive_at next = {.from_s = self->at.end_s,
                                    .end_s = self->at.end_s,
                                    .to_s = self->at.to_s,
                                    .span_h = self->at.span_h};
    self->page->leads = true;
    self->page->next = STR_NULL;
    if (next.from_s < next.to_s)
        lead_to(self, &next);
}

/* --- ranges --- */

static int64_t now_ms(const struct archive_step *self)
{
    const struct connector_env *env = self->reading->connection->target->env;
    return env->wall_ms ? env->wall_ms() : clock_wall_ms();
}

/* Where the hours end that the vendor has completed. */
static unsigned long long complete_s(const struct archive_step *self)
{
    int64_t behind_s = now_ms(self) / SECOND_MS - self->archive->late_s;
    return behind_s > 0 ? (unsigned long long)behind_s / HOUR_S * HOUR_S : 0;
}

static struct value *bounds_of(const struct archive_step *self)
{
    struct vendor_connection *connection = self->reading->connection;
    const char *const fields[] = {self->archive->field};
    const struct read_bound rows[] = {{self->archive->field, "GREATER_THAN", "from"},
                                      {self->archive->field, "LESS_THAN", "to"}};
    struct read_dialect dialect = *self->reading->source->dialect;
    struct value *read = value_structure(connection->arena);
    dialect.bounds.rows = rows;
    dialect.bounds.count = sizeof(rows) / sizeof(*rows);
    dialect.fields = (struct connector_texts)LIST(fields);
    struct read_where_request request = {
        .dialect = &dialect,
        .query = self->reading->query,
        .now_ms = now_ms(self),
        .most = READ_WHERE_MAX,
    };
    read_bounds(&request, connection->arena, read);
    return read;
}

/* The hours that the filters on the field bound, up to the one at hand; those that are complete,
 * without an upper bound. */
static void begin(struct archive_step *self)
{
    const struct value *read = bounds_of(self);
    unsigned long long bound, now_s = (unsigned long long)(now_ms(self) / SECOND_MS);
    unsigned long long to_s = complete_s(self), back_s = (unsigned long long)self->archive->back_s;
    if (str_to_u64(value_text(read, "to"), LATEST_S, &bound))
        to_s = ((bound < now_s ? bound : now_s) / HOUR_S + 1) * HOUR_S;
    unsigned long long from_s = to_s > back_s ? to_s - back_s : 0;
    if (str_to_u64(value_text(read, "from"), LATEST_S, &bound))
        from_s = bound / HOUR_S * HOUR_S;
    if (from_s > to_s)
        from_s = to_s;
    self->at = (struct archive_at){
        .from_s = from_s, .end_s = from_s, .to_s = to_s, .span_h = READ_ARCHIVE_HOURS};
}

/* Sets the range's end. False: its first hour is not complete yet, and the page is a step that
 * waits for it. */
static bool plan(struct archive_step *self)
{
    unsigned long long end_s = self->at.from_s + self->at.span_h * HOUR_S;
    unsigned long long complete = complete_s(self);
    end_s = end_s < self->at.to_s ? end_s : self->at.to_s;
    self->at.end_s = end_s < complete ? end_s : complete;
    if (self->at.end_s > self->at.from_s)
        return true;
    self->at.end_s = self->at.from_s;
    self->at.waits++;
    int64_t due_s = (int64_t)self->at.from_s + HOUR_S + self->archive->late_s;
    int64_t wait_ms = due_s * SECOND_MS - now_ms(self) + WAIT_SPARE_MS;
    self->page->is_step = true;
    self->page->pause_ms = i64_min(i64_max(wait_ms, SECOND_MS), WAIT_MAX_MS);
    lead_to(self, &self->at);
    return false;
}

/* --- the archive --- */

static void drop(struct archive_kept *kept)
{
    zipped_lines_close(kept->lines);
    kept->from_s = kept->end_s = 0;
    kept->is_open = false;
}

static void end_reading(struct vendor_connection *connection)
{
    struct archive_kept *kept = connection->reading;
    zipped_lines_free(kept->lines);
    byte_buffer_done(&kept->zip);
    free(kept);
    connection->reading = NULL;
}

static struct archive_kept *kept_by(struct vendor_connection *connection)
{
    if (!connection->reading) {
        struct archive_kept *kept = xcalloc(1, sizeof(*kept));
        kept->lines = zipped_lines_new(READ_ARCHIVE_TEXT_MAX, READ_ARCHIVE_PIECE);
        connection->reading = kept;
        connection->end_reading = end_reading;
    }
    return connection->reading;
}

static void begin_answer(void *context, struct buf *rest)
{
    struct archive_step *self = context;
    self->kept->zip.len = 0;
    buf_clear(rest);
}

static bool push(void *context, struct str bytes, const char **ret_fault)
{
    struct archive_step *self = context;
    struct read_page *page = self->page;
    if (page->is_over && *page->is_over) {
        page->is_past_most = true;
        *ret_fault = "the page is not wanted any more";
        return false;
    }
    self->is_past_most = bytes.len > READ_ARCHIVE_MAX - self->kept->zip.len;
    if (self->is_past_most)
        *ret_fault = too_long;
    else
        byte_buffer_add(&self->kept->zip, bytes.data, bytes.len);
    return !self->is_past_most;
}

static struct str zip_of(const struct archive_kept *kept)
{
    return (struct str){(const char *)kept->zip.data, kept->zip.len};
}

/* What is no archive is looked at as an answer. */
static void end_answer(void *context, struct buf *rest)
{
    const struct archive_step *self = context;
    struct str zip = zip_of(self->kept);
    if (zip_in_begins(zip))
        buf_add(rest, STR("[]"));
    else
        buf_add(rest, utf8_cut(zip, READ_ARCHIVE_LOOK));
}

static void print_hour(unsigned long long at_s, char out[TIME_SIZE])
{
    time_t seconds = (time_t)at_s;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(out, TIME_SIZE, "%Y%m%dT%H", &tm);
}

/* Both ends are hours within the range. */
static void set_range(const struct archive_step *self)
{
    struct vendor_connection *connection = self->reading->connection;
    struct value *read = value_structure(connection->arena);
    char first[TIME_SIZE], last[TIME_SIZE];
    print_hour(self->at.from_s, first);
    print_hour(self->at.end_s - HOUR_S, last);
    value_put_text(connection->arena, read, "begins",
                   arena_copy(connection->arena, str_from(first)));
    value_put_text(connection->arena, read, "ends", arena_copy(connection->arena, str_from(last)));
    connection->scope.read = read;
}

/* Behind a range without records. */
static void grow(struct archive_step *self)
{
    unsigned long long hours = 2 * self->at.span_h;
    self->at.span_h = hours < READ_ARCHIVE_HOURS_MAX ? hours : READ_ARCHIVE_HOURS_MAX;
}

/* Asks for fewer hours, as a step. */
static bool shrink(struct archive_step *self)
{
    struct archive_at next = self->at;
    next.waits = 0;
    unsigned long long hours = (self->at.end_s - self->at.from_s) / HOUR_S;
    next.end_s = next.from_s;
    next.span_h = hours > READ_ARCHIVE_SHRINK ? hours / READ_ARCHIVE_SHRINK : 1;
    self->page->is_step = true;
    lead_to(self, &next);
    return vendor_accept(self->reading->connection, STEP_API);
}

/* Of a call that was not good: a range without records, one that is too long, or a failure. */
static bool conclude(struct archive_step *self, const struct vendor_response *response)
{
    struct vendor_connection *connection = self->reading->connection;
    const struct read_archive *archive = self->archive;
    int status = response->http.outcome == CLIENT_OK ? response->http.status : 0;
    bool is_long = self->is_past_most ||
                   (status != 0 && (status == archive->too_much || status == archive->too_slow));
    if (status == archive->none && !response->html) {
        if (self->at.skip > 0)
            return read_fail_page(self->reading,
                                  "records that were there when the range was begun are gone");
        grow(self);
        lead_on(self);
        return vendor_accept(connection, STEP_API);
    }
    if (is_long && self->at.end_s - self->at.from_s > HOUR_S && self->at.skip == 0)
        return shrink(self);
    return self->is_past_most &&
           vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_API,
                       STR("the export of one hour is longer than 10 MiB, compressed"), NULL);
}

/* *ret_fetched false, and the result true: the page is complete without an archive. */
static bool fetch(struct archive_step *self, bool *ret_fetched)
{
    struct vendor_connection *connection = self->reading->connection;
    const struct answer_reader reader = {begin_answer, push, end_answer, self};
    struct vendor_response response = {0};
    struct archive_kept *kept = self->kept;
    *ret_fetched = false;
    set_range(self);
    drop(kept);
    if (!vendor_call_read(connection, &self->archive->call, STR_NULL, &reader, &response))
        return conclude(self, &response);
    if (!zip_in_begins(zip_of(kept)))
        return vendor_fail_status(connection, VERDICT_MISCONFIGURED, STEP_API, response.http.status,
                                  STR("the response is no ZIP archive"), NULL);
    kept->from_s = self->at.from_s;
    kept->end_s = self->at.end_s;
    *ret_fetched = true;
    return true;
}

/* --- its text --- */

/* What is damaged may come whole another time. */
static bool fail_archive(struct archive_step *self, const struct error *error)
{
    struct vendor_connection *connection = self->reading->connection;
    bool is_damaged = error->code == ERR_VALIDATION;
    drop(self->kept);
    return vendor_fail(connection, is_damaged ? VERDICT_UNREACHABLE : VERDICT_MISCONFIGURED,
                       STEP_API, arena_copy(connection->arena, str_from(error->message)), NULL);
}

/* From the archive's beginning to the place at which the page begins. */
static bool find_place(struct archive_step *self, char *scratch, struct error *error)
{
    struct archive_kept *kept = self->kept;
    if (kept->is_open && zipped_lines_at(kept->lines) == self->at.skip)
        return true;
    kept->is_open = zipped_lines_open(kept->lines, zip_of(kept), error);
    return kept->is_open && zipped_lines_pass(kept->lines, self->at.skip, scratch, error);
}

static bool take_text(struct archive_step *self, char *out, struct error *error)
{
    struct archive_at next = self->at;
    bool is_last;
    self->page->body = (struct str){out, 0};
    if (!zipped_lines_take(self->kept->lines, out, &self->page->body.len, &is_last, error))
        return false;
    next.skip = zipped_lines_at(self->kept->lines);
    next.waits = 0;
    if (is_last)
        lead_on(self);
    else
        lead_to(self, &next);
    return true;
}

static bool take_piece(struct archive_step *self)
{
    struct archive_kept *kept = self->kept;
    bool is_fetched = kept->from_s == self->at.from_s && kept->end_s == self->at.end_s;
    struct error error;
    if (!is_fetched && (!fetch(self, &is_fetched) || !is_fetched))
        return self->page->leads;
    char *out = arena_take(self->page->arena, READ_ARCHIVE_PIECE + 1);
    if (!find_place(self, out, &error) || !take_text(self, out, &error))
        return fail_archive(self, &error);
    return vendor_accept(self->reading->connection, STEP_API);
}

bool read_archive_page(const struct read_call *reading, struct str cursor, struct read_page *page)
{
    struct vendor_connection *connection = reading->connection;
    struct archive_step self = {
        .reading = reading,
        .page = page,
        .archive = reading->source->archive,
        .kept = kept_by(connection),
    };
    page->format = READ_JSON_LINES;
    page->path = NULL;
    page->body = STR("");
    page->is_step = false;
    page->pause_ms = 0;
    if (page->most > 0 && page->most < READ_ARCHIVE_MAX + 2 * READ_ARCHIVE_PIECE) {
        page->is_past_most = true;
        return read_fail_page(reading, "there is no room for the page yet");
    }
    if (!cursor.data)
        begin(&self);
    else if (!read_cursor(cursor, &self.at))
        return read_fail_page(reading, "the place to go on from cannot be read");
    if (self.at.from_s == self.at.to_s) {
        lead_on(&self);
        return vendor_accept(connection, STEP_API);
    }
    if (self.at.end_s == self.at.from_s && !plan(&self))
        return vendor_accept(connection, STEP_API);
    return take_piece(&self);
}

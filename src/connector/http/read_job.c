/* Reads by jobs: a query is given to the vendor, which works on it for as long as it takes; then
 * its results are read page by page.
 *
 *     (nothing) ── create ──▶ "job ID wait JOBS POLLS" ── poll … ──▶ the first page of results
 *                                 ▲          │                             │
 *                                 └ forgotten┘         "job ID at SIZE LOCATOR" ──▶ … ──▶ the last
 * one
 *
 * These are the cursors. One that has only moved the job on is a step: a page without records, so
 * that the job's id is in a checkpoint before its results are read. A job that the vendor no longer
 * knows is made again while none of its records was given; later it ends the reading, since another
 * job's pages are others. */
#include "connector/http/read_call.h"
#include "connector/http/read_export_cursor.h"

#include "base/arena.h"
#include "wire/json_pointer.h"

#include <string.h>

struct job_cursor {
    struct str id; /* STR_NULL: there is no job yet */
    unsigned long long jobs, polls;
    bool is_done; /* the job, as it has given a page; the next two are set */
    unsigned long long size;
    struct str locator;
};

/* --- cursors --- */

struct str read_cursor_job(struct str cursor)
{
    static const struct str start = STR("job ");
    struct str rest, id, more;
    if (!str_starts(cursor, start))
        return export_cursor_job(cursor);
    rest = (struct str){cursor.data + start.len, cursor.len - start.len};
    if (!str_cut(rest, ' ', &id, &more) || id.len == 0)
        return STR_NULL;
    return (struct str){cursor.data, start.len + id.len};
}

static bool is_id(struct str id)
{
    return id.len > 0 && id.len <= READ_JOB_ID_MAX && read_name_is_fit("-_", id);
}

static bool is_locator(struct str locator)
{
    bool is_printable = locator.len > 0 && locator.len <= READ_JOB_LOCATOR_MAX;
    for (size_t i = 0; is_printable && i < locator.len; i++)
        is_printable = locator.data[i] > ' ' && locator.data[i] <= '~';
    return is_printable;
}

static bool split(struct str cursor, struct job_cursor *ret_at)
{
    struct str word, rest, first, second;
    *ret_at = (struct job_cursor){.id = STR_NULL};
    if (!cursor.data)
        return true;
    if (!str_cut(cursor, ' ', &word, &rest) || !str_cut(rest, ' ', &ret_at->id, &rest) ||
        !is_id(ret_at->id) || !str_cut(rest, ' ', &word, &rest) ||
        !str_cut(rest, ' ', &first, &second))
        return false;
    if (str_eq(word, STR("wait")))
        return str_to_u64(first, READ_JOBS_MAX, &ret_at->jobs) &&
               str_to_u64(second, READ_JOB_POLLS_MAX, &ret_at->polls);
    ret_at->is_done = str_eq(word, STR("at"));
    ret_at->locator = second;
    return ret_at->is_done && str_to_u64(first, INT32_MAX, &ret_at->size) && ret_at->size > 0 &&
           is_locator(second);
}

/* What http_read_next gives. */
static void lead_to(struct read_page *page, const struct job_cursor *next)
{
    struct arena *arena = page->arena;
    page->leads = true;
    page->leads_to_step = !next->is_done;
    if (next->is_done)
        page->next = arena_printf(arena, "job %.*s at %llu %.*s", STR_ARG(next->id), next->size,
                                  STR_ARG(next->locator));
    else
        page->next = arena_printf(arena, "job %.*s wait %llu %llu", STR_ARG(next->id), next->jobs,
                                  next->polls);
}

/* --- calls --- */

static bool fail_job(const struct read_call *reading, struct str id, const char *what,
                     struct str words, const char *hint)
{
    struct vendor_connection *connection = reading->connection;
    return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_API,
                       arena_printf(connection->arena, "the query job %.*s %s%s%.*s", STR_ARG(id),
                                    what, words.len > 0 ? ": " : "", STR_ARG(words)),
                       hint);
}

static void set_page(const struct read_call *reading, const struct job_cursor *at)
{
    struct vendor_connection *connection = reading->connection;
    struct arena *arena = connection->arena;
    struct value *page = value_structure(arena);
    value_put_integer(arena, page, "offset", 0);
    value_put_text(arena, page, "job", at->id);
    if (at->size > 0)
        value_put_integer(arena, page, "size", (int64_t)at->size);
    if (at->locator.data)
        value_put_text(arena, page, "cursor", at->locator);
    connection->scope.page = page;
}

static bool call_job(const struct read_call *reading, const struct connector_call *call,
                     const struct job_cursor *at, struct vendor_response *ret_response)
{
    set_page(reading, at);
    return vendor_call(reading->connection, call, ret_response);
}

/* Whether the vendor says so of the job, by the call that has just failed. */
static bool is_forgotten(const struct read_call *reading)
{
    const struct verdict verdict = reading->connection->verdict;
    return verdict.status == reading->source->job->forgotten && verdict.kind != VERDICT_REJECTED &&
           verdict.kind != VERDICT_BLOCKED;
}

/* A lost answer leaves a job at the vendor that nothing reads; the query is the same. */
static bool create(const struct read_call *reading, unsigned long long jobs, struct read_page *page)
{
    const struct read_job *job = reading->source->job;
    struct vendor_connection *connection = reading->connection;
    struct vendor_response response;
    struct job_cursor next = {.jobs = jobs};
    if (job->url_at && !vendor_may_call_url(connection))
        return false;
    set_page(reading, &next);
    if (!read_set_statement(reading, STR_NULL) ||
        !call_job(reading, &job->create, &next, &response))
        return false;
    next.id = response.json ? pointer_text(connection->arena, response.json, job->id) : STR_NULL;
    if (!next.id.data || !is_id(next.id))
        return read_fail_page(reading,
                              "the answer to the new query job has no id that can be used");
    next.id = arena_copy(connection->arena, next.id);
    lead_to(page, &next);
    return true;
}

/* --- waiting --- */

enum job_state { JOB_RUNS, JOB_IS_DONE, JOB_IS_GONE, JOB_STATE_UNKNOWN };

static bool has_text(const struct connector_texts *texts, struct str text)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (str_eq(text, str_from(texts->rows[i])))
            return true;
    }
    return false;
}

/* JOB_STATE_UNKNOWN: with a verdict. *ret_url: where the results are, in the connection's arena. */
static enum job_state poll(const struct read_call *reading, const struct job_cursor *at,
                           struct str *ret_url)
{
    const struct read_job *job = reading->source->job;
    struct arena *arena = reading->connection->arena;
    struct vendor_response response;
    if (!call_job(reading, &job->state, at, &response))
        return is_forgotten(reading) ? JOB_IS_GONE : JOB_STATE_UNKNOWN;
    struct str state = response.json ? pointer_text(arena, response.json, job->state_at) : STR_NULL;
    if (has_text(&job->running, state))
        return JOB_RUNS;
    if (str_eq(state, str_from(job->done))) {
        struct str url = job->url_at ? pointer_text(arena, response.json, job->url_at) : STR_NULL;
        *ret_url = url.data ? arena_copy(arena, url) : STR_NULL;
        return JOB_IS_DONE;
    }
    if (!state.data)
        ignore_failure(read_fail_page(reading, "the query job's state cannot be read"));
    else
        ignore_failure(fail_job(
            reading, at->id, arena_printf(arena, "ended as %.*s", (int)state.len, state.data).data,
            pointer_text(arena, response.json, job->message),
            "Check the flow's object, fields and filters."));
    return JOB_STATE_UNKNOWN;
}

static int64_t pause_after(unsigned long long polls)
{
    int64_t pause_ms = READ_JOB_PAUSE_MS;
    for (unsigned long long i = 1; i < polls && pause_ms < READ_JOB_PAUSE_MAX_MS; i++)
        pause_ms *= 2;
    return pause_ms < READ_JOB_PAUSE_MAX_MS ? pause_ms : READ_JOB_PAUSE_MAX_MS;
}

static bool again(const struct read_call *reading, const struct job_cursor *at,
                  struct read_page *page)
{
    if (at->jobs + 1 >= READ_JOBS_MAX)
        return fail_job(reading, at->id, "is no longer known to the vendor", STR_NULL,
                        "Run the flow again.");
    return create(reading, at->jobs + 1, page);
}

/* *ret_done: the results can be read. Else the cursor of the next step is set. */
static bool wait_for_job(const struct read_call *reading, struct job_cursor *at,
                         struct read_page *page, bool *ret_done, struct str *ret_url)
{
    struct vendor_connection *connection = reading->connection;
    for (;;) {
        enum job_state state = poll(reading, at, ret_url);
        *ret_done = state == JOB_IS_DONE;
        if (state == JOB_IS_GONE)
            return again(reading, at, page);
        if (state != JOB_RUNS)
            return *ret_done;
        if (++at->polls >= READ_JOB_POLLS_MAX)
            return fail_job(reading, at->id, "has not ended in a day", STR_NULL,
                            "Let the flow read fewer records, by a filter on a date.");
        page->pause_ms = pause_after(at->polls);
        if (page->pause_ms > READ_JOB_NAP_MS || !vendor_has_time(connection, page->pause_ms)) {
            lead_to(page, at);
            return true;
        }
        vendor_pause(connection, page->pause_ms);
        if (!vendor_may_go_on(connection))
            return false;
    }
}

/* What a step has in the place of a page. */
static struct str no_records(const struct read_call *reading, struct arena *arena)
{
    const struct read_job *job = reading->source->job;
    return job->url_at ? arena_printf(arena, "{\"%s\":[]}", job->at + 1) : STR("");
}

/* --- results --- */

/* Line breaks that are in no quotes end rows; a last row may have none. -1: the page ends within
 * quotes. The header is no record. */
static int64_t count_records(struct str csv)
{
    int64_t rows = 0;
    unsigned quoted = 0;
    for (size_t i = 0; i < csv.len; i++) {
        quoted ^= csv.data[i] == '"';
        rows += csv.data[i] == '\n' && !quoted;
    }
    if (quoted)
        return -1;
    return rows + (csv.len > 0 && csv.data[csv.len - 1] != '\n') - 1;
}

/* The vendor says how many records a page has: one that was cut off on the way is asked for again.
 */
static bool is_whole(const struct read_call *reading, const struct vendor_response *response,
                     struct str body)
{
    unsigned long long said = 0;
    const struct str *header =
        client_header(&response->http, str_from(reading->source->job->count));
    int64_t rows = count_records(body);
    bool is_said = header && str_to_u64(*header, INT64_MAX, &said);
    return (rows >= 0 && is_said && (uint64_t)rows == said) ||
           read_fail_page(reading, is_said ? "the page has not as many records as the vendor says"
                                           : "the vendor does not say how many records the page "
                                             "has");
}

static bool follow(const struct read_call *reading, const struct job_cursor *at,
                   const struct vendor_response *response, struct read_page *page)
{
    const struct read_job *job = reading->source->job;
    const struct str *header = client_header(&response->http, str_from(job->locator));
    struct job_cursor next = *at;
    page->leads = true;
    page->next = STR_NULL;
    if (header && str_eq(*header, str_from(job->last)))
        return true;
    if (!header || !is_locator(*header))
        return read_fail_page(reading, "the vendor does not say where the next page is");
    next.is_done = true;
    next.locator = *header;
    lead_to(page, &next);
    return true;
}

/* All at once, from a URL. Where it is no longer good, the next step looks for another one: as
 * often as a job is made again. The last refusal is the verdict. */
static bool take_from_url(const struct read_call *reading, struct job_cursor *at, struct str url,
                          struct read_page *page)
{
    struct vendor_connection *connection = reading->connection;
    struct vendor_response response = {0};
    page->leads = true;
    page->next = STR_NULL;
    if (!url.data)
        return read_fail_page(reading, "the vendor does not say where the results are");
    if (read_page_take_url(connection, url, page, &response))
        return true;
    int status = response.http.outcome == CLIENT_OK ? response.http.status : 0;
    bool is_refused = status == 400 || status == 401 || status == 403 || status == 404;
    if (!is_refused || ++at->jobs >= READ_JOBS_MAX)
        return false;
    page->is_step = true;
    page->body = no_records(reading, page->arena);
    page->pause_ms = READ_JOB_PAUSE_MAX_MS;
    lead_to(page, at);
    return vendor_accept(connection, STEP_API);
}

static bool take_results(const struct read_call *reading, struct job_cursor *at,
                         struct read_page *page)
{
    const struct read_job *job = reading->source->job;
    struct vendor_connection *connection = reading->connection;
    struct vendor_response response = {0};
    if (at->size == 0)
        at->size = (unsigned long long)reading->source->size;
    set_page(reading, at);
    bool taken = read_page_take(connection, &job->results, STR_NULL, page, &response);
    /* Fewer records of such a length fit. */
    while (!taken && !page->is_past_most && response.http.outcome == CLIENT_TOO_LARGE &&
           at->size / 4 >= READ_JOB_SIZE_MIN) {
        at->size /= 4;
        set_page(reading, at);
        taken = read_page_take(connection, &job->results, STR_NULL, page, &response);
    }
    return taken && is_whole(reading, &response, page->body) &&
           follow(reading, at, &response, page);
}

bool read_job_page(const struct read_call *reading, struct str cursor, struct read_page *page)
{
    struct job_cursor at;
    struct str url = STR_NULL;
    bool is_done = true;
    bool is_json = reading->source->job->url_at != NULL;
    page->format = is_json ? READ_JSON : READ_CSV;
    page->path = is_json ? arena_cstr(page->arena, str_from(reading->source->job->at)) : NULL;
    if (!split(cursor, &at))
        return read_fail_page(reading, "the place to go on from cannot be read");
    page->is_step = !at.is_done;
    page->body = no_records(reading, page->arena);
    if (!at.id.data)
        return create(reading, 0, page);
    if (!at.is_done && !wait_for_job(reading, &at, page, &is_done, &url))
        return false;
    if (!is_done)
        return true;
    page->is_step = false;
    page->pause_ms = 0;
    if (reading->source->job->url_at)
        return take_from_url(reading, &at, url, page);
    if (take_results(reading, &at, page))
        return true;
    if (!is_forgotten(reading))
        return false;
    if (at.is_done)
        return fail_job(reading, at.id, "is no longer known to the vendor", STR_NULL,
                        "A part of its records was read. Run the flow again.");
    page->is_step = true;
    page->body = no_records(reading, page->arena);
    return again(reading, &at, page);
}

/* --- whether a job is due --- */

bool read_job_is_due(const struct read_call *reading, const struct read_page *page)
{
    const struct read_source *source = reading->source;
    struct arena *arena = reading->connection->arena;
    struct str before, rest, total, quoted = arena_printf(arena, "\"%s\":", source->total_at);
    unsigned long long records;
    if (!str_cut(page->body, '[', &before, &rest))
        return false;
    const char *at = memmem(before.data, before.len, quoted.data, quoted.len);
    if (!at)
        return false;
    at += quoted.len;
    total = str_trim((struct str){at, (size_t)(before.data + before.len - at)});
    for (size_t digits = 0; digits < total.len; digits++) {
        if (!ascii_is_digit(total.data[digits]))
            total.len = digits;
    }
    return str_to_u64(total, INT64_MAX, &records) && records >= source->large_from;
}

/* --- the end --- */

/* A job that has ended may only be removed, and one that has not must be aborted before. */
bool http_read_end(struct vendor_connection *connection, const struct read_query *query,
                   struct str cursor)
{
    struct read_call reading;
    struct vendor_response response;
    struct job_cursor at;
    if (!read_call_begin(connection, query, cursor, &reading))
        return false;
    if (reading.source->export)
        return read_export_end(&reading, cursor);
    if (!reading.source->job || !split(cursor, &at) || !at.id.data)
        return vendor_accept(connection, STEP_API);
    const struct read_job *job = reading.source->job;
    if (!at.is_done && job->abort.method && !call_job(&reading, &job->abort, &at, &response) &&
        connection->state != VENDOR_READY)
        return false;
    if (!job->remove.method)
        return vendor_accept(connection, STEP_API);
    return call_job(&reading, &job->remove, &at, &response) ||
           (is_forgotten(&reading) && vendor_accept(connection, STEP_API));
}

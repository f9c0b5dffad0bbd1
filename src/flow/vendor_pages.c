/* A page's bytes are freed once its records were taken, or before it is asked for again. */
#include "flow/vendor_pages.h"

#include "base/clock.h"
#include "base/fault.h"
#include "connector/connection.h"
#include "connector/connector.h"
#include "record/json_rest.h"
#include "work/cpu_slots.h"
#include "work/side_thread.h"

enum { LOOK_MS = 100 }; /* while the call for a page ahead is waited for */

static const struct run_vendor_use reads = {
    .does = "reads",
    .call_ms = 2 * 60 * 1000,
    .fits = connector_has_records,
    .is_source = true,
};

bool vendor_pages_open(struct vendor_pages *self, struct flow_engine_run *run,
                       const struct flow_end *source, const struct read_query *query,
                       struct error *error)
{
    *self = (struct vendor_pages){
        .query = query,
        .memory = {.kind = ARENA_PLAIN, .meter = run->arena->meter},
        .ahead = {.memory = {.kind = ARENA_PLAIN, .meter = run->arena->meter}},
    };
    return run_vendor_open(&self->vendor, run, &reads, source, query->entity, error);
}

static const struct connector_ops *ops_of(const struct vendor_pages *self)
{
    return self->vendor.access.target.connector->ops;
}

/* --- the page ahead --- */

/* The page that a user's function gives takes three times its length while it is made. */
static bool may_look_ahead(const struct vendor_pages *self)
{
    const struct run_vendor *vendor = &self->vendor;
    return !self->ahead.is_off && !self->ahead.is_begun && vendor->access.connection &&
           vendor->access.target.connector->http && vendor->calls_left > 0 && !self->page.is_step &&
           !self->page.leads_to_step && self->page.body.len <= READ_PAGE_MAX / 2;
}

static bool has_rest(const struct read_page *page)
{
    return page->format == READ_JSON && page->path && !page->leads;
}

/* Sets the cursor. False: what follows is not known, or nothing does. */
static bool guess(struct vendor_pages *self)
{
    struct page_ahead *ahead = &self->ahead;
    const struct read_page *page = &self->page;
    arena_reset(&ahead->memory);
    ahead->rest = STR_NULL;
    if (has_rest(page) && !json_rest_guess(page->body, page->path, &ahead->memory, &ahead->rest))
        return false;
    const struct read_page_end end = {page, self->cursor, ahead->rest, READ_RECORDS_UNKNOWN};
    return ops_of(self)->read_next(self->vendor.access.connection, self->query, &end,
                                   &ahead->memory, &ahead->cursor) &&
           ahead->cursor.data;
}

/* On the side thread. */
static void read_ahead(void *context)
{
    struct vendor_pages *self = context;
    struct page_ahead *ahead = &self->ahead;
    ahead->is_read = ops_of(self)->read(self->vendor.access.connection, self->query, ahead->cursor,
                                        &ahead->page);
    ahead->ended_ms = clock_mono_ms();
    ahead->was_held = self->vendor.gate.has_held;
    if (!ahead->is_read) /* the run may work on its page for long, and may call for that itself */
        flow_vendor_gate_step_aside(&self->vendor.gate);
    fault_point("ahead:read");
}

void vendor_pages_look_ahead(struct vendor_pages *self)
{
    struct page_ahead *ahead = &self->ahead;
    if (!may_look_ahead(self) || !guess(self))
        return;
    if (!ahead->side)
        ahead->side = side_thread_new();
    ahead->page_memory = (struct arena){.kind = ARENA_PLAIN, .meter = &self->vendor.memory.meter};
    ahead->page = (struct read_page){
        .arena = &ahead->page_memory,
        .most = READ_PAGE_MAX - self->page.body.len,
        .is_over = &ahead->is_unwanted,
    };
    ahead->is_unwanted = false;
    run_vendor_lend(&self->vendor);
    ahead->is_begun = side_thread_begin(ahead->side, read_ahead, self);
    if (!ahead->is_begun)
        run_vendor_take_back(&self->vendor);
}

/* The call ends as soon as that can be. */
static void abandon(struct vendor_pages *self)
{
    self->ahead.is_unwanted = true;
    run_vendor_abandon(&self->vendor);
}

/* Waits for the end of the call, as for one of the run's own. */
static void take_back(struct vendor_pages *self)
{
    struct flow_engine_run *run = self->vendor.run;
    int64_t began_ms = clock_mono_ms();
    bool ended = !self->ahead.is_begun;
    while (!ended) {
        slot_release();
        ended = side_thread_wait(self->ahead.side, LOOK_MS);
        slot_acquire();
        bool is_long = run->is_at_checkpoint && clock_mono_ms() - began_ms > VENDOR_HOLD_MS;
        if (!ended && flow_engine_is_to_end(run))
            abandon(self);
        else if (!ended && is_long)
            run_vendor_hurry(&self->vendor);
    }
    run_vendor_take_back(&self->vendor);
}

static void drop_ahead(struct vendor_pages *self)
{
    struct page_ahead *ahead = &self->ahead;
    if (!ahead->is_begun)
        return;
    abandon(self);
    take_back(self);
    arena_done(&ahead->page_memory);
    ahead->is_begun = false;
    if (self->vendor.calls_left > 0)
        self->vendor.calls_left--;
}

/* Whether it was refused for a time that is over; what is left of another caller's the gate knows.
 */
static bool may_call_again(const struct vendor_pages *self)
{
    const struct vendor_connection *connection = self->vendor.access.connection;
    const struct verdict verdict = vendor_verdict(connection);
    bool says_when = verdict.retry_after_ms > 0;
    int64_t wait_ms = says_when ? verdict.retry_after_ms : RUN_VENDOR_PAUSE_MS;
    bool is_over = clock_mono_ms() - self->ahead.ended_ms >= wait_ms;
    return vendor_state(connection) == VENDOR_READY &&
           (self->ahead.was_held || (is_over && (says_when || verdict.kind == VERDICT_THROTTLED)));
}

/* The call for the page at hand was made ahead. False: it failed, as its connection says; or, with
 * *ret_again, there was no room for it, or what it waits for is over: it is to be made now. */
static bool use_ahead(struct vendor_pages *self, bool *ret_again)
{
    struct page_ahead *ahead = &self->ahead;
    self->page = ahead->page;
    self->memory = ahead->page_memory;
    arena_set_meter(&self->memory, self->vendor.run->arena->meter);
    self->page.arena = &self->memory;
    ahead->page_memory = (struct arena){0};
    ahead->is_begun = false;
    *ret_again = self->page.is_past_most || (!ahead->is_read && may_call_again(self));
    ahead->is_off |= self->page.is_past_most;
    self->vendor.gate.has_held = ahead->was_held && !*ret_again;
    self->vendor.gate.passed_ms = *ret_again ? 0 : clock_mono_ms() - ahead->ended_ms;
    return ahead->is_read;
}

/* --- the page at hand --- */

static bool read_page(void *context, struct vendor_connection *connection)
{
    struct vendor_pages *self = context;
    bool again = true;
    arena_done(&self->memory);
    if (self->ahead.is_begun) {
        bool is_read = use_ahead(self, &again);
        if (is_read || !again)
            return is_read;
        arena_done(&self->memory);
    }
    self->page = (struct read_page){.arena = &self->memory};
    return ops_of(self)->read(connection, self->query, self->cursor, &self->page);
}

bool vendor_pages_read(struct vendor_pages *self, struct str cursor, struct error *error)
{
    self->cursor = cursor;
    if (self->ahead.is_begun && !(cursor.data && str_eq(self->ahead.cursor, cursor)))
        drop_ahead(self);
    take_back(self);
    return run_vendor_do(&self->vendor, read_page, self, error);
}

/* What the guess was made of is so. */
static bool is_as_guessed(const struct vendor_pages *self, struct str rest, uint64_t records)
{
    const struct page_ahead *ahead = &self->ahead;
    bool is_same = ahead->rest.data ? str_eq(ahead->rest, rest) : !rest.data;
    return ahead->is_begun && is_same && records > 0;
}

/* A call ahead that has failed is made again, since the next cursor takes its connection's words.
 */
static bool find_next(struct vendor_pages *self, const struct read_page_end *end,
                      struct arena *arena, struct str *ret_cursor, struct error *error)
{
    take_back(self);
    struct vendor_connection *connection = self->vendor.access.connection;
    if (!ops_of(self)->read_next(connection, self->query, end, arena, ret_cursor)) {
        const struct verdict verdict = vendor_verdict(connection);
        return run_vendor_fail(&self->vendor, &verdict, error);
    }
    if (!self->ahead.is_begun || self->ahead.is_read)
        return true;
    drop_ahead(self);
    return run_vendor_close(&self->vendor, error);
}

bool vendor_pages_next(struct vendor_pages *self, struct str rest, uint64_t records,
                       struct arena *arena, struct str *ret_cursor, struct error *error)
{
    const struct read_page_end end = {&self->page, self->cursor, rest, records};
    if (is_as_guessed(self, rest, records))
        *ret_cursor = arena_copy(arena, self->ahead.cursor);
    else if (!find_next(self, &end, arena, ret_cursor, error))
        return false;
    arena_done(&self->memory);
    return true;
}

bool vendor_pages_fail(struct vendor_pages *self, const char *what, struct error *error)
{
    const struct verdict verdict = {
        .kind = VERDICT_UNREACHABLE, .step = STEP_API, .message = str_from(what)};
    drop_ahead(self);
    return run_vendor_fail(&self->vendor, &verdict, error);
}

void vendor_pages_done(struct vendor_pages *self)
{
    drop_ahead(self);
    side_thread_free(self->ahead.side);
    run_vendor_done(&self->vendor);
    arena_done(&self->ahead.memory);
    arena_done(&self->memory);
}

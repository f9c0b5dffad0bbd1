/* Pages of a profile's vendor, one at a time, each whole in memory. While a page cannot be had, it
 * is asked for again (run_vendor.h).
 *
 * While the records of a page are worked on, a side thread asks for the next one. Which that is, is
 * guessed from the beginning and the end of the page (record/json_rest.h), and checked when its
 * records were taken; a page that was guessed wrongly is not used. Whatever else stands in the way
 * of such a call, the run meets when it needs the page, as if it had asked only then. Both pages
 * together take READ_PAGE_MAX bytes at most. */
#pragma once

#include "connector/reading.h"
#include "flow/run_vendor.h"

#include <stdatomic.h>

struct side_thread;

/* The page behind the one at hand. */
struct page_ahead {
    struct side_thread *side; /* NULL: no page was asked for ahead yet */
    bool is_begun;            /* the call: it is under way, or its end was not looked at */
    bool is_off;              /* two pages take too much */
    atomic_bool is_unwanted;  /* what is under way: it is not used, whatever comes of it */
    struct arena memory;      /* of the next two */
    struct str cursor;        /* of the page */
    struct str rest;          /* of the page at hand, as it was guessed */
    /* The side thread's while the call is under way: */
    struct read_page page;
    struct arena page_memory;
    bool is_read;
    bool was_held;    /* by the gate */
    int64_t ended_ms; /* on clock_mono_ms() */
};

struct vendor_pages {
    struct read_page page;    /* that was read last */
    struct run_vendor vendor; /* its connection is open after a page was read */
    /* Its own. */
    const struct read_query *query;
    struct str cursor;   /* of the page that is read */
    struct arena memory; /* of the page */
    struct page_ahead ahead;
};

/* Loads the profile of the flow's source: errors as run_vendor_open. All of it outlives the pages;
 * of the query what is changed before the first page counts. vendor_pages_done is called in any
 * case. */
_must_use_ bool vendor_pages_open(struct vendor_pages *self, struct flow_engine_run *run,
                                  const struct flow_end *source, const struct read_query *query,
                                  struct error *error);

/* The page of the cursor (connector_ops.read). Waits. Errors as flow_source_ops.read; they name the
 * profile. */
_must_use_ bool vendor_pages_read(struct vendor_pages *self, struct str cursor,
                                  struct error *error);

/* Asks for the page behind the one that was read last, if it can be guessed which that is. */
void vendor_pages_look_ahead(struct vendor_pages *self);

/* What the page that was read last came to: the cursor of the next page, in the arena; STR_NULL:
 * there is none. Frees the page. `rest` as read_page_end has it. */
_must_use_ bool vendor_pages_next(struct vendor_pages *self, struct str rest, uint64_t records,
                                  struct arena *arena, struct str *ret_cursor, struct error *error);

/* Always false: what the vendor does wrong. */
_must_use_ bool vendor_pages_fail(struct vendor_pages *self, const char *what, struct error *error);

/* Stores tokens that were renewed. Also of zeroed ones. */
void vendor_pages_done(struct vendor_pages *self);

/* Pages of a profile's vendor, one at a time, each whole in memory. While a page cannot be had, it
 * is asked for again (run_vendor.h). */
#pragma once

#include "connector/reading.h"
#include "flow/run_vendor.h"

struct vendor_pages {
    struct read_page page;    /* that was read last */
    struct run_vendor vendor; /* its connection is open after a page was read */
    /* Its own. */
    const struct read_query *query;
    struct str cursor;   /* of the page that is read */
    struct arena memory; /* of the page */
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

/* The page that was read last, with what its records came to; see connector_ops.read_next. */
struct vendor_page_end {
    struct str cursor; /* of the page */
    struct str rest;
    uint64_t records;
};
/* The cursor of the next page, in the arena; STR_NULL: there is none. Frees the page. */
_must_use_ bool vendor_pages_next(struct vendor_pages *self, const struct vendor_page_end *page,
                                  struct arena *arena, struct str *ret_cursor, struct error *error);

/* Always false: what the vendor does wrong. */
_must_use_ bool vendor_pages_fail(const struct vendor_pages *self, const char *what,
                                  struct error *error);

/* Stores tokens that were renewed. Also of zeroed ones. */
void vendor_pages_done(struct vendor_pages *self);

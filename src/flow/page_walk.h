/* Notices that a vendor's pages of records lead nowhere: in a circle, or on and on without a
 * record. */
#pragma once

#include "base/arena.h"

#include <stdint.h>

enum { PAGE_WALK_EMPTY_MAX = 1000 }; /* pages in a row without a record */

struct page_walk {
    /* An earlier cursor, of page 1, 2, 4, 8, …: pages that go in a circle come back to one. */
    struct arena marks;
    struct str mark;
    uint64_t count;   /* pages that led to another */
    uint64_t mark_at; /* the count at which the next mark is made */
    uint64_t empty;   /* pages in a row without a record */
};

/* The meter counts its memory; it may be NULL. */
void page_walk_init(struct page_walk *walk, struct arena_meter *meter);
void page_walk_done(struct page_walk *walk);

/* From a page with so many records to the page of the cursor. NULL, else what the vendor does
 * wrong. */
const char *page_walk_step(struct page_walk *walk, struct str cursor, uint64_t records);

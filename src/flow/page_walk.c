/* Circles are found with one mark, which is moved on at distances that double (Brent's way): a
 * circle of n pages behind m others is noticed after less than 3 * (m + n) pages. */
#include "flow/page_walk.h"

void page_walk_init(struct page_walk *walk, struct arena_meter *meter)
{
    *walk = (struct page_walk){.marks = {.kind = ARENA_PLAIN, .meter = meter}, .mark_at = 1};
}

void page_walk_done(struct page_walk *walk)
{
    arena_done(&walk->marks);
}

const char *page_walk_step(struct page_walk *walk, struct str cursor, uint64_t records)
{
    walk->empty = records > 0 ? 0 : walk->empty + 1;
    if (walk->empty > PAGE_WALK_EMPTY_MAX)
        return "the vendor gives page after page without a record";
    if (walk->mark.data && str_eq(walk->mark, cursor))
        return "the pages of records go in a circle";
    if (++walk->count >= walk->mark_at) {
        arena_reset(&walk->marks);
        walk->mark = arena_copy(&walk->marks, cursor);
        walk->mark_at = 2 * walk->count;
    }
    return NULL;
}

/* Pages that lead nowhere are noticed, and others are not. */
#include "cmocka_all.h"

#include "flow/page_walk.h"

#include <stdio.h>
#include <string.h>

static const char *step(struct page_walk *walk, unsigned page, uint64_t records)
{
    char cursor[16];
    snprintf(cursor, sizeof(cursor), "c%u", page);
    return page_walk_step(walk, str_from(cursor), records);
}

static void many_pages_lead_on(void **state)
{
    (void)state;
    struct page_walk walk;
    page_walk_init(&walk, NULL);
    for (unsigned i = 0; i < 100 * 1000; i++)
        assert_null(step(&walk, i, i % PAGE_WALK_EMPTY_MAX == 0));
    assert_int_equal(walk.count, 100 * 1000);
    page_walk_done(&walk);
}

static void a_circle_is_noticed(void **state)
{
    (void)state;
    for (unsigned before = 0; before < 40; before++) {
        for (unsigned length = 1; length < 40; length++) {
            struct page_walk walk;
            const char *fault = NULL;
            unsigned i = 0;
            page_walk_init(&walk, NULL);
            for (; !fault && i <= 3 * (before + length); i++)
                fault = step(&walk, i < before ? i : before + (i - before) % length, 1);
            assert_string_equal(fault, "the pages of records go in a circle");
            assert_true(i > before + length); /* a cursor came again */
            page_walk_done(&walk);
        }
    }
}

static void pages_without_a_record_end(void **state)
{
    (void)state;
    struct page_walk walk;
    unsigned page = 0;
    page_walk_init(&walk, NULL);
    for (int i = 0; i < PAGE_WALK_EMPTY_MAX; i++)
        assert_null(step(&walk, page++, 0));
    assert_null(step(&walk, page++, 1));
    for (int i = 0; i < PAGE_WALK_EMPTY_MAX; i++)
        assert_null(step(&walk, page++, 0));
    assert_string_equal(step(&walk, page, 0), "the vendor gives page after page without a record");
    page_walk_done(&walk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_pages_lead_on),
        cmocka_unit_test(a_circle_is_noticed),
        cmocka_unit_test(pages_without_a_record_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the sandbox's reader of OData's $filter does with input that is meant to break it. Filters
 * with results are in tests/cases/test_sandbox_odata.py. */
#include "cmocka_all.h"

#include "base/buf.h"
#include "sandbox/catalog.h"
#include "sandbox/records/odata_query.h"

#include <string.h>

enum { TEXT_MAX = 16 * 1024 };

static const struct sample_entity *orders(void)
{
    struct error error;
    size_t index;
    const struct catalog *catalog = catalog_builtin(&error);
    assert_non_null(catalog);
    return sample_find(catalog_by_name(catalog, STR("SAPOData"), &index)->records, STR("Order"));
}

/* How many orders a filter selects; -1: it is refused, with a reason. */
static int selected(struct str filter, int version)
{
    struct arena arena = {0};
    struct sample_query query = {.entity = orders(), .limit = SIZE_MAX};
    struct str why = STR_NULL;
    int count = -1;
    if (odata_filter_read(filter, version, &arena, &query, &why))
        count = (int)query_select(&query, &arena).count;
    else
        assert_true(why.len > 0);
    arena_done(&arena);
    return count;
}

/* Every prefix of a filter, and the filter with each byte replaced: an answer or a reason. */
static void broken_filters_are_refused(void **state)
{
    static const char whole[] = "(not (Amount gt -12.50) and ChangedAt ge 2024-01-01T00:00:00Z) or "
                                "OrderID eq 'a''b' or Amount eq null";
    size_t good = 0, refused = 0;
    (void)state;
    for (size_t at = 0; at < 2 * sizeof(whole); at++) {
        struct arena arena = {0};
        size_t len = at < sizeof(whole) ? at : sizeof(whole) - 1;
        char *text = arena_alloc(&arena, len + 1);
        memcpy(text, whole, len);
        if (at >= sizeof(whole))
            text[(at - sizeof(whole)) % len] = "'()% ,-"[at % 7];
        bool read = selected((struct str){text, len}, 4) >= 0;
        good += read;
        refused += !read;
        arena_done(&arena);
    }
    assert_true(good > 5);
    assert_true(refused > 100);
    assert_true(selected(STR("Amount gt 1d"), 2) > 0);
    assert_int_equal(selected(STR("Amount gt 1d"), 4), -1);
}

static int repeated(const char *begin, const char *part, size_t times, const char *end)
{
    struct arena arena = {0};
    struct buf text = buf_in(&arena, TEXT_MAX);
    buf_add_cstr(&text, begin);
    for (size_t i = 0; i < times; i++)
        buf_add_cstr(&text, part);
    buf_add_cstr(&text, end);
    int count = selected(buf_str(&text), 4);
    arena_done(&arena);
    return count;
}

static void large_filters_have_limits(void **state)
{
    (void)state;
    assert_true(repeated("Amount ne 1", " and Amount ne 1", ODATA_TERMS_MAX - 1, "") > 0);
    assert_int_equal(repeated("Amount ne 1", " and Amount ne 1", ODATA_TERMS_MAX, ""), -1);
    assert_true(repeated("", "not ", ODATA_DEPTH_MAX - 2, "Amount ne 1") > 0);
    assert_int_equal(repeated("", "not ", ODATA_DEPTH_MAX, "Amount ne 1"), -1);
    assert_int_equal(repeated("", "(", ODATA_DEPTH_MAX, "Amount ne 1"), -1);
}

static int prepare(void **state)
{
    (void)state;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_filters_are_refused),
        cmocka_unit_test(large_filters_have_limits),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}

/* How the sandbox's records are made and written, and what its query language does with input that
 * is meant to break it. Queries with results are in tests/cases/test_sandbox_records.py. */
#include "cmocka_all.h"

#include "base/buf.h"
#include "sandbox/catalog.h"
#include "sandbox/records/pages.h"
#include "sandbox/records/sample_time.h"
#include "sandbox/records/soql.h"
#include "sandbox/records/table_query.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void doubles_are_those_of_java(void **state)
{
    static const struct {
        int64_t number;
        int scale;
        const char *text;
    } cases[] = {
        {0, 0, "0.0"},
        {0, 4, "0.0"},
        {1, 0, "1.0"},
        {-1, 0, "-1.0"},
        {35, 2, "0.35"},
        {100, 0, "100.0"},
        {1050, 2, "10.5"},
        {9999999, 0, "9999999.0"},
        {10000000, 0, "1.0E7"},
        {123500000, 0, "1.235E8"},
        {12350000000, 2, "1.235E8"},
        {5, 3, "0.005"},
        {5, 4, "5.0E-4"},
        {-123, 6, "-1.23E-4"},
        {999999999999999, 0, "9.99999999999999E14"},
        {1234567, 5, "12.34567"},
    };
    struct sample_forms forms = {.numbers = NUMBERS_DOUBLE};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sample_cell cell = {
            .kind = SAMPLE_DECIMAL, .number = cases[i].number, .scale = cases[i].scale};
        struct buf out = buf_on_heap(64);
        sample_print(&out, &forms, &cell);
        assert_string_equal(out.data, cases[i].text);
        buf_done(&out);
    }
}

static void numbers_in_other_forms(void **state)
{
    static const struct {
        enum sample_numbers numbers;
        const char *decimal, *integer, *flag, *nothing;
    } cases[] = {
        {NUMBERS_PLAIN, "-0.50", "7", "true", "null"},
        {NUMBERS_QUOTED, "\"-0.50\"", "7", "true", "null"},
        {NUMBERS_TEXT, "\"-0.50\"", "\"7\"", "\"true\"", "\"\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sample_forms forms = {.numbers = cases[i].numbers};
        struct sample_cell cells[] = {{.kind = SAMPLE_DECIMAL, .number = -50, .scale = 2},
                                      {.kind = SAMPLE_INTEGER, .number = 7},
                                      {.kind = SAMPLE_FLAG, .number = 1},
                                      {.kind = SAMPLE_NULL}};
        const char *texts[] = {cases[i].decimal, cases[i].integer, cases[i].flag, cases[i].nothing};
        for (size_t k = 0; k < 4; k++) {
            struct buf out = buf_on_heap(64);
            sample_print(&out, &forms, &cells[k]);
            assert_string_equal(out.data, texts[k]);
            buf_done(&out);
        }
    }
}

static void times_come_back(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: it is no time */
    } cases[] = {
        {"2024-02-29T12:34:56Z", 1709210096000},
        {"2024-02-29T12:34:56.789Z", 1709210096789},
        {"2024-02-29T12:34:56+01:00", 1709206496000},
        {"2024-02-29T12:34:56.5-0130", 1709215496500},
        {"2024-02-29T12:34:56.9999Z", 1709210096999},
        {"2024-02-29T12:34:60Z", -1},
        {"2024-02-29T12:34:56+01", -1},
        {"2024-02-29T12:34:56,5Z", -1},
        {"2024-02-29T12:34:56", -1},
        {"2023-02-29T12:34:56Z", -1},
        {"2024-02-29T24:00:00Z", -1},
        {"2024-02-29T12:34:56+1:00", -1},
        {"2024-02-29 12:34:56Z", -1},
        {"2024-02-29T12:34Z", -1},
        {"2024-02-29T12:34:56+99:00", -1},
        {"", -1},
    };
    int64_t ms, days;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool good = sample_time_parse(str_from(cases[i].text), false, &ms);
        assert_int_equal(good ? ms : -1, cases[i].ms);
    }
    assert_true(sample_time_parse(STR("2024-02-29T12:34:56"), true, &ms));
    assert_true(sample_day_parse(STR("2000-02-29"), &days));
    assert_int_equal(days, 11016);
    assert_false(sample_day_parse(STR("2001-02-29"), &days));
    assert_false(sample_day_parse(STR("2001-2-290"), &days));
    struct buf out = buf_on_heap(64);
    sample_time_print(&out, STR("%d.%m.%Y %H:%M:%S.%L|%Q"), 1709210096789);
    assert_string_equal(out.data, "29.02.2024 12:34:56.789|1709210096789");
    buf_done(&out);
}

enum { TEXT_MAX = 16 * 1024 }; /* bytes of a query; its parser leaves that limit to callers */

static const struct sample_set *set_of(struct str connector)
{
    struct error error;
    size_t index;
    const struct catalog *catalog = catalog_builtin(&error);
    assert_non_null(catalog);
    return catalog_by_name(catalog, connector, &index)->records;
}

static const struct sample_set *a_set(void)
{
    return set_of(STR("Salesforce"));
}

/* Every prefix of a query, and the query with each byte replaced: an answer or a refusal. */
static void broken_queries_are_refused(void **state)
{
    static const char whole[] =
        "SELECT Id, Name FROM Account WHERE (NOT Name LIKE '%\\'\\\\x%' AND CreatedDate >= "
        "2024-01-01T00:00:00Z) OR Type IN ('a', 'b') ORDER BY Name DESC NULLS LAST LIMIT 5";
    const struct sample_set *set = a_set();
    size_t good = 0, refused = 0;
    (void)state;
    for (size_t at = 0; at < 2 * sizeof(whole); at++) {
        struct arena arena = {0};
        struct soql_query query;
        struct soql_refusal refusal = {0};
        size_t len = at < sizeof(whole) ? at : sizeof(whole) - 1;
        char *text = arena_alloc(&arena, len + 1);
        memcpy(text, whole, len);
        if (at >= sizeof(whole))
            text[(at - sizeof(whole)) % len] = "'\"()%,\\"[at % 7];
        bool read =
            soql_parse(LANGUAGE_SOQL, (struct str){text, len}, set, &arena, &query, &refusal);
        assert_int_equal(read, refusal.code == NULL);
        if (read)
            query_select(&query.query, &arena);
        good += read;
        refused += !read;
        arena_done(&arena);
    }
    assert_true(good > 5);
    assert_true(refused > 100);
}

static bool reads(struct buf *query, struct soql_query *ret_query, struct arena *arena)
{
    struct soql_refusal refusal;
    return soql_parse(LANGUAGE_SOQL, buf_str(query), a_set(), arena, ret_query, &refusal);
}

static void large_queries_have_limits(void **state)
{
    struct arena arena = {0};
    struct soql_query query;
    struct buf tests = buf_in(&arena, TEXT_MAX), values = buf_in(&arena, TEXT_MAX);
    (void)state;
    buf_add_cstr(&tests, "SELECT Id FROM Account WHERE Name != 'a'");
    for (size_t i = 1; i < SOQL_TESTS_MAX; i++)
        buf_add_cstr(&tests, " AND Name != 'a'");
    assert_true(reads(&tests, &query, &arena));
    assert_int_equal(query_select(&query.query, &arena).count, 2510);
    buf_add_cstr(&tests, " AND Name != 'a'");
    assert_false(reads(&tests, &query, &arena));
    buf_add_cstr(&values, "SELECT Id FROM Account WHERE Name IN ('a'");
    for (size_t i = 1; i < SOQL_VALUES_MAX; i++)
        buf_add_cstr(&values, ",'a'");
    struct buf more = buf_in(&arena, TEXT_MAX);
    buf_add(&more, buf_str(&values));
    buf_add_cstr(&values, ")");
    buf_add_cstr(&more, ",'a')");
    assert_true(reads(&values, &query, &arena));
    assert_int_equal(query.query.condition->value_count, SOQL_VALUES_MAX);
    assert_false(reads(&more, &query, &arena));
    arena_done(&arena);
}

/* "…LIKE '%_%_z'": so many bytes of a pattern, which must be odd. */
static struct buf like_query(struct arena *arena, size_t pattern_len)
{
    struct buf text = buf_in(arena, TEXT_MAX);
    buf_add_cstr(&text, "SELECT Id FROM Account WHERE Website LIKE '");
    for (size_t i = 0; i < pattern_len / 2; i++)
        buf_add_cstr(&text, "%_");
    buf_add_cstr(&text, "z'");
    return text;
}

/* A pattern with many '%' on a text that nearly fits it: no exponential search. */
static void patterns_are_short_and_searched_once(void **state)
{
    struct arena arena = {0};
    struct soql_query query;
    struct soql_refusal refusal;
    struct buf text = like_query(&arena, QUERY_PATTERN_MAX - 1);
    (void)state;
    assert_true(reads(&text, &query, &arena));
    assert_int_equal(query_select(&query.query, &arena).count, 0);
    text = like_query(&arena, QUERY_PATTERN_MAX + 1);
    assert_false(soql_parse(LANGUAGE_SOQL, buf_str(&text), a_set(), &arena, &query, &refusal));
    assert_string_equal(refusal.code, "MALFORMED_QUERY");
    arena_done(&arena);
}

/* --- tables --- */

/* How many incidents an encoded query selects; -1: it is refused. A part comes so many times. */
static int incidents(const char *begin, const char *part, size_t times)
{
    struct arena arena = {0};
    struct buf text = buf_in(&arena, TEXT_MAX);
    struct sample_query query = {.entity = sample_find(set_of(STR("Servicenow")), STR("incident")),
                                 .limit = SIZE_MAX};
    assert_non_null(query.entity);
    buf_add_cstr(&text, begin);
    for (size_t i = 0; i < times; i++)
        buf_add_cstr(&text, part);
    int count = -1;
    if (table_query_read(buf_str(&text), &arena, &query))
        count = (int)query_select(&query, &arena).count;
    arena_done(&arena);
    return count;
}

/* A condition that is left out selects every record, so one that is too long is none of those. */
static void long_conditions_of_tables_are_refused(void **state)
{
    int all = incidents("", "", 0);
    (void)state;
    assert_true(all > 0);
    assert_int_equal(incidents("numberINx", ",x", TABLE_VALUES_MAX - 1), 0);
    assert_int_equal(incidents("numberINx", ",x", TABLE_VALUES_MAX), -1);
    assert_int_equal(incidents("numberNOT INx", ",x", TABLE_VALUES_MAX), -1);
    assert_int_equal(incidents("sys_updated_onINx", ",x", 1), all);
    assert_int_equal(incidents("numberLIKE", "x", QUERY_PATTERN_MAX - 2), 0);
    assert_int_equal(incidents("numberLIKE", "x", QUERY_PATTERN_MAX), -1);
}

/* Without a byte behind them that could be read. */
static void selections_that_break_off_are_refused(void **state)
{
    static const struct {
        enum records_selection language;
        const char *text;
    } cases[] = {
        {SELECTION_CALLS, "status(\"OPEN\\"}, {SELECTION_CALLS, "status(\""},
        {SELECTION_CALLS, "status(\"\""},     {SELECTION_CLAUSE, "status = 'a\\"},
        {SELECTION_CLAUSE, "status = 'a'"},
    };
    const struct sample_entity none = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct arena arena = {.kind = ARENA_PLAIN};
        struct str text = str_from(cases[i].text);
        char *exact = malloc(text.len);
        const struct query_condition *condition;
        assert_non_null(exact);
        memcpy(exact, text.data, text.len);
        assert_false(pages_select(cases[i].language, &none, (struct str){exact, text.len}, NULL,
                                  &arena, &condition));
        free(exact);
        arena_done(&arena);
    }
}

static int prepare(void **state)
{
    (void)state;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_are_those_of_java),
        cmocka_unit_test(numbers_in_other_forms),
        cmocka_unit_test(times_come_back),
        cmocka_unit_test(broken_queries_are_refused),
        cmocka_unit_test(large_queries_have_limits),
        cmocka_unit_test(patterns_are_short_and_searched_once),
        cmocka_unit_test(long_conditions_of_tables_are_refused),
        cmocka_unit_test(selections_that_break_off_are_refused),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}

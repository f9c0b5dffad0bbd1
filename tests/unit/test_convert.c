/* Conversions of values: every pair of kinds, decimals of some digits, and texts that come back as
 * they were. */
#include "arena_fixture.h"

#include "base/encode.h"
#include "record/convert.h"
#include "record/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a name such as "timestamp", and the text after it: numbers in digits, timestamps in
 * microseconds with "z" behind those that had a zone, dates in days, bytes as they are. */
static struct record_cell cell_of(const char *kind_name, const char *text)
{
    struct record_cell cell = {.kind = RECORD_NULL};
    while (cell.kind < RECORD_KINDS && strcmp(record_kind_name(cell.kind), kind_name) != 0)
        cell.kind++;
    assert_true(cell.kind < RECORD_KINDS);
    bool is_number = cell.kind == RECORD_INTEGER || cell.kind == RECORD_BOOLEAN ||
                     cell.kind == RECORD_TIMESTAMP || cell.kind == RECORD_DATE;
    if (is_number) {
        char *rest;
        cell.number = strtoll(text, &rest, 10);
        cell.flags = *rest == 'z' ? RECORD_HAD_ZONE : 0;
    } else if (cell.kind != RECORD_NULL) {
        cell.text = text;
        cell.len = (uint32_t)strlen(text);
    }
    return cell;
}

static bool same(const struct record_cell *a, const struct record_cell *b)
{
    if (a->kind != b->kind || a->flags != b->flags)
        return false;
    bool has_text = a->kind == RECORD_TEXT || a->kind == RECORD_DECIMAL ||
                    a->kind == RECORD_BYTES || a->kind == RECORD_NESTED;
    return a->kind == RECORD_NULL ||
           (has_text ? str_eq(record_cell_text(a), record_cell_text(b)) : a->number == b->number);
}

#define NO_WAY "no way"
#define NOT_ONE "not one"
#define DIGITS "digits"

static const struct {
    const char *from, *value;
    const char *to;
    const char *as; /* the kind of the result, or why there is none */
    const char *result;
} cases[] = {
    {"text", "x", "text", "text", "x"},
    {"text", "", "text", "text", ""},
    {"text", "12", "integer", "integer", "12"},
    {"text", "-0", "integer", "integer", "0"},
    {"text", "+007", "integer", "integer", "7"},
    {"text", "12.00", "integer", "integer", "12"},
    {"text", "1.2e1", "integer", "integer", "12"},
    {"text", "9007199254740993", "integer", "integer", "9007199254740993"},
    {"text", "9223372036854775807", "integer", "integer", "9223372036854775807"},
    {"text", "-9223372036854775808", "integer", "integer", "-9223372036854775808"},
    {"text", "9223372036854775808", "integer", DIGITS, ""},
    {"text", "12.5", "integer", DIGITS, ""},
    {"text", "1e400", "integer", DIGITS, ""},
    {"text", "x", "integer", NOT_ONE, ""},
    {"text", " 12", "integer", NOT_ONE, ""},
    {"text", "0x10", "integer", NOT_ONE, ""},
    {"text", "NaN", "integer", NOT_ONE, ""},
    {"text", "", "integer", "null", ""},
    {"text", "12.50", "decimal", "decimal", "12.50"},
    {"text", "-0.1", "decimal", "decimal", "-0.1"},
    {"text", "1.5E-3", "decimal", "decimal", "1.5E-3"},
    {"text", "+1.50", "decimal", "decimal", "1.5"},
    {"text", ".5", "decimal", "decimal", "0.5"},
    {"text", "007", "decimal", "decimal", "7"},
    {"text", "0.1234567890123456789012345678901234567890", "decimal", "decimal",
     "0.1234567890123456789012345678901234567890"},
    {"text", "1,5", "decimal", NOT_ONE, ""},
    {"text", "-", "decimal", NOT_ONE, ""},
    {"text", ".", "decimal", NOT_ONE, ""},
    {"text", "1e", "decimal", NOT_ONE, ""},
    {"text", "Infinity", "decimal", NOT_ONE, ""},
    {"text", "+1e9999", "decimal", DIGITS, ""},
    {"text", "", "decimal", "null", ""},
    {"text", "true", "boolean", "boolean", "1"},
    {"text", "False", "boolean", "boolean", "0"},
    {"text", "1", "boolean", "boolean", "1"},
    {"text", "0", "boolean", "boolean", "0"},
    {"text", "2", "boolean", NOT_ONE, ""},
    {"text", "yes", "boolean", NOT_ONE, ""},
    {"text", "", "boolean", "null", ""},
    {"text", "2026-03-01T08:12:03.000+0000", "timestamp", "timestamp", "1772352723000000z"},
    {"text", "2026-03-01T10:12:03+02:00", "timestamp", "timestamp", "1772352723000000z"},
    {"text", "2026-03-01 08:12:03", "timestamp", "timestamp", "1772352723000000"},
    {"text", "2026-03-01", "timestamp", "timestamp", "1772323200000000"},
    {"text", "1772352723000", "timestamp", "timestamp", "1772352723000000z"},
    {"text", "2026-03-01T08:12:03.1234560Z", "timestamp", "timestamp", "1772352723123456z"},
    {"text", "2026-03-01T08:12:03.1234567Z", "timestamp", DIGITS, ""},
    {"text", "2026-03-01T08:12:03.1234560001", "timestamp", DIGITS, ""},
    {"text", "0000-01-01T00:00:00Z", "timestamp", "timestamp", "-62167219200000000z"},
    {"text", "0000-01-01T00:00:00+00:01", "timestamp", NOT_ONE, ""},
    {"text", "9999-12-31T23:59:59.999999Z", "timestamp", "timestamp", "253402300799999999z"},
    {"text", "9999-12-31T23:59:59-05:00", "timestamp", NOT_ONE, ""},
    {"text", "9999-12-31T23:59:60Z", "timestamp", NOT_ONE, ""},
    {"text", "100000000", "timestamp", "timestamp", "100000000000z"},
    {"text", "253402300800000", "timestamp", NOT_ONE, ""},
    {"text", "20260131", "timestamp", NOT_ONE, ""},
    {"text", "2026", "timestamp", NOT_ONE, ""},
    {"text", "-2026", "timestamp", NOT_ONE, ""},
    {"text", "0", "timestamp", NOT_ONE, ""},
    {"text", "/Date(0)/", "timestamp", "timestamp", "0z"},
    {"text", "2026-02-29", "timestamp", NOT_ONE, ""},
    {"text", "yesterday", "timestamp", NOT_ONE, ""},
    {"text", "", "timestamp", "null", ""},
    {"text", "2026-03-01", "date", "date", "20513"},
    {"text", "2026-03-01T23:30:00-05:00", "date", "date", "20514"},
    {"text", "1969-12-31T23:59:59.999Z", "date", "date", "-1"},
    {"text", "2026-03-01T08:12:03.1234567Z", "date", "date", "20513"},
    {"text", "9999-12-31T23:59:59-05:00", "date", NOT_ONE, ""},
    {"text", "0000-01-01T00:00:00+00:01", "date", NOT_ONE, ""},
    {"text", "20260131", "date", NOT_ONE, ""},
    {"text", "2026", "date", NOT_ONE, ""},
    {"text", "2026-13-01", "date", NOT_ONE, ""},
    {"text", "", "date", "null", ""},
    {"text", "AP8=", "bytes", "bytes", ""}, /* see bytes_may_be_any */
    {"text", "AP8", "bytes", NOT_ONE, ""},
    {"text", "", "bytes", "null", ""},
    {"text", " {\"a\":[1,2]} ", "nested", "nested", "{\"a\":[1,2]}"},
    {"text", "[]", "nested", "nested", "[]"},
    {"text", "[] []", "nested", NOT_ONE, ""},
    {"text", "{\"a\":1", "nested", NOT_ONE, ""},
    {"text", "{a:1}", "nested", NOT_ONE, ""},
    {"text", "1", "nested", NOT_ONE, ""},
    {"text", " ", "nested", NOT_ONE, ""},
    {"text", "", "nested", "null", ""},
    {"integer", "-12", "text", "text", "-12"},
    {"integer", "9007199254740993", "text", "text", "9007199254740993"},
    {"integer", "5", "integer", "integer", "5"},
    {"integer", "-9223372036854775808", "decimal", "integer", "-9223372036854775808"},
    {"integer", "1", "boolean", "boolean", "1"},
    {"integer", "0", "boolean", "boolean", "0"},
    {"integer", "-1", "boolean", NOT_ONE, ""},
    {"integer", "1772352723001", "timestamp", "timestamp", "1772352723001000z"},
    {"integer", "-1", "timestamp", "timestamp", "-1000z"},
    {"integer", "20260131", "timestamp", "timestamp", "20260131000z"},
    {"integer", "253402300799999", "timestamp", "timestamp", "253402300799999000z"},
    {"integer", "253402300800000", "timestamp", NOT_ONE, ""},
    {"integer", "-62167219200001", "timestamp", NOT_ONE, ""},
    {"integer", "9223372036854775807", "timestamp", NOT_ONE, ""},
    {"integer", "253402300800000", "date", NOT_ONE, ""},
    {"integer", "1772352723001", "date", "date", "20513"},
    {"integer", "-1", "date", "date", "-1"},
    {"integer", "1", "bytes", NO_WAY, ""},
    {"integer", "1", "nested", NO_WAY, ""},
    {"decimal", "12.50", "text", "text", "12.50"},
    {"decimal", "12.0", "integer", "integer", "12"},
    {"decimal", "12.5", "integer", DIGITS, ""},
    {"decimal", "18446744073709551616", "integer", DIGITS, ""},
    {"decimal", "12.50", "decimal", "decimal", "12.50"},
    {"decimal", "1.0", "boolean", NO_WAY, ""},
    {"decimal", "1.0", "timestamp", NO_WAY, ""},
    {"decimal", "1.0", "date", NO_WAY, ""},
    {"decimal", "1.0", "bytes", NO_WAY, ""},
    {"decimal", "1.0", "nested", NO_WAY, ""},
    {"boolean", "1", "text", "text", "true"},
    {"boolean", "0", "text", "text", "false"},
    {"boolean", "1", "integer", "integer", "1"},
    {"boolean", "0", "decimal", "integer", "0"},
    {"boolean", "0", "boolean", "boolean", "0"},
    {"boolean", "1", "timestamp", NO_WAY, ""},
    {"boolean", "1", "date", NO_WAY, ""},
    {"boolean", "1", "bytes", NO_WAY, ""},
    {"boolean", "1", "nested", NO_WAY, ""},
    {"timestamp", "1772352723000000z", "text", "text", "2026-03-01T08:12:03.000Z"},
    {"timestamp", "1772352723000001", "text", "text", "2026-03-01T08:12:03.000001"},
    {"timestamp", "1772352723001000z", "integer", "integer", "1772352723001"},
    {"timestamp", "1772352723000001z", "integer", DIGITS, ""},
    {"timestamp", "1z", "decimal", NO_WAY, ""},
    {"timestamp", "1z", "boolean", NO_WAY, ""},
    {"timestamp", "1772352723000001", "timestamp", "timestamp", "1772352723000001"},
    {"timestamp", "-1z", "date", "date", "-1"},
    {"timestamp", "1z", "bytes", NO_WAY, ""},
    {"timestamp", "1z", "nested", NO_WAY, ""},
    {"date", "20513", "text", "text", "2026-03-01"},
    {"date", "-1", "integer", "integer", "-86400000"},
    {"date", "1", "decimal", NO_WAY, ""},
    {"date", "1", "boolean", NO_WAY, ""},
    {"date", "20513", "timestamp", "timestamp", "1772323200000000"},
    {"date", "2147483647", "timestamp", NOT_ONE, ""},
    {"date", "20513", "date", "date", "20513"},
    {"date", "1", "bytes", NO_WAY, ""},
    {"date", "1", "nested", NO_WAY, ""},
    {"bytes", "\xff", "text", "text", "/w=="},
    {"bytes", "x", "integer", NO_WAY, ""},
    {"bytes", "x", "decimal", NO_WAY, ""},
    {"bytes", "x", "boolean", NO_WAY, ""},
    {"bytes", "x", "timestamp", NO_WAY, ""},
    {"bytes", "x", "date", NO_WAY, ""},
    {"bytes", "\xff", "bytes", "bytes", "\xff"},
    {"bytes", "x", "nested", NO_WAY, ""},
    {"nested", "{}", "text", "text", "{}"},
    {"nested", "{}", "integer", NO_WAY, ""},
    {"nested", "{}", "decimal", NO_WAY, ""},
    {"nested", "{}", "boolean", NO_WAY, ""},
    {"nested", "{}", "timestamp", NO_WAY, ""},
    {"nested", "{}", "date", NO_WAY, ""},
    {"nested", "{}", "bytes", NO_WAY, ""},
    {"nested", "{}", "nested", "nested", "{}"},
};

static const char *const ends[] = {
    [RECORD_CONVERT_NO_WAY] = NO_WAY,
    [RECORD_CONVERT_NOT_ONE] = NOT_ONE,
    [RECORD_CONVERT_DIGITS] = DIGITS,
};

/* Each is converted into a cell of its own, and in place. */
static void values_become_what_the_table_says(void **state)
{
    (void)state;
    bool seen[RECORD_KINDS][RECORD_KINDS] = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct record_cell from = cell_of(cases[i].from, cases[i].value), in_place = from, result;
        const struct record_cell before = from;
        const struct record_conversion to = {.kind = cell_of(cases[i].to, "0").kind};
        seen[from.kind][to.kind] = true;
        enum record_convert_end end = record_convert(&from, &to, &arena, &result);
        assert_true(end == record_convert(&in_place, &to, &arena, &in_place));
        assert_true(same(&from, &before));
        if (end != RECORD_CONVERTED) {
            if (strcmp(ends[end], cases[i].as) != 0)
                fail_msg("%s %s as %s: %s", cases[i].from, cases[i].value, cases[i].to, ends[end]);
            assert_true(same(&in_place, &before));
            continue;
        }
        struct record_cell wanted = cell_of(cases[i].as, cases[i].result);
        if (to.kind == RECORD_BYTES && from.kind == RECORD_TEXT && from.len > 0)
            continue;
        if (!same(&result, &wanted) || !same(&in_place, &wanted))
            fail_msg("%s %s as %s: another value", cases[i].from, cases[i].value, cases[i].to);
    }
    for (int from = RECORD_TEXT; from < RECORD_KINDS; from++)
        for (int to = RECORD_TEXT; to < RECORD_KINDS; to++)
            if (!seen[from][to])
                fail_msg("no case for %s as %s", record_kind_name((enum record_kind)from),
                         record_kind_name((enum record_kind)to));
}

static void null_is_null_of_every_kind(void **state)
{
    (void)state;
    for (int kind = RECORD_NULL; kind < RECORD_KINDS; kind++) {
        struct record_cell cell = {.kind = RECORD_NULL}, result = {.kind = RECORD_TEXT};
        const struct record_conversion to = {.kind = (enum record_kind)kind}, none = {0};
        assert_true(record_convert(&cell, &to, &arena, &result) == RECORD_CONVERTED);
        assert_int_equal(result.kind, RECORD_NULL);
        cell = (struct record_cell){.kind = (uint8_t)kind, .text = "x", .len = 1};
        assert_true(record_convert(&cell, &none, &arena, &result) == RECORD_CONVERTED);
        assert_memory_equal(&cell, &result, sizeof(cell));
    }
}

static void bytes_may_be_any(void **state)
{
    (void)state;
    const struct record_conversion to_bytes = {.kind = RECORD_BYTES},
                                   to_text = {.kind = RECORD_TEXT};
    char all[256];
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    struct str text = encode_base64(&arena, (struct str){all, sizeof(all)});
    struct record_cell cell = {.kind = RECORD_TEXT, .text = text.data, .len = (uint32_t)text.len};
    assert_true(record_convert(&cell, &to_bytes, &arena, &cell) == RECORD_CONVERTED);
    assert_int_equal(cell.len, sizeof(all));
    assert_memory_equal(cell.text, all, sizeof(all));
    assert_true(record_convert(&cell, &to_text, &arena, &cell) == RECORD_CONVERTED);
    assert_true(str_eq(record_cell_text(&cell), text));
}

/* --- decimals with a precision --- */

static void digits_fit_or_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *number;
        unsigned precision, scale;
        bool rounds;
        const char *result; /* NULL: too many digits */
    } numbers[] = {
        {"123.45", 5, 2, false, "123.45"},
        {"123.4500", 5, 2, false, "123.4500"},
        {"1.2345e2", 5, 2, false, "1.2345e2"},
        {"123.456", 5, 2, false, NULL},
        {"1234.5", 5, 2, false, NULL},
        {"123.455", 5, 2, true, "123.46"},
        {"123.445", 5, 2, true, "123.44"},
        {"123.4450000000000000000000000000000000001", 5, 2, true, "123.45"},
        {"-123.455", 5, 2, true, "-123.46"},
        {"0.004", 5, 2, true, "0"},
        {"0.005", 5, 2, true, "0"},
        {"0.0051", 5, 2, true, "0.01"},
        {"0.015", 5, 2, true, "0.02"},
        {"999.995", 5, 2, true, NULL}, /* 1000.00 */
        {"999.994", 5, 2, true, "999.99"},
        {"1e-90000", 5, 2, true, "0"},
        {"1e-200000", 5, 2, true, NULL}, /* past what is calculated with */
        {"12345678901234567890.123456789012345678", 38, 18, false,
         "12345678901234567890.123456789012345678"},
        {"123456789012345678901.0", 38, 18, false, NULL},
        {"0.6666666666666666666666666666666667", 38, 18, true, "0.666666666666666667"},
        {"99999999999999999999999999999999999999", 38, 0, false,
         "99999999999999999999999999999999999999"},
        {"100000000000000000000000000000000000000", 38, 0, false, NULL},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        for (int kind = RECORD_TEXT; kind <= RECORD_DECIMAL; kind += RECORD_DECIMAL - RECORD_TEXT) {
            struct record_cell cell =
                cell_of(record_kind_name((enum record_kind)kind), numbers[i].number);
            const struct record_conversion to = {RECORD_DECIMAL, (uint8_t)numbers[i].precision,
                                                 (uint8_t)numbers[i].scale, numbers[i].rounds};
            bool ok = record_convert(&cell, &to, &arena, &cell) == RECORD_CONVERTED;
            struct str wanted = str_from(numbers[i].result ? numbers[i].result : "");
            if (ok != (numbers[i].result != NULL) ||
                (ok && !str_eq(record_cell_text(&cell), wanted)))
                fail_msg("%s: %d, %.*s", numbers[i].number, ok, STR_ARG(record_cell_text(&cell)));
        }
    }
}

/* --- texts that come back --- */

static uint64_t next_random(uint64_t *seed) /* xorshift64: the same in each run */
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* A text becomes a value, whose text becomes the same value again, with the same text. */
static bool comes_back(struct str text, enum record_kind kind)
{
    const struct record_conversion to = {.kind = kind}, to_text = {.kind = RECORD_TEXT};
    struct record_cell first = {.kind = RECORD_TEXT, .text = text.data, .len = (uint32_t)text.len};
    struct record_cell shown, second, shown_again;
    if (record_convert(&first, &to, &arena, &first) != RECORD_CONVERTED)
        return false;
    assert_true(record_convert(&first, &to_text, &arena, &shown) == RECORD_CONVERTED);
    assert_true(record_convert(&shown, &to, &arena, &second) == RECORD_CONVERTED);
    assert_true(record_convert(&second, &to_text, &arena, &shown_again) == RECORD_CONVERTED);
    assert_int_equal(second.kind, first.kind);
    if (!str_eq(record_cell_text(&shown), record_cell_text(&shown_again)))
        fail_msg("%.*s: %.*s, %.*s", STR_ARG(text), STR_ARG(record_cell_text(&shown)),
                 STR_ARG(record_cell_text(&shown_again)));
    return true;
}

static void random_texts_come_back(void **state)
{
    (void)state;
    static const char *const alphabets[RECORD_KINDS] = {
        [RECORD_TEXT] = "a\xc3\xa9 ",
        [RECORD_INTEGER] = "0123456789-",
        [RECORD_DECIMAL] = "0123456789-+.e",
        [RECORD_BOOLEAN] = "01truefals",
        [RECORD_TIMESTAMP] = "0123456789",
        [RECORD_DATE] = "012-",
        [RECORD_BYTES] = "AQgw",
        [RECORD_NESTED] = "[]{}1,\"a:",
    };
    enum { TEXTS = 4000, TEXT_MAX = 12 };
    uint64_t seed = 20260301;
    for (int kind = RECORD_TEXT; kind < RECORD_KINDS; kind++) {
        size_t count = 0;
        for (int i = 0; i < TEXTS; i++) {
            char text[TEXT_MAX];
            size_t len = 1 + next_random(&seed) % (sizeof(text) - 1);
            for (size_t at = 0; at < len; at++)
                text[at] = alphabets[kind][next_random(&seed) % strlen(alphabets[kind])];
            struct str slice = arena_copy(&arena, (struct str){text, len});
            count += comes_back(slice, (enum record_kind)kind);
            arena_reset(&arena);
        }
        if (count == 0)
            fail_msg("no text was a %s", record_kind_name((enum record_kind)kind));
    }
}

static void random_times_come_back(void **state)
{
    (void)state;
    uint64_t seed = 7;
    const struct record_conversion to_text = {.kind = RECORD_TEXT};
    for (int i = 0; i < 20000; i++) {
        /* Years 0000 to 9999. */
        const int64_t least = -62167219200000000, span = 315569520000000000;
        int64_t us = least + (int64_t)(next_random(&seed) % (uint64_t)span);
        uint8_t flags = next_random(&seed) % 2 ? RECORD_HAD_ZONE : 0;
        struct record_cell time = {.number = us, .kind = RECORD_TIMESTAMP, .flags = flags}, text;
        struct record_cell date = {.number = us / 86400000000, .kind = RECORD_DATE}, again;
        const struct record_conversion to_time = {.kind = RECORD_TIMESTAMP};
        const struct record_conversion to_date = {.kind = RECORD_DATE};
        assert_true(record_convert(&time, &to_text, &arena, &text) == RECORD_CONVERTED);
        assert_true(record_convert(&text, &to_time, &arena, &again) == RECORD_CONVERTED);
        assert_true(same(&time, &again));
        assert_true(record_convert(&date, &to_text, &arena, &text) == RECORD_CONVERTED);
        assert_true(record_convert(&text, &to_date, &arena, &again) == RECORD_CONVERTED);
        assert_true(same(&date, &again));
        arena_reset(&arena);
    }
}

#define with_arena(test) cmocka_unit_test_teardown(test, free_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_arena(values_become_what_the_table_says),
        with_arena(null_is_null_of_every_kind),
        with_arena(bytes_may_be_any),
        with_arena(digits_fit_or_are_refused),
        with_arena(random_texts_come_back),
        with_arena(random_times_come_back),
    };
    return cmocka_run_group_tests_name("convert", tests, NULL, NULL);
}

/* Decimals: what is read and printed, and identities that hold for all numbers. */
#include "cmocka_all.h"

#include "base/buf.h"
#include "record/decimal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;

static struct decimal of(const char *text)
{
    struct decimal decimal;
    assert_true(decimal_read(str_from(text), &decimal));
    return decimal;
}

static void assert_prints(const struct decimal *decimal, const char *text)
{
    struct str printed;
    int16_t scale;
    const char *point = strchr(text, '.');
    assert_true(decimal_print(decimal, &arena, &printed, &scale));
    assert_int_equal(printed.len, strlen(text));
    assert_memory_equal(printed.data, text, printed.len);
    assert_int_equal(scale, point ? strlen(point + 1) : 0);
}

static void texts_are_read_exactly(void **state)
{
    static const char *const read[][2] = {
        {"0", "0"},
        {"-0", "0"},
        {"+7", "7"},
        {"0012.500", "12.5"},
        {".5", "0.5"},
        {"5.", "5"},
        {"-0.0125", "-0.0125"},
        {"1.5E3", "1500"},
        {"1e+2", "100"},
        {"25e-3", "0.025"},
        {"100", "100"},
        {"9223372036854775808", "9223372036854775808"},
        {"0.1", "0.1"},
        {"-12345678901234567890.123456789", "-12345678901234567890.123456789"},
    };
    static const char *const refused[] = {
        "",     "-",   ".",   "e5",  "1e",  "1e+",      "1.2.3",     "1 ",    " 1",
        "0x10", "1,5", "--1", "+-1", "NaN", "1e100001", "1e-100001", "1e5.5", "infinity"};
    struct decimal decimal;
    (void)state;
    for (size_t i = 0; i < sizeof(read) / sizeof(*read); i++) {
        decimal = of(read[i][0]);
        assert_prints(&decimal, read[i][1]);
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_false(decimal_read(str_from(refused[i]), &decimal));
    decimal_of(INT64_MIN, &decimal);
    assert_prints(&decimal, "-9223372036854775808");
    decimal_of(0, &decimal);
    assert_prints(&decimal, "0");
}

static void too_many_digits_are_refused(void **state)
{
    char text[DECIMAL_DIGITS_MAX + 3];
    struct decimal decimal, other = of("1");
    struct str printed;
    int16_t scale;
    (void)state;
    memset(text, '9', sizeof(text));
    assert_true(decimal_read((struct str){text, DECIMAL_DIGITS_MAX}, &decimal));
    assert_false(decimal_read((struct str){text, DECIMAL_DIGITS_MAX + 1}, &other));
    other = of("1e-1");
    assert_false(decimal_add(&decimal, &other, &other));
    other = of("11");
    assert_false(decimal_multiply(&decimal, &other, &other));
    decimal = of("1e1024");
    assert_false(decimal_print(&decimal, &arena, &printed, &scale));
    memset(text, '0', sizeof(text)); /* zeros before and behind count for nothing */
    text[10] = '1';
    assert_true(decimal_read((struct str){text, sizeof(text)}, &decimal));
}

static void a_fraction_has_the_limit_of_an_exponent(void **state)
{
    enum { ZEROS = DECIMAL_EXPONENT_MAX };
    struct decimal decimal;
    char *text = malloc(ZEROS + 3);
    (void)state;
    assert_non_null(text);
    memset(text, '0', ZEROS + 3);
    text[1] = '.';
    text[ZEROS + 1] = text[ZEROS + 2] = '1';
    assert_true(decimal_read((struct str){text, ZEROS + 2}, &decimal));
    assert_false(decimal_read((struct str){text, ZEROS + 3}, &decimal));
    free(text);
}

static void orders_are_those_of_numbers(void **state)
{
    static const char *const ascending[] = {"-1e9",
                                            "-12.5",
                                            "-12.49",
                                            "-1",
                                            "-0.001",
                                            "0",
                                            "1e-20",
                                            "0.001",
                                            "0.1",
                                            "0.11",
                                            "1",
                                            "1.0000000000000000000001",
                                            "2",
                                            "10",
                                            "12.49",
                                            "12.5",
                                            "1e9",
                                            "9223372036854775807",
                                            "9223372036854775808"};
    (void)state;
    for (size_t i = 0; i < sizeof(ascending) / sizeof(*ascending); i++) {
        for (size_t j = 0; j < sizeof(ascending) / sizeof(*ascending); j++) {
            struct decimal a = of(ascending[i]), b = of(ascending[j]);
            int order = decimal_compare(&a, &b);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
    struct decimal a = of("1.50"), b = of("15e-1");
    assert_int_equal(decimal_compare(&a, &b), 0);
}

static void assert_calculates(const char *a_text, char operation, const char *b_text,
                              const char *expected)
{
    struct decimal a = of(a_text), b = of(b_text), result;
    bool ok = operation == '+'   ? decimal_add(&a, &b, &result)
              : operation == '-' ? decimal_subtract(&a, &b, &result)
              : operation == '*' ? decimal_multiply(&a, &b, &result)
                                 : decimal_divide(&a, &b, &result);
    assert_true(ok);
    assert_prints(&result, expected);
}

static void results_are_exact(void **state)
{
    (void)state;
    assert_calculates("0.1", '+', "0.2", "0.3");
    assert_calculates("99.99", '+', "0.01", "100");
    assert_calculates("1", '-', "1", "0");
    assert_calculates("5", '-', "7.5", "-2.5");
    assert_calculates("-5", '-', "-7.5", "2.5");
    assert_calculates("0", '-', "3", "-3");
    assert_calculates("-3", '+', "0", "-3");
    assert_calculates("1e20", '+', "1e-5", "100000000000000000000.00001");
    assert_calculates("12.5", '*', "-0.08", "-1");
    assert_calculates("99999999999999999999", '*', "99999999999999999999",
                      "9999999999999999999800000000000000000001");
    assert_calculates("0", '*', "5", "0");
    assert_calculates("1", '/', "8", "0.125");
    assert_calculates("-100", '/', "4", "-25");
    assert_calculates("0", '/', "7", "0");
    assert_calculates("1", '/', "3", "0.3333333333333333333333333333333333");
    assert_calculates("2", '/', "3", "0.6666666666666666666666666666666667");
    assert_calculates("1000000", '/', "0.001", "1000000000");
    /* Half to even, at the thirty-fourth digit. */
    assert_calculates("10000000000000000000000000000000005", '/', "10",
                      "1000000000000000000000000000000000");
    assert_calculates("10000000000000000000000000000000015", '/', "10",
                      "1000000000000000000000000000000002");
    assert_calculates("100000000000000000000000000000000051", '/', "10",
                      "10000000000000000000000000000000010");
    assert_calculates("99999999999999999999999999999999999", '/', "1",
                      "100000000000000000000000000000000000");
}

/* A number of some digits with a point somewhere, from a sequence of its own. */
static struct decimal some_number(uint32_t *seed, size_t digits_max)
{
    char text[64];
    size_t count = 0;
    *seed = *seed * 1664525u + 1013904223u;
    size_t digits = 1 + (*seed >> 16) % digits_max, point = (*seed >> 8) % (digits + 1);
    if (*seed >> 31)
        text[count++] = '-';
    for (size_t i = 0; i < digits; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        if (i == point)
            text[count++] = '.';
        text[count++] = (char)('0' + (*seed >> 24) % 10);
    }
    text[count] = '\0';
    return of(text);
}

static bool equal(const struct decimal *a, const struct decimal *b)
{
    return decimal_compare(a, b) == 0;
}

static void identities_hold(void **state)
{
    uint32_t seed = 7;
    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct decimal a = some_number(&seed, 20), b = some_number(&seed, 20);
        struct decimal c = some_number(&seed, 10), sum, back, left, right, part, quotient;
        assert_true(decimal_add(&a, &b, &sum) && decimal_subtract(&sum, &b, &back));
        assert_true(equal(&back, &a)); /* (a + b) - b = a */
        assert_true(decimal_add(&b, &a, &left) && equal(&left, &sum));
        assert_true(decimal_multiply(&sum, &c, &left)); /* (a + b) c = a c + b c */
        assert_true(decimal_multiply(&a, &c, &right) && decimal_multiply(&b, &c, &part) &&
                    decimal_add(&right, &part, &right));
        assert_true(equal(&left, &right));
        assert_true(c.count == 0 ||
                    (decimal_multiply(&a, &c, &part) && decimal_divide(&part, &c, &quotient)));
        assert_true(c.count == 0 || equal(&quotient, &a)); /* (a c) / c = a */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read_exactly),
        cmocka_unit_test(too_many_digits_are_refused),
        cmocka_unit_test(a_fraction_has_the_limit_of_an_exponent),
        cmocka_unit_test(orders_are_those_of_numbers),
        cmocka_unit_test(results_are_exact),
        cmocka_unit_test(identities_hold),
    };
    int failed = cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}

/* A Parquet file's values, bounds and failures. That readers understand the whole file is shown by
 * tests/clients/test_parquet.py. */
#include "cmocka_all.h"

#include "record/byte_buffer.h"
#include "record/parquet_decimal.h"
#include "record/parquet_out.h"
#include "record/parquet_statistics.h"

#include <stdlib.h>
#include <string.h>

/* --- decimals --- */

#define NINES_38 "99999999999999999999999999999999999999"

static void decimals_fit_or_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *number;
        unsigned precision, scale;
        enum parquet_decimal_fault fault;
        int64_t value;
    } cases[] = {
        {"0", 1, 0, PARQUET_DECIMAL_FITS, 0},
        {"-0.000", 2, 1, PARQUET_DECIMAL_FITS, 0},
        {"0e999999999", 2, 1, PARQUET_DECIMAL_FITS, 0},
        {"12.5", 5, 2, PARQUET_DECIMAL_FITS, 1250},
        {"-12.5", 5, 2, PARQUET_DECIMAL_FITS, -1250},
        {"12.500", 5, 2, PARQUET_DECIMAL_FITS, 1250},
        {"000012", 2, 0, PARQUET_DECIMAL_FITS, 12},
        {"100200", 6, 0, PARQUET_DECIMAL_FITS, 100200},
        {"1.5E3", 4, 0, PARQUET_DECIMAL_FITS, 1500},
        {"1500e-2", 4, 1, PARQUET_DECIMAL_FITS, 150},
        {"1e+2", 3, 0, PARQUET_DECIMAL_FITS, 100},
        {"0.001", 3, 3, PARQUET_DECIMAL_FITS, 1},
        {"999999999999999999", 18, 0, PARQUET_DECIMAL_FITS, 999999999999999999},
        {"1000000000000000000", 18, 0, PARQUET_DECIMAL_DIGITS, 0},
        {"100", 4, 2, PARQUET_DECIMAL_DIGITS, 0},
        {"1e400", 38, 0, PARQUET_DECIMAL_DIGITS, 0},
        {"1e99999999999999999999", 38, 0, PARQUET_DECIMAL_DIGITS, 0},
        {NINES_38 "9", 38, 0, PARQUET_DECIMAL_DIGITS, 0},
        {"12.345", 10, 2, PARQUET_DECIMAL_FRACTION, 0},
        {"1e-3", 10, 2, PARQUET_DECIMAL_FRACTION, 0},
        {"1e-99999999999999999999", 10, 2, PARQUET_DECIMAL_FRACTION, 0},
        {"", 5, 2, PARQUET_DECIMAL_MALFORMED, 0},
        {"-", 5, 2, PARQUET_DECIMAL_MALFORMED, 0},
        {"1.", 5, 2, PARQUET_DECIMAL_MALFORMED, 0},
        {".5", 5, 2, PARQUET_DECIMAL_MALFORMED, 0},
        {"1e", 5, 2, PARQUET_DECIMAL_MALFORMED, 0},
        {"1e+", 5, 2, PARQUET_DECIMAL_MALFORMED, 0},
        {"1 ", 5, 2, PARQUET_DECIMAL_MALFORMED, 0},
        {"NaN", 5, 2, PARQUET_DECIMAL_MALFORMED, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        __int128 value;
        enum parquet_decimal_fault fault =
            parquet_decimal(str_from(cases[i].number), cases[i].precision, cases[i].scale, &value);
        if (fault != cases[i].fault || (int64_t)value != cases[i].value)
            fail_msg("%s: fault %d, value %lld", cases[i].number, (int)fault, (long long)value);
    }
}

static void decimals_of_38_digits_are_exact(void **state)
{
    (void)state;
    __int128 value, nines = 0;
    for (int i = 0; i < 38; i++)
        nines = nines * 10 + 9;
    assert_int_equal(parquet_decimal(STR(NINES_38), 38, 0, &value), PARQUET_DECIMAL_FITS);
    assert_true(value == nines);
    assert_int_equal(parquet_decimal(STR("-" NINES_38), 38, 0, &value), PARQUET_DECIMAL_FITS);
    assert_true(value == -nines);
    assert_int_equal(parquet_decimal(STR("0." NINES_38), 38, 38, &value), PARQUET_DECIMAL_FITS);
    assert_true(value == nines);
}

/* --- statistics --- */

static void take_text(struct parquet_statistics *statistics, const char *text, size_t len)
{
    unsigned char copy[512] = {0}; /* behind a text more can be read */
    memcpy(copy, text, len);
    parquet_statistics_text(statistics, copy, len);
}

static void assert_limit(const struct parquet_limit *limit, const char *text, size_t len,
                         bool exact)
{
    assert_int_equal(limit->len, len);
    assert_memory_equal(limit->bytes, text, len);
    assert_int_equal(limit->exact, exact);
}

static void short_bounds_are_values(void **state)
{
    (void)state;
    struct parquet_statistics statistics = {0};
    struct parquet_limit limit;
    static const char *const texts[] = {"b", "ab", "abc", "", "\xc3\xa9", "zz", "abcdefghi"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        take_text(&statistics, texts[i], strlen(texts[i]));
    parquet_statistics_low(&statistics, true, &limit);
    assert_limit(&limit, "", 0, true);
    assert_true(parquet_statistics_high(&statistics, true, &limit));
    assert_limit(&limit, "\xc3\xa9", 2, true); /* bytes without a sign */
    take_text(&statistics, "\0", 1);           /* not less than the empty text */
    parquet_statistics_low(&statistics, true, &limit);
    assert_limit(&limit, "", 0, true);
}

static void long_bounds_are_cut_at_a_character(void **state)
{
    (void)state;
    char text[200], expected[80];
    struct parquet_limit limit;
    struct parquet_statistics statistics = {0};
    memset(text, 'a', sizeof(text));
    memcpy(text + 63, "\xe2\x82\xac", 3); /* of which 64 bytes have only the first */
    take_text(&statistics, text, sizeof(text));
    memset(expected, 'a', sizeof(expected));
    parquet_statistics_low(&statistics, true, &limit);
    assert_limit(&limit, expected, 63, false);
    assert_true(parquet_statistics_high(&statistics, true, &limit));
    expected[62] = 'b';
    assert_limit(&limit, expected, 63, false);
    assert_true(parquet_statistics_high(&statistics, false, &limit));
    memset(expected, 'a', 63);
    expected[63] = '\xe3';
    assert_limit(&limit, expected, 64, false);
}

/* A bound that is itself a value is exact, though a longer value begins so. */
static void a_cut_bound_can_still_be_a_value(void **state)
{
    (void)state;
    char text[100];
    struct parquet_limit limit;
    struct parquet_statistics statistics = {0};
    memset(text, 'k', sizeof(text));
    take_text(&statistics, text, 100);
    take_text(&statistics, text, 64);
    parquet_statistics_low(&statistics, true, &limit);
    assert_limit(&limit, text, 64, true);
    assert_true(parquet_statistics_high(&statistics, true, &limit));
    assert_false(limit.exact);
}

static void raised_characters_stay_characters(void **state)
{
    (void)state;
    static const struct {
        const char *last, *raised; /* NULL: the character before it is raised */
    } cases[] = {
        {"\x7f", "\xc2\x80"},
        {"\xdf\xbf", "\xe0\xa0\x80"},
        {"\xed\x9f\xbf", "\xee\x80\x80"}, /* no surrogate */
        {"\xef\xbf\xbf", "\xf0\x90\x80\x80"},
        {"\xf4\x8f\xbf\xbf", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[100], expected[80];
        struct parquet_limit limit;
        struct parquet_statistics statistics = {0};
        size_t len = strlen(cases[i].last), at = PARQUET_BOUND_BYTES - len;
        memset(text, 'x', sizeof(text));
        memcpy(text + at, cases[i].last, len);
        memcpy(expected, text, at);
        take_text(&statistics, text, sizeof(text));
        assert_true(parquet_statistics_high(&statistics, true, &limit));
        if (cases[i].raised) {
            memcpy(expected + at, cases[i].raised, strlen(cases[i].raised));
            assert_limit(&limit, expected, at + strlen(cases[i].raised), false);
        } else {
            expected[at - 1] = 'y';
            assert_limit(&limit, expected, at, false);
        }
    }
}

static void without_a_greater_text_there_is_no_bound(void **state)
{
    (void)state;
    char text[100];
    struct parquet_limit limit;
    struct parquet_statistics bytes = {0}, characters = {0};
    memset(text, 0xff, sizeof(text));
    take_text(&bytes, text, sizeof(text));
    assert_false(parquet_statistics_high(&bytes, false, &limit));
    for (size_t i = 0; i < sizeof(text); i += 4)
        memcpy(text + i, "\xf4\x8f\xbf\xbf", 4);
    take_text(&characters, text, sizeof(text));
    assert_false(parquet_statistics_high(&characters, true, &limit));
    memset(text, 0x80, sizeof(text)); /* no UTF-8 at all */
    characters = (struct parquet_statistics){0};
    take_text(&characters, text, sizeof(text));
    assert_true(parquet_statistics_high(&characters, true, &limit));
}

/* --- the encoder --- */

static const struct record_field all_kinds[] = {
    {.name = STR("text"), .kind = RECORD_TEXT},
    {.name = STR("integer"), .kind = RECORD_INTEGER},
    {.name = STR("decimal"), .kind = RECORD_DECIMAL, .precision = 10, .scale = 2},
    {.name = STR("wide"), .kind = RECORD_DECIMAL, .precision = 30, .scale = 5},
    {.name = STR("boolean"), .kind = RECORD_BOOLEAN},
    {.name = STR("timestamp"), .kind = RECORD_TIMESTAMP},
    {.name = STR("date"), .kind = RECORD_DATE},
    {.name = STR("bytes"), .kind = RECORD_BYTES},
    {.name = STR("nested"), .kind = RECORD_NESTED},
};
enum { KINDS = sizeof(all_kinds) / sizeof(*all_kinds), ROWS = 700 };

struct sink {
    size_t calls, fail_at; /* 0: never */
    struct byte_buffer bytes;
};

static bool take(void *context, struct str bytes, struct error *error)
{
    struct sink *sink = context;
    if (++sink->calls == sink->fail_at)
        return fail(error, ERR_UNAVAILABLE, "the sink is full");
    byte_buffer_add(&sink->bytes, bytes.data, bytes.len);
    return true;
}

static struct record_cell cell_of(enum record_kind kind, size_t row)
{
    static char texts[ROWS][400];
    struct record_cell cell = {.kind = (uint8_t)kind, .number = (int64_t)row * 7919};
    if (kind == RECORD_DECIMAL) {
        cell.text = "123.45";
        cell.len = 6;
    } else if (kind == RECORD_NESTED) {
        cell.text = "{\"a\":[1]}";
        cell.len = 9;
    } else if (kind == RECORD_TEXT || kind == RECORD_BYTES) {
        memset(texts[row], (int)(row % 200 + 33), sizeof(texts[row]));
        cell.text = texts[row];
        cell.len = (uint32_t)(row % 400);
    }
    return row % 5 == 4 ? (struct record_cell){0} : cell;
}

static void fill(struct record_batch *batch)
{
    record_batch_init(batch, ROWS);
    for (size_t i = 0; i < KINDS; i++)
        record_batch_add_column(batch, all_kinds[i].name);
    batch->rows = ROWS;
    for (size_t i = 0; i < KINDS; i++)
        for (size_t row = 0; row < ROWS; row++)
            batch->columns[i].cells[row] = cell_of(all_kinds[i].kind, row);
}

static struct record_encoder *encoder_of(struct sink *sink, size_t group_rows)
{
    struct error error;
    struct record_encoder *encoder = NULL;
    const struct record_output output = {take, sink};
    const struct parquet_out_options options = {.fields = {all_kinds, KINDS},
                                                .group_rows = group_rows};
    if (!parquet_out_new(&options, &output, &encoder, &error))
        fail_msg("%s", error.message);
    return encoder;
}

/* The whole file, or false where the sink fails. */
static bool write_file(struct sink *sink, const struct record_batch *batch, struct error *error)
{
    struct record_encoder *encoder = encoder_of(sink, 100);
    bool done = true;
    for (int i = 0; i < 20 && done; i++)
        done = encoder->ops->write(encoder, batch, error);
    done = done && encoder->ops->finish(encoder, error);
    if (!done) { /* it stays failed, and writes nothing more */
        struct error again;
        size_t calls = sink->calls;
        assert_false(encoder->ops->write(encoder, batch, &again));
        assert_false(encoder->ops->finish(encoder, &again));
        assert_string_equal(again.message, "This Parquet file has failed before.");
        assert_int_equal(sink->calls, calls);
    }
    encoder->ops->free(encoder);
    return done;
}

static void the_same_records_give_the_same_bytes(void **state)
{
    (void)state;
    struct error error;
    struct record_batch batch;
    struct sink first = {0}, second = {0};
    fill(&batch);
    assert_true(write_file(&first, &batch, &error));
    assert_true(write_file(&second, &batch, &error));
    assert_true(first.calls > 2);
    assert_int_equal(first.bytes.len, second.bytes.len);
    assert_memory_equal(first.bytes.data, second.bytes.data, first.bytes.len);
    assert_memory_equal(first.bytes.data, "PAR1", 4);
    assert_memory_equal(first.bytes.data + first.bytes.len - 4, "PAR1", 4);
    byte_buffer_done(&first.bytes);
    byte_buffer_done(&second.bytes);
    record_batch_done(&batch);
}

/* Writes the rows from `at` on as a batch of their own. */
static void write_part(struct record_encoder *encoder, const struct record_batch *batch, size_t at,
                       size_t rows)
{
    struct error error;
    struct record_column columns[KINDS];
    struct record_batch part = *batch;
    memcpy(columns, batch->columns, sizeof(columns));
    for (size_t i = 0; i < KINDS; i++)
        columns[i].cells += at;
    part.columns = columns;
    part.rows = rows;
    assert_true(encoder->ops->write(encoder, &part, &error));
}

static void write_in_batches_of(struct sink *sink, const struct record_batch *batch,
                                size_t batch_rows)
{
    struct error error;
    struct record_encoder *encoder = encoder_of(sink, 5000);
    for (int i = 0; i < 20; i++)
        for (size_t at = 0; at < ROWS; at += batch_rows)
            write_part(encoder, batch, at, ROWS - at < batch_rows ? ROWS - at : batch_rows);
    assert_true(encoder->ops->finish(encoder, &error));
    encoder->ops->free(encoder);
}

static void the_batches_do_not_show_in_the_bytes(void **state)
{
    (void)state;
    static const size_t batch_rows[] = {1, 7, 64, 333};
    struct record_batch batch;
    struct sink first = {0};
    fill(&batch);
    for (size_t row = 0; row < 150; row++) /* the first values come within a block */
        batch.columns[0].cells[row] = (struct record_cell){0};
    write_in_batches_of(&first, &batch, ROWS);
    for (size_t i = 0; i < sizeof(batch_rows) / sizeof(*batch_rows); i++) {
        struct sink other = {0};
        write_in_batches_of(&other, &batch, batch_rows[i]);
        assert_int_equal(first.bytes.len, other.bytes.len);
        assert_memory_equal(first.bytes.data, other.bytes.data, first.bytes.len);
        byte_buffer_done(&other.bytes);
    }
    byte_buffer_done(&first.bytes);
    record_batch_done(&batch);
}

static void a_failing_output_is_reported_at_each_call(void **state)
{
    (void)state;
    struct record_batch batch;
    bool done = false;
    size_t failures = 0;
    fill(&batch);
    for (size_t at = 1; !done; at++) {
        struct error error = {0};
        struct sink sink = {.fail_at = at};
        done = write_file(&sink, &batch, &error);
        failures += !done;
        if (!done)
            assert_string_equal(error.message, "the sink is full");
        byte_buffer_done(&sink.bytes);
    }
    assert_true(failures > 2);
    record_batch_done(&batch);
}

static void assert_refused(enum record_kind kind, size_t column, const char *text, const char *why)
{
    struct error error = {0};
    struct sink sink = {0};
    struct record_batch batch;
    struct record_encoder *encoder = encoder_of(&sink, 0);
    fill(&batch);
    batch.columns[column].cells[130] = (struct record_cell){.kind = (uint8_t)kind};
    batch.columns[column].cells[130].number = INT64_MAX;
    if (text) {
        batch.columns[column].cells[130].text = text;
        batch.columns[column].cells[130].len = (uint32_t)strlen(text);
    }
    assert_false(encoder->ops->write(encoder, &batch, &error));
    assert_non_null(strstr(error.message, why));
    encoder->ops->free(encoder);
    byte_buffer_done(&sink.bytes);
    record_batch_done(&batch);
}

static void values_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    assert_refused(RECORD_TEXT, 1, "7", "column integer of a Parquet file takes integer");
    assert_refused(RECORD_INTEGER, 7, NULL, "takes bytes values, and record 130 ");
    assert_refused(RECORD_TEXT, 4, "true", "takes boolean");
    assert_refused(RECORD_DATE, 5, NULL, "takes timestamp");
    assert_refused(RECORD_TEXT, 3, "1.5", "takes decimal");
    assert_refused(RECORD_TEXT, 8, "{}", "takes nested");
    assert_refused(RECORD_DATE, 6, NULL, "is past what a Parquet file can hold");
    assert_refused(RECORD_DECIMAL, 2, "1.234", "more digits behind the point than the column");
    assert_refused(RECORD_DECIMAL, 2, "123456789.5", "more digits than the column");
    assert_refused(RECORD_INTEGER, 2, NULL, "more digits than the column");
    assert_refused(RECORD_DECIMAL, 2, "1,5", "is no number");
}

static void columns_found_late_are_refused(void **state)
{
    (void)state;
    struct error error;
    struct sink sink = {0};
    struct record_batch batch;
    struct record_encoder *encoder = encoder_of(&sink, 0);
    fill(&batch);
    record_batch_add_column(&batch, STR("late"));
    assert_false(encoder->ops->write(encoder, &batch, &error));
    assert_int_equal(error.code, ERR_VALIDATION);
    encoder->ops->free(encoder);
    record_batch_done(&batch);
}

static void a_file_has_columns_that_readers_take(void **state)
{
    (void)state;
    struct error error;
    struct sink sink = {0};
    struct record_encoder *encoder;
    const struct record_output output = {take, &sink};
    struct record_field field = {.name = STR("d"), .kind = RECORD_DECIMAL, .precision = 39};
    const struct parquet_out_options none = {.fields = {&field, 0}}, one = {.fields = {&field, 1}},
                                     many = {.fields = {&field, RECORD_COLUMNS_MAX + 1}};
    assert_false(parquet_out_new(&none, &output, &encoder, &error));
    assert_non_null(strstr(error.message, "between 1 and 2000 columns"));
    assert_false(parquet_out_new(&many, &output, &encoder, &error));
    assert_false(parquet_out_new(&one, &output, &encoder, &error));
    assert_non_null(strstr(error.message, "The column d cannot be written to Parquet"));
    field =
        (struct record_field){.name = STR("d"), .kind = RECORD_DECIMAL, .precision = 3, .scale = 4};
    assert_false(parquet_out_new(&one, &output, &encoder, &error));
    const struct record_field twice[] = {field, {.name = STR("a")}, {.name = STR("d")}};
    const struct parquet_out_options same = {.fields = {twice, 3}};
    assert_false(parquet_out_new(&same, &output, &encoder, &error));
    assert_non_null(strstr(error.message, "two columns of the name d"));
    assert_int_equal(sink.calls, 0);
}

static void the_size_is_about_that_of_the_file(void **state)
{
    (void)state;
    struct error error;
    struct sink sink = {0};
    struct record_batch batch;
    struct record_encoder *encoder = encoder_of(&sink, 0);
    fill(&batch);
    assert_int_equal(encoder->ops->size(encoder), 4);
    for (int i = 0; i < 10; i++)
        assert_true(encoder->ops->write(encoder, &batch, &error));
    assert_int_equal(sink.calls, 0); /* it is all held back: the row group is not full */
    uint64_t before = encoder->ops->size(encoder);
    assert_true(encoder->ops->finish(encoder, &error));
    assert_int_equal(encoder->ops->size(encoder), sink.bytes.len);
    assert_in_range(before, sink.bytes.len / 3, sink.bytes.len * 3);
    encoder->ops->free(encoder);
    byte_buffer_done(&sink.bytes);
    record_batch_done(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_fit_or_say_why),
        cmocka_unit_test(decimals_of_38_digits_are_exact),
        cmocka_unit_test(short_bounds_are_values),
        cmocka_unit_test(long_bounds_are_cut_at_a_character),
        cmocka_unit_test(a_cut_bound_can_still_be_a_value),
        cmocka_unit_test(raised_characters_stay_characters),
        cmocka_unit_test(without_a_greater_text_there_is_no_bound),
        cmocka_unit_test(the_same_records_give_the_same_bytes),
        cmocka_unit_test(the_batches_do_not_show_in_the_bytes),
        cmocka_unit_test(a_failing_output_is_reported_at_each_call),
        cmocka_unit_test(values_that_do_not_fit_are_refused),
        cmocka_unit_test(columns_found_late_are_refused),
        cmocka_unit_test(a_file_has_columns_that_readers_take),
        cmocka_unit_test(the_size_is_about_that_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

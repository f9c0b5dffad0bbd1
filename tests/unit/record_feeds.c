/* Each feed has a decoder of its own. */
#include "cmocka_all.h"

#include "record_feeds.h"

const struct record_feed record_feeds[RECORD_FEEDS] = {
    {0, RECORD_ROWS_MAX}, {1, RECORD_ROWS_MAX}, {7, 1}, {0, 1}, {33, 2}, {100, 3},
};

const struct record_feed record_long_feeds[RECORD_LONG_FEEDS] = {{0, RECORD_ROWS_MAX}, {1000, 1}};

void add_repeated(struct buf *out, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_add_cstr(out, text);
}

static void read_in_feeds(const struct record_source *source, struct str page,
                          const struct record_feed *ways, size_t count,
                          struct record_dump *ret_dump)
{
    struct record_dump first;
    for (size_t i = 0; i < count; i++) {
        struct record_decoder *decoder = source->make(source->options);
        record_dump_page(decoder, page, ways[i], NULL, ret_dump);
        decoder->ops->free(decoder);
        if (i == 0) {
            first = *ret_dump;
            continue;
        }
        bool compares = first.read || source->fails_first;
        assert_int_equal(first.read, ret_dump->read);
        if (!first.read)
            assert_string_equal(first.error.message, ret_dump->error.message);
        if (compares && !str_eq(record_text(&first.records), record_text(&ret_dump->records)))
            fail_msg("feed %zu:\n%s---\n%s", i, first.records.data, ret_dump->records.data);
        if (compares)
            assert_true(str_eq(record_text(&first.errors), record_text(&ret_dump->errors)));
        if (i + 1 < count)
            record_dump_done(ret_dump);
    }
    record_dump_done(&first);
}

void record_read_page(const struct record_source *source, struct str page,
                      struct record_dump *ret_dump)
{
    read_in_feeds(source, page, record_feeds, RECORD_FEEDS, ret_dump);
}

void record_read_long_page(const struct record_source *source, struct str page,
                           struct record_dump *ret_dump)
{
    read_in_feeds(source, page, record_long_feeds, RECORD_LONG_FEEDS, ret_dump);
}

void record_check_readings(const struct record_source *source,
                           const struct record_reading *readings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct record_dump dump;
        record_read_page(source, str_from(readings[i].page), &dump);
        if (!dump.read)
            fail_msg("%s: %s", readings[i].page, dump.error.message);
        struct str records = record_text(&dump.records), errors = record_text(&dump.errors);
        if (!str_eq(records, str_from(readings[i].records)) ||
            !str_eq(errors, str_from(readings[i].errors)))
            fail_msg("%s gives\n%.*s%.*sinstead of\n%s%s", readings[i].page, STR_ARG(records),
                     STR_ARG(errors), readings[i].records, readings[i].errors);
        record_dump_done(&dump);
    }
}

bool record_break_off(void *context, struct str bytes, struct error *error)
{
    size_t *left = context;
    (void)bytes;
    if (*left == 0)
        return fail(error, ERR_UNAVAILABLE, "The connection was lost.");
    --*left;
    return true;
}

static struct record_decoder *make_csv(const void *options)
{
    return csv_in_new(options);
}

static struct record_source csv_source(const struct csv_in_options *options)
{
    return (struct record_source){make_csv, options, true};
}

void record_read_csv(const struct csv_in_options *options, struct str page,
                     struct record_dump *ret_dump)
{
    const struct record_source source = csv_source(options);
    record_read_page(&source, page, ret_dump);
}

void record_read_long_csv(const struct csv_in_options *options, struct str page,
                          struct record_dump *ret_dump)
{
    const struct record_source source = csv_source(options);
    record_read_long_page(&source, page, ret_dump);
}

void record_check_csv(const struct csv_in_options *options, const struct record_reading *readings,
                      size_t count)
{
    const struct record_source source = csv_source(options);
    record_check_readings(&source, readings, count);
}

static struct record_decoder *make_json(const void *options)
{
    return json_in_new(options);
}

static struct record_source json_source(const struct json_in_options *options)
{
    return (struct record_source){make_json, options, false};
}

void record_read_json(const struct json_in_options *options, struct str page,
                      struct record_dump *ret_dump)
{
    const struct record_source source = json_source(options);
    record_read_page(&source, page, ret_dump);
}

void record_read_long_json(const struct json_in_options *options, struct str page,
                           struct record_dump *ret_dump)
{
    const struct record_source source = json_source(options);
    record_read_long_page(&source, page, ret_dump);
}

void record_check_json(const struct json_in_options *options, const struct record_reading *readings,
                       size_t count)
{
    const struct record_source source = json_source(options);
    record_check_readings(&source, readings, count);
}

/* Reads a page with different pieces and batches, which must all give the same: for the unit tests
 * of decoders. */
#pragma once

#include "record/csv_in.h"
#include "record/json_in.h"
#include "record_dump.h"

struct record_source {
    struct record_decoder *(*make)(const void *options);
    const void *options;
    bool fails_first; /* a page that fails has no records and errors before */
};

void add_repeated(struct buf *out, const char *text, size_t count);

enum { RECORD_FEEDS = 6, RECORD_LONG_FEEDS = 2 };
extern const struct record_feed record_feeds[RECORD_FEEDS];
/* For pages that take seconds byte by byte. */
extern const struct record_feed record_long_feeds[RECORD_LONG_FEEDS];

/* Reads with all of record_feeds; gives the result of the last one. */
void record_read_page(const struct record_source *source, struct str page,
                      struct record_dump *ret_dump);

/* The same with record_long_feeds. */
void record_read_long_page(const struct record_source *source, struct str page,
                           struct record_dump *ret_dump);

/* An output that takes some pieces and then fails, with ERR_UNAVAILABLE: {.take = record_break_off,
 * .context = their number, a size_t}. */
bool record_break_off(void *context, struct str bytes, struct error *error);

struct record_reading {
    const char *page, *records, *errors;
};

void record_check_readings(const struct record_source *source,
                           const struct record_reading *readings, size_t count);

/* The same of CSV and JSON. */
void record_read_csv(const struct csv_in_options *options, struct str page,
                     struct record_dump *ret_dump);
void record_read_long_csv(const struct csv_in_options *options, struct str page,
                          struct record_dump *ret_dump);
void record_check_csv(const struct csv_in_options *options, const struct record_reading *readings,
                      size_t count);
void record_read_json(const struct json_in_options *options, struct str page,
                      struct record_dump *ret_dump);
void record_read_long_json(const struct json_in_options *options, struct str page,
                           struct record_dump *ret_dump);
void record_check_json(const struct json_in_options *options, const struct record_reading *readings,
                       size_t count);

#define CHECK_CSV_READINGS(options, readings)                                                      \
    record_check_csv((options), (readings), sizeof(readings) / sizeof(*(readings)))
#define CHECK_JSON_READINGS(options, readings)                                                     \
    record_check_json((options), (readings), sizeof(readings) / sizeof(*(readings)))

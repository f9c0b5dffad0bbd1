/* Reads one JSON object as a row of a batch. For json_in.c.
 *
 * Vendors send the same members in the same order, record after record. What stands between two
 * values, such as `,"Industry":`, is the glue between two members. Each member learns which glue
 * came after its value and which member that led to; when the next bytes are one of these, the next
 * member is known without its name being read. Otherwise the glue is read as JSON, and learnt. */
#pragma once

#include "base/cleanup.h"
#include "record/batch.h"
#include "record/json_names.h"
#include "record/json_scan.h"
#include "record/schema.h"

#include <stdbool.h>
#include <stdint.h>

/* Further ones of a scan's `fault`. */
enum {
    JSON_RECORD_WIDER = JSON_SCAN_CUT + 1, /* the batch has no room for a column of the record */
    JSON_RECORD_NEW_NAMES, /* the record has names that are no columns yet, see json_names.h */
};

struct json_member;

struct json_records {
    struct record_schema schema;
    bool whole;         /* a record's text is the value of the only column */
    struct map members; /* by name */
    struct json_member *start, *end;
    struct json_member *other; /* of names that are not wanted and past a limit */
    struct json_names names;   /* of a record with new ones */
    uint64_t *stamps;          /* for each column, the last record that had it */
    uint64_t stamp;            /* of the record at hand */
    struct arena memory;
};

void json_records_init(struct json_records *records, const struct record_columns *columns,
                       bool whole);
void json_records_done(struct json_records *records);

/* `p` is at '{'. Writes the row behind the batch's last one, and leaves the count of rows to the
 * caller. Behind the object, or NULL with the scan's fault. */
const char *json_record_read(struct json_records *records, struct json_scan *scan, const char *p,
                             struct record_batch *batch);

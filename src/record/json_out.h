/* JSON lines out: one object a record, each ended by a line feed, members in the order of the
 * fields, compact. This is how the service writes JSON to S3 (user guide, "Amazon S3 connector":
 * JSON Lines).
 *
 * | cell                    | JSON                                                               |
 * | text                    | string; '"', '\' and control characters are escaped, nothing else  |
 * | integer, decimal        | number, a decimal as it came                                       |
 * | boolean                 | true, false                                                        |
 * | null                    | null: each record has all members                                  |
 * | timestamp, date, bytes  | string, as record_print writes it                                  |
 * | nested                  | its text, with blanks for the line breaks between its tokens       |
 * What null members and numbers look like is documented nowhere; this keeps all there is of a
 * value. */
#pragma once

#include "record/encoder.h"

#include <stdbool.h>

struct json_out_options {
    struct record_fields fields; /* copied; only the names count */
    /* The records are those of a decoder that does not take them apart (RECORD_WHOLE_COLUMN): a
     * line is the record's text. */
    bool whole;
};

/* On the heap. */
struct record_encoder *json_out_new(const struct json_out_options *options,
                                    const struct record_output *output);

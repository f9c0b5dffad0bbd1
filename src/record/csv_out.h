/* CSV out (RFC 4180): a header row with the fields' names, then one row a record, each ended by a
 * line feed.
 *
 * | cell                    | field                                                              |
 * | null                    | nothing                                                            |
 * | empty text              | "" in quotes, so that it is not null                               |
 * | text                    | itself; in quotes with quotes doubled if it has ',', '"', CR or LF |
 * | others                  | as record_print writes them, nested ones quoted as texts           |
 * A row whose only field is null is written as "", since readers skip an empty line. The service's
 * own quoting and null rules are documented nowhere. */
#pragma once

#include "record/encoder.h"

/* On the heap. `fields` is copied; only the names count. An object has a header also without
 * records, once `finish` is called. */
struct record_encoder *csv_out_new(const struct record_fields *fields,
                                   const struct record_output *output);

/* What the beginning of an object shows of its records: whether they are CSV or JSON, and the
 * columns of the header or of the first record. For descriptions; a run reads with a decoder. */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "record/batch.h"

#include <stdbool.h>

enum first_record_end {
    FIRST_RECORD_READ,
    FIRST_RECORD_CUT,   /* more of the object is needed */
    FIRST_RECORD_NONE,  /* the object has no record, and no header */
    FIRST_RECORD_UNFIT, /* ERR_VALIDATION: why neither is one */
};

/* `text` begins where the object does, and is all of it if `is_whole`; RECORD_WINDOW_MAX bytes are
 * always enough. It is JSON if its first byte that is not blank is '{' or '['. `ret_batch` refers
 * to the text and ends with record_batch_done, in any case: its columns are those of the object, in
 * order, and of JSON its only row is the first record. */
enum first_record_end first_record_read(struct str text, bool is_whole,
                                        struct record_batch *ret_batch, bool *ret_is_json,
                                        struct error *error);

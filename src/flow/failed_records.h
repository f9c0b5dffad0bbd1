/* The objects of a run's error bucket (errorHandlingConfig): the records that the destination did
 * not take, a JSON line each:
 *
 *     {"record": {…}, "errorCode": "Refused", "errorMessage": "the vendor's words"}
 *
 * Keys are BUCKETPREFIX/FLOW/EXECUTIONID/PAGE-NUMBER and follow from the run, the source's page and
 * what failed in it, so a page that is written again has the same ones.
 *
 * Likewise the objects of successResponseHandlingConfig: what the vendor answered about each record
 * that it has written, a JSON line each. Their keys end with "-answers". Of a page that is written
 * again they have the answers of the last try alone: its objects replace those with their keys. */
#pragma once

#include "flow/engine_run.h"

enum {
    FAILED_OBJECT_BYTES = 2 * 1024 * 1024, /* an object that has reached it ends */
    FAILED_ANSWER_BYTES = 256 * 1024,
    /* Of memory: the object, and the line of a record of WRITE_BYTES_MAX twice. */
    FAILED_RECORDS_BYTES = 11 * 1024 * 1024,
    FAILED_ANSWERS_BYTES = 3 * 1024 * 1024, /* likewise, with an answer twice */
};

struct failed_records;

/* `config`: ErrorHandlingConfig, or SuccessResponseHandlingConfig, whose bucketName is given;
 * `suffix`: of keys. */
struct failed_records *failed_records_new(struct flow_engine_run *run, const struct value *config,
                                          const char *suffix);
void failed_records_free(struct failed_records *failed); /* NULL is fine */

/* `record`: JSON. Waits. Errors as of s3.h. */
_must_use_ bool failed_records_add(struct failed_records *failed, struct str record,
                                   const char *code, struct str message, struct error *error);
/* `answer`: JSON, whose line breaks become blanks. One that is longer than FAILED_ANSWER_BYTES is
 * left out. */
_must_use_ bool failed_records_add_answer(struct failed_records *failed, struct str answer,
                                          struct error *error);
/* Ends the objects of the page at hand. */
_must_use_ bool failed_records_end_page(struct failed_records *failed, struct error *error);

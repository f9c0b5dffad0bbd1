/* The objects of a run's error bucket (errorHandlingConfig): the records that the destination did
 * not take, a JSON line each:
 *
 *     {"record": {…}, "errorCode": "Refused", "errorMessage": "the vendor's words"}
 *
 * Keys are BUCKETPREFIX/FLOW/EXECUTIONID/PAGE-NUMBER and follow from the run, the source's page and
 * what failed in it, so a page that is written again has the same ones. */
#pragma once

#include "flow/engine_run.h"

enum {
    FAILED_OBJECT_BYTES = 2 * 1024 * 1024, /* an object that has reached it ends */
    /* Of memory: the object, and the line of a record of WRITE_BYTES_MAX twice. */
    FAILED_RECORDS_BYTES = 11 * 1024 * 1024,
};

struct failed_records;

/* `config`: ErrorHandlingConfig, whose bucketName is given. */
struct failed_records *failed_records_new(struct flow_engine_run *run, const struct value *config);
void failed_records_free(struct failed_records *failed); /* NULL is fine */

/* `record`: JSON. Waits. Errors as of s3.h. */
_must_use_ bool failed_records_add(struct failed_records *failed, struct str record,
                                   const char *code, struct str message, struct error *error);
/* Ends the objects of the page at hand. */
_must_use_ bool failed_records_end_page(struct failed_records *failed, struct error *error);

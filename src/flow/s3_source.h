/* Objects of a bucket as a source: every object whose key begins with bucketPrefix, in the order of
 * keys, each one page. JSON lines or CSV, as s3InputFormatConfig says (without one: CSV), also
 * compressed with gzip. Left out are empty objects whose key ends with '/', which consoles make as
 * folders, what the run itself writes to the same bucket, and what did not change in the window of
 * an incremental run. */
#pragma once

#include "flow/source.h"

enum {
    S3_SOURCE_OBJECTS_MAX = 1000 * 1000, /* of one run */
    /* Of one object, in GiB, once it is inflated: so that a small one cannot become an endless one.
     */
    S3_SOURCE_INFLATED_GIB = 64,
};

/* As flow_source_open, for connectorType S3. ERR_VALIDATION when there is no such object. */
_must_use_ bool s3_source_open(const struct flow_source_request *request,
                               struct flow_source **ret_source, struct error *error);

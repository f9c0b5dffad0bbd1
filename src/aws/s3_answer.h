/* The XML of Amazon S3's answers, read within limits: what every operation here needs of them, in
 * one form (docs.aws.amazon.com/AmazonS3/latest/API, "Response Syntax" of each). */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    S3_PAGE_MAX = 1000,                /* items that the service puts on a page */
    S3_ELEMENTS_MAX = 2 * S3_PAGE_MAX, /* taken from one answer */
    S3_TEXT_MAX = 4 * 1024,            /* bytes of one value; a key is 1,024, encoded 3,072 */
};

/* An item of a list. Values are as sent, but for entities; STR_NULL: it has none. */
struct s3_element {
    struct str name; /* "Contents", "CommonPrefixes", "Upload" or "Part" */
    struct str key, prefix, etag, size, changed, upload_id, number;
    struct s3_element *next;
};

struct s3_answer {
    struct str root; /* the document's element */
    /* Of "Error". */
    struct str code, region;
    /* Of results. */
    struct str etag, upload_id, encoding, truncated;
    struct str next_token, next_key, next_upload, next_number;
    struct s3_element *elements;
    size_t count;
};

/* False: not XML, or past a limit. Memory is the arena's. */
bool s3_answer_read(struct str body, struct arena *arena, struct s3_answer *ret_answer);

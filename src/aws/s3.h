/* Objects in Amazon S3, or in what speaks its protocol (docs.aws.amazon.com/AmazonS3/latest/API).
 *
 * Each call is signed with the payload's hash. A call that met a busy service, an error on its side
 * or a broken connection is repeated, at most S3_ATTEMPTS times and with growing pauses, within the
 * deadline; what an earlier attempt may have done without an answer is looked at before the caller
 * hears of a failure. Calls wait, so they are made on workers; a pause gives the CPU slot back.
 *
 * Errors, of every function:
 * - ERR_NOT_FOUND: no such object, or no such upload.
 * - ERR_CONFLICT: an object is there already (`if_absent`), it changed while it was read, or the
 *   parts of an upload are not as they were listed.
 * - ERR_VALIDATION: bucket or key cannot be one, there is no such bucket, or it is in another
 *   region: the message names it.
 * - ERR_ACCESS_DENIED: S3 refuses the action, or the credentials; the message says which.
 * - ERR_THROTTLING: busy at each attempt.
 * - ERR_CONNECTOR_SERVER: not reached, or no usable answer.
 * - ERR_UNAVAILABLE: this server is stopping, or has no memory.
 * Messages are sentences without the service's own words, since those name the operator's identity.
 */
#pragma once

#include "auth/aws_call.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "wire/s3_name.h"

#include <stdbool.h>
#include <stdint.h>

#define S3_URL "https://{bucket}.s3.{region}.amazonaws.com"

enum {
    S3_UPLOAD_ID_MAX = 2048,
    S3_PARTS_MAX = 10000,
    S3_PART_SIZE_MIN = 5 * 1024 * 1024, /* bytes, of each part but the last */
    S3_ATTEMPTS = 6,
    S3_FIRST_PAUSE_MS = 100,    /* doubled with each attempt, of which half is random */
    S3_PAUSE_MAX_MS = 5 * 1000, /* unless S3 asks for a longer one (Retry-After) */
    S3_ATTEMPT_MS = 60 * 1000,  /* one attempt; one that is reading bytes is continued */
};

/* Where, and with which credentials. All of it outlives the calls. */
struct s3 {
    const struct aws_access *access;
    /* "{region}" becomes the region. With "{bucket}" in it the bucket is a part of the host, as AWS
     * wants it, but for names with dots over https, which no certificate covers; without it, the
     * bucket is the first segment of the path. STR_NULL or empty: S3_URL. */
    struct str url;
    struct str region;
    int64_t deadline_ms;    /* on clock_mono_ms(): all attempts of a call */
    int64_t first_pause_ms; /* 0: S3_FIRST_PAUSE_MS */
    /* Asked while a call pauses, each SLOT_NAP_MS: whether to give up, with the error that the
     * attempt before had. NULL: pauses last as long as they last. */
    bool (*is_to_end)(void *context);
    /* Asked by s3_get before it continues after an attempt that ended early: makes `access` and
     * `deadline_ms` those of the next attempt, so that neither of them ends a stream whose sink is
     * slow. False: the stream ends, with this error. NULL: both are those of the whole call. */
    bool (*renew)(void *context, struct error *error);
    void *context;
};

struct s3_place {
    struct str bucket;
    struct str key; /* UTF-8, not encoded */
};

/* --- one object --- */

struct s3_facts {
    uint64_t size;           /* bytes of the whole object */
    struct str etag;         /* without quotes */
    struct str content_type; /* "" when unknown */
    bool is_kms;             /* encrypted by AWS KMS: its ETag is no MD5 */
};

_must_use_ bool s3_head(const struct s3 *s3, const struct s3_place *place, struct arena *arena,
                        struct s3_facts *ret_facts, struct error *error);

/* Takes an object's bytes in order, on the caller's thread; may wait. */
struct s3_sink {
    /* Before the first byte. False: the caller wants no more. NULL: not wanted. */
    bool (*head)(void *context, const struct s3_facts *facts);
    bool (*push)(void *context, struct str bytes); /* likewise */
    void *context;
};

struct s3_range {
    uint64_t first;  /* byte, from 0 */
    uint64_t length; /* bytes; 0: up to the object's end */
    struct str etag; /* the object must have it; STR_NULL: any */
};

/* Streams an object, or a part of it. A connection that breaks is replaced, and reading continues
 * behind the last byte, as long as the object is the same one; so does reading that took longer
 * than S3_ATTEMPT_MS, or than the deadline where s3->renew moves it. `range` NULL: all of it. When
 * the sink wants no more: ERR_CONFLICT with a message that says only that. */
_must_use_ bool s3_get(const struct s3 *s3, const struct s3_place *place,
                       const struct s3_range *range, const struct s3_sink *sink,
                       struct arena *arena, struct error *error);

struct s3_content {
    struct str body;
    struct str type; /* STR_NULL: application/octet-stream */
    bool if_absent;  /* ERR_CONFLICT when an object has that key already */
};

/* ret_etag may be NULL. */
_must_use_ bool s3_put(const struct s3 *s3, const struct s3_place *place,
                       const struct s3_content *content, struct arena *arena, struct str *ret_etag,
                       struct error *error);

/* True as well when there was none. */
_must_use_ bool s3_delete(const struct s3 *s3, const struct s3_place *place, struct arena *arena,
                          struct error *error);

/* --- lists --- */

struct s3_buckets_page {
    const struct str *names;
    size_t count;
    struct str next_token; /* STR_NULL: the last page */
};

/* ListBuckets: the buckets of the account that the credentials belong to; of the client's region
 * alone where the service can choose by it, as Amazon S3 does. Names that s3_bucket_is_valid
 * refuses are left out. `token`: of the page before; STR_NULL: the first page. */
_must_use_ bool s3_buckets(const struct s3 *s3, struct str token, struct arena *arena,
                           struct s3_buckets_page *ret_page, struct error *error);

struct s3_query {
    struct str bucket;
    struct str prefix;    /* of the keys; "": all */
    struct str delimiter; /* "/": keys that have one behind the prefix come as prefixes; "": none */
    struct str start_after; /* a key; "": the first */
    struct str token;       /* s3_page.next_token; STR_NULL: the first page */
    int page_max;           /* keys; 0: 1,000, which is the most */
};

struct s3_entry {
    struct str key;  /* or a prefix that ends with the delimiter */
    struct str etag; /* without quotes; STR_NULL for a prefix */
    uint64_t size;   /* bytes */
    /* LastModified, in milliseconds since the epoch; 0 for a prefix, and where the service does not
     * say it. */
    int64_t changed_at_ms;
};

struct s3_page {
    const struct s3_entry *entries; /* in the service's order: bytes of UTF-8 */
    size_t count;
    struct str next_token; /* STR_NULL: the last page */
};

/* ListObjectsV2. A page may be empty and not be the last one; one whose token is the one that was
 * given is an error, so that a loop over pages ends. */
_must_use_ bool s3_list(const struct s3 *s3, const struct s3_query *query, struct arena *arena,
                        struct s3_page *ret_page, struct error *error);

/* --- uploads in parts --- */

struct s3_part {
    int number; /* from 1 */
    struct str etag;
    uint64_t size; /* bytes */
};

struct s3_upload {
    struct s3_place place;
    struct str id;
};

/* CreateMultipartUpload. ERR_VALIDATION as well for a key with control characters other than tab
 * and line ends. A lost answer leaves an upload without parts, which s3_uploads lists. */
_must_use_ bool s3_upload_begin(const struct s3 *s3, const struct s3_place *place,
                                struct str content_type, struct arena *arena, struct str *ret_id,
                                struct error *error);

/* The same number may be sent again: the last one counts. */
_must_use_ bool s3_upload_part(const struct s3 *s3, const struct s3_upload *upload, int number,
                               struct str body, struct arena *arena, struct str *ret_etag,
                               struct error *error);

/* Makes the object of parts in ascending order. May be called again, by another process as well:
 * when the upload is not there any more, the object is looked at, and is this upload's if its size
 * and its ETag are those of the parts. `if_absent` as in s3_content. ret_etag may be NULL. */
_must_use_ bool s3_upload_complete(const struct s3 *s3, const struct s3_upload *upload,
                                   const struct s3_part *parts, size_t count, bool if_absent,
                                   struct arena *arena, struct str *ret_etag, struct error *error);

/* True as well when there was none. Parts that are under way meanwhile may survive: s3_parts says.
 */
_must_use_ bool s3_upload_abort(const struct s3 *s3, const struct s3_upload *upload,
                                struct arena *arena, struct error *error);

struct s3_uploads_query {
    struct str bucket;
    struct str prefix;              /* of the keys; "": all */
    struct str after_key, after_id; /* s3_uploads_page.next_…; STR_NULL: the first page */
};

struct s3_uploads_page {
    const struct s3_upload *uploads;
    size_t count;
    struct str next_key, next_id; /* STR_NULL: the last page */
};

/* ListMultipartUploads: what was begun and is neither completed nor aborted. */
_must_use_ bool s3_uploads(const struct s3 *s3, const struct s3_uploads_query *query,
                           struct arena *arena, struct s3_uploads_page *ret_page,
                           struct error *error);

struct s3_parts_page {
    const struct s3_part *parts;
    size_t count;
    int next_after; /* for the next page; 0: the last page */
};

/* ListParts, those behind the number `after`; 0: from the first. */
_must_use_ bool s3_parts(const struct s3 *s3, const struct s3_upload *upload, int after,
                         struct arena *arena, struct s3_parts_page *ret_page, struct error *error);

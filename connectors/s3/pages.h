/* What lists and descriptions of S3's entities share: where a name leads, the client for the
 * account, lists read page by page, and what errors mean. */
#pragma once

#include "aws/s3_session.h"
#include "connector/connection.h"

#include <stdbool.h>

/* An entity is a bucket, or a bucket and a prefix of its keys: "BUCKET" or "BUCKET/PREFIX". */
struct s3_query s3_place_of(struct str name);

/* Sets the verdict that the error means. Always false. */
bool s3_fail_verdict(struct vendor_connection *connection, const struct error *error);

/* End it with s3_session_done in any case. False with the verdict set. */
bool s3_open(struct vendor_connection *connection, struct s3_session *session);

struct s3_paging {
    struct vendor_connection *connection;
    const struct s3 *s3;
    /* Reads the page behind `token` (STR_NULL: the first) in the arena, which is the page's, and
     * sets *ret_next: STR_NULL when no other is wanted. False with the verdict set. */
    bool (*read)(struct s3_paging *paging, struct str token, struct arena *page,
                 struct str *ret_next);
    void *context;
};

/* False with the verdict set, also past the limit of pages. */
bool s3_paging_run(struct s3_paging *paging);

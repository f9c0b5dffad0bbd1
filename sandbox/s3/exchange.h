/* One request to the S3 stand-in, and its answer, for the operations (docs.aws.amazon.com/AmazonS3
 * /latest/API). */
#pragma once

#include "base/buf.h"
#include "net/server/server.h"
#include "sandbox/request.h"
#include "sandbox/s3/files.h"

enum {
    S3_REPLY_MAX = 64 * 1024 * 1024, /* bytes of an answer's body */
    S3_REPLY_HEADERS_MAX = 8,
    S3_LIST_ITEMS_MAX = 1000,
    S3_PART_BYTES_MIN = 5 * 1024 * 1024, /* of each part but the last */
    S3_PART_NUMBER_MAX = 10000,
};

struct s3_exchange {
    const struct files *files;
    const struct sandbox_request *request;
    struct arena *arena;
    const struct parameters *parameters;
    struct str bucket; /* STR_NULL: the service itself */
    struct str key;    /* STR_NULL: the bucket itself */
    struct str body;   /* decoded */
    struct str request_id;
    /* The answer. */
    int status;
    struct http_header headers[S3_REPLY_HEADERS_MAX];
    size_t header_count;
    struct str reply;
};

struct str s3_parameter(const struct s3_exchange *exchange, const char *name); /* STR_NULL: none */
struct str s3_header(const struct s3_exchange *exchange, const char *name);    /* likewise */

/* --- reply.c --- */

void s3_add_header(struct s3_exchange *exchange, const char *name, struct str value);
/* ETag, with its quotes. */
void s3_add_etag(struct s3_exchange *exchange, const char *etag);
/* An error as S3 writes it. Always false, so that a check fails in one line. */
bool s3_refuse(struct s3_exchange *exchange, int status, const char *code, const char *message);
/* Of a write that failed; errno says why. */
bool s3_refuse_disk(struct s3_exchange *exchange);
bool s3_refuse_no_key(struct s3_exchange *exchange);

/* An XML document: begin, add to it, end. */
struct buf s3_begin_xml(struct s3_exchange *exchange, const char *root);
void s3_end_xml(struct s3_exchange *exchange, struct buf *xml, const char *root);
void s3_xml_text(struct buf *xml, const char *name, struct str text);
void s3_xml_number(struct buf *xml, const char *name, uint64_t number);
void s3_xml_time(struct buf *xml, const char *name, struct timespec time);
/* A key, or a prefix: percent-encoded when the request has encoding-type=url. */
void s3_xml_key(struct s3_exchange *exchange, struct buf *xml, const char *name, struct str key);

/* --- operations --- */

void s3_list_buckets(struct s3_exchange *exchange);
void s3_create_bucket(struct s3_exchange *exchange);
void s3_head_bucket(struct s3_exchange *exchange);
void s3_delete_bucket(struct s3_exchange *exchange);
void s3_bucket_location(struct s3_exchange *exchange);
void s3_list_objects(struct s3_exchange *exchange);

void s3_get_object(struct s3_exchange *exchange); /* HEAD too */
void s3_put_object(struct s3_exchange *exchange);
void s3_delete_object(struct s3_exchange *exchange);
/* If-None-Match: * — whether an object may be made. Else it is refused. */
bool s3_may_create(struct s3_exchange *exchange);

void s3_create_upload(struct s3_exchange *exchange);
void s3_upload_one_part(struct s3_exchange *exchange);
void s3_complete_upload(struct s3_exchange *exchange);
void s3_abort_upload(struct s3_exchange *exchange);
void s3_list_uploads(struct s3_exchange *exchange);
void s3_list_parts(struct s3_exchange *exchange);

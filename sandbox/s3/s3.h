/* An Amazon S3 on plain files: DIR/BUCKET/KEY (path.h says how keys become paths). It checks
 * signatures and payloads as S3 does, so that what works here is signed right. Operations: buckets
 * (create, head, delete, list, location), objects (get with ranges and conditions, head, put,
 * delete, ListObjectsV2) and multipart uploads. Both styles of addresses: https://s3.REGION
 * .amazonaws.com/BUCKET/KEY and https://BUCKET.s3.REGION.amazonaws.com/KEY, and at the machine's
 * own addresses the first one. */
#pragma once

#include "net/server/server.h"
#include "sandbox/request.h"

#define S3_DEMO_BUCKET "headgate-demo" /* there from the start */

enum { S3_BODY_MAX = 64 * 1024 * 1024 }; /* bytes of a request */

struct s3_storage;

/* The folder is created with the first request; the text and the signers must live as long. */
struct signers;
struct s3_storage *s3_storage_new(const char *dir, const struct signers *signers);
void s3_storage_free(struct s3_storage *storage); /* NULL is fine */

/* Whether a request to this host is S3's. */
bool s3_storage_takes(struct str host);

/* Answers the request; from any thread, one after the other. */
void s3_storage_answer(struct s3_storage *storage, const struct sandbox_request *request,
                       struct http_exchange *exchange);

/* What the files of the S3 client share. */
#pragma once

#include "aws/s3.h"
#include "aws/s3_answer.h"

enum { S3_HEADERS_MAX = 3, S3_LIST_MAX = 4 * 1024 * 1024 }; /* bytes of a page */

struct s3_request {
    const char *method;
    struct s3_place place; /* key STR_NULL: the bucket itself */
    bool of_service;       /* of no bucket: `place` is empty */
    struct str query;      /* encoded; "": none */
    struct str body;
    const struct http_header *headers; /* further ones, S3_HEADERS_MAX at most; signed as well */
    size_t header_count;
    const struct client_sink *sink; /* NULL: the body is read in memory */
    size_t answer_max;              /* bytes; 0: CLIENT_BODY_MAX */
};

/* --- s3_url.c: pure --- */

struct s3_address {
    struct str url;  /* whole */
    struct str host; /* as the Host header has it */
    struct str path; /* encoded once, as S3 signs it */
};

/* Of the service where the place is empty. False: the server's own URL is not absolute, too long,
 * or has no form without a bucket. */
bool s3_address_of(const struct s3 *s3, const struct s3_place *place, struct str query,
                   struct arena *arena, struct s3_address *ret_address);

/* "&NAME=VALUE" with the value encoded; without '&' for the first. */
void s3_query_add(struct buf *query, const char *name, struct str value);

/* --- s3_call.c --- */

enum s3_end { S3_GOOD, S3_AGAIN, S3_FAILED };

/* In the call's arena. */
struct s3_reply {
    struct client_response http;
    struct s3_answer xml; /* root STR_NULL: the answer has no XML */
    struct str code;      /* of an error, as S3 names it; "": none */
};

/* ERR_VALIDATION. */
_must_use_ bool s3_check_place(const struct s3_place *place, struct error *error);

/* One attempt; `call` is for this attempt alone. Anything but S3_GOOD sets the error. */
enum s3_end s3_attempt(const struct s3 *s3, const struct s3_request *request, struct arena *call,
                       struct s3_reply *ret_reply, struct error *error);

/* Waits before attempt number `next`, 1 at least. False: there is to be none. */
bool s3_pause(const struct s3 *s3, int next, const struct s3_reply *reply);

/* Attempts until one ends it. ret_repeated, unless NULL: an earlier attempt may have been carried
 * out, its answer was lost. When false, ret_reply->code is set as well. */
_must_use_ bool s3_ask(const struct s3 *s3, const struct s3_request *request, struct arena *call,
                       struct s3_reply *ret_reply, bool *ret_repeated, struct error *error);

/* Reads reply->http.body, which s3_attempt has done unless there is a sink. */
enum s3_end s3_judge_answer(const struct s3 *s3, const struct s3_place *place, struct arena *call,
                            struct s3_reply *reply, struct error *error);

/* "no usable answer", for what a good status came with. */
bool s3_fail_unusable(const struct s3_place *place, const char *what, struct error *error);

/* ERR_CONFLICT: another object has taken the place of the one that is read. */
bool s3_fail_changed(const struct s3_place *place, struct error *error);

/* --- s3_object.c --- */

struct s3_facts s3_facts_of(const struct client_response *response, struct arena *arena);

/* Looks at an object after an answer was lost. False: there is none, and the error stays as it is;
 * or nothing can be said of it, and the error is replaced with the reason. */
_must_use_ bool s3_look(const struct s3 *s3, const struct s3_place *place, struct arena *arena,
                        struct s3_facts *ret_facts, struct error *error);

/* --- s3_list.c --- */

/* A key of a list, decoded when the list is encoded. False: it is not one. */
bool s3_read_key(struct str text, struct str encoding, struct arena *arena, struct str *ret_key);
bool s3_read_size(struct str text, uint64_t *ret_size);

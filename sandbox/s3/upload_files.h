/* Multipart uploads on disk: .uploads/BUCKET/ID is a folder with the file "key" (the type, then the
 * key) and a file for each part, NUMBER.MD5, until the parts are put together. */
#pragma once

#include "sandbox/s3/exchange.h"

enum {
    UPLOAD_ID_LEN = 32,
    UPLOAD_PATH_SIZE = 256,
    UPLOAD_NUMBER_LEN = 5,
    UPLOAD_KEY_FILE_MAX = 4096, /* bytes */
    UPLOADS_LISTED_MAX = 10 * 1000,
};

struct part_file {
    int number;
    char name[UPLOAD_NUMBER_LEN + 1 + S3_ETAG_SIZE];
    char etag[S3_ETAG_SIZE];
    uint64_t size; /* bytes */
    struct timespec changed;
};

struct upload {
    char path[UPLOAD_PATH_SIZE]; /* of its folder */
    struct str id, key, type;    /* in the arena */
    struct part_file *parts;     /* by number; upload_read_parts */
    size_t count;
};

/* An upload of that id, without looking whether there is one. */
void upload_place(struct upload *upload, struct str bucket, struct str id);
/* The upload that the request names, for the key that it names. False: it was refused. */
bool upload_find(struct s3_exchange *exchange, struct upload *ret_upload);
/* An end of the process in between leaves a folder without "key", which is no upload. */
void upload_remove(int root, const struct upload *upload);
/* Removes such folders, before the first request. */
void uploads_clean(const struct files *files);
void upload_read_parts(int root, struct upload *upload, struct arena *arena);
/* The uploads of the exchange's bucket by key and id; room for UPLOADS_LISTED_MAX. */
size_t upload_read_all(struct s3_exchange *exchange, struct upload *uploads);

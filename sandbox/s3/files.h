/* Buckets and objects as folders and files below one folder: DIR/BUCKET/KEY, as path.h maps keys.
 * What a file does not say, its ETag and its type, is beside it in DIR/.meta; where that is missing
 * or older than the file, which a person may have put there, the ETag is computed, and kept there.
 * Used by one thread at a time. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "sandbox/s3/path.h"
#include "wire/s3_etag.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { KEYS_LISTED_MAX = 100 * 1000 }; /* of a bucket, for one list */

struct files {
    int root; /* -1: not opened */
    const char *dir;
};

/* The folder is created when it is needed first, with the bucket. */
_must_use_ bool files_open(struct files *files, const char *bucket);
void files_close(struct files *files);

struct file_facts {
    uint64_t size; /* bytes */
    struct timespec changed;
    char etag[S3_ETAG_SIZE];
    struct str type; /* in the arena */
};

/* --- buckets --- */

bool bucket_exists(const struct files *files, struct str bucket);
/* Of these two 0, or errno. */
int bucket_make(const struct files *files, struct str bucket);
int bucket_remove(const struct files *files, struct str bucket);
/* Calls `each` for every bucket, in no order. */
void bucket_each(const struct files *files, void (*each)(void *context, struct str name),
                 void *context);

/* --- objects --- */

/* False: there is no such object. */
bool object_facts(const struct files *files, struct str bucket, struct str key, struct arena *arena,
                  struct file_facts *ret_facts);

/* A descriptor for reading; -1: there is none. */
int object_open(const struct files *files, struct str bucket, struct str key);

/* An object that is being written: visible only when it is whole. */
struct draft {
    const struct files *files;
    struct str bucket, key;
    struct buf path;      /* where it goes */
    struct buf temporary; /* where it is */
    int fd;               /* -1: it could not be made */
};

_must_use_ bool draft_begin(const struct files *files, struct str bucket, struct str key,
                            struct draft *ret_draft);
_must_use_ bool draft_write(struct draft *draft, struct str bytes);
/* Makes it the object. */
_must_use_ bool draft_finish(struct draft *draft, const char *etag, struct str type);
void draft_done(struct draft *draft); /* what was not finished is removed */

/* True as well when there was none. */
_must_use_ bool object_remove(const struct files *files, struct str bucket, struct str key);

/* Keys that begin with `prefix` and come behind `after`, in the order of their bytes, in the arena.
 * False: there are more than KEYS_LISTED_MAX. */
_must_use_ bool object_keys(const struct files *files, struct str bucket, struct str prefix,
                            struct str after, struct arena *arena, struct str **ret_keys,
                            size_t *ret_count);

/* Reads all of a descriptor's bytes from `offset`. */
bool read_all(int fd, uint64_t offset, char *out, size_t size);
bool write_all(int fd, struct str bytes);
/* Removes a folder and what is in it, which is files alone. */
void remove_folder(int root, const char *path);
/* The MD5 of a file's bytes; "" when they cannot be read, or are fewer. */
void file_etag(int fd, uint64_t size, char out[S3_ETAG_SIZE]);

/* What databases of the sandbox have loaded from its buckets, as COPY does: all records of some
 * objects, or none of them. Records are JSON lines, which are kept as they came in
 * FOLDER/VENDOR/TABLE.jsonl; FOLDER/VENDOR/loads names what was loaded, a line a load. Each
 * function may be called by any thread. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    LOADED_OBJECT_MAX = 128 * 1024 * 1024, /* bytes of an object */
    LOADED_OBJECTS_MAX = 10 * 1000,        /* of a load */
};

struct loaded;

/* Both live as long as it; NULL: nothing is kept, and there are no buckets. */
struct loaded *loaded_new(const char *records_dir, const char *s3_dir);
void loaded_free(struct loaded *loaded); /* NULL is fine */

enum loaded_end {
    LOADED,
    LOADED_BEFORE,    /* nothing was done: this table has loaded all of it already */
    LOADED_NO_OBJECT, /* one of the objects, or their bucket, is not there */
    LOADED_NO_JSON,   /* a line of an object is no JSON object */
    LOADED_NO_FILE,   /* the records cannot be kept */
};

struct loaded_objects {
    struct str vendor, table;
    struct str name;        /* of the load */
    bool is_once;           /* one with a name that the table has is LOADED_BEFORE */
    const struct str *urls; /* s3://BUCKET/KEY */
    size_t count;
};

struct loaded_fault {
    size_t object; /* of the two that are about one, its place */
    size_t line;   /* of LOADED_NO_JSON, from 1 */
};

/* ret_rows: records of each object, by its place. */
enum loaded_end loaded_take(struct loaded *loaded, const struct loaded_objects *objects,
                            size_t *ret_rows, struct loaded_fault *ret_fault);

/* Whether a table of the vendor has loaded something whose name contains the text. */
bool loaded_has(struct loaded *loaded, struct str vendor, struct str text);

/* An object's bytes, in the arena. False: it is not there. */
bool loaded_object(struct loaded *loaded, struct str url, struct arena *arena,
                   struct str *ret_text);

/* The lines of a table, for a reader of its own; NULL: none were loaded. In the arena. */
const char *loaded_path(const char *records_dir, struct str vendor, struct str table,
                        struct arena *arena);

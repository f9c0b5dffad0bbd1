/* Writes one object after another to a bucket, each whole or not at all. Bytes are kept until a
 * part is full; an object that ends before that is written by one PUT, a larger one in parts. An
 * object is visible only once it is complete, and one that is written again takes the place of the
 * first.
 */
#pragma once

#include "flow/run_s3.h"
#include "vault/crypto.h"

enum { OBJECT_PART_BYTES = 8 * 1024 * 1024 };

struct object_writer;

struct object_writer_config {
    struct flow_engine_run *run; /* both live longer than the writer */
    struct str bucket;
    /* Before an upload in parts is begun: what is needed to find it after a crash is made durable.
     */
    bool (*before_upload)(void *context, struct error *error);
    /* Before the object becomes visible: whether this may still be done. */
    bool (*before_complete)(void *context, struct error *error);
    void *context;
};

/* What became of an object. */
struct object_facts {
    uint64_t bytes;
    unsigned char sha256[CRYPTO_HASH_SIZE];
};

struct object_writer *object_writer_new(const struct object_writer_config *config);
/* Aborts an object that was begun and not ended. */
void object_writer_free(struct object_writer *writer); /* NULL is fine */

/* Bytes of memory that its buffer takes. */
size_t object_writer_held(const struct object_writer *writer);

/* A new object; the one before has been ended. Errors, of all three: as of s3.h. */
void object_writer_begin(struct object_writer *writer, struct str key, struct str content_type);
_must_use_ bool object_writer_add(struct object_writer *writer, struct str bytes,
                                  struct error *error);
_must_use_ bool object_writer_end(struct object_writer *writer, struct object_facts *ret_facts,
                                  struct error *error);

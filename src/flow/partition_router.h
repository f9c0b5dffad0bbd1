/* Which records go to which of the objects that a run with a Partition task writes at once. The
 * objects are the caller's; the router knows the folder of each open one, and ends the one that was
 * written longest ago before there are too many. So a folder may get several objects: as few as the
 * limits allow, when records of a folder are near each other. The same batches give the same
 * objects in the same order. */
#pragma once

#include "base/cleanup.h"
#include "flow/program.h"

enum {
    PARTITIONS_OPEN_MAX = 128,
    /* Bytes that open objects hold together, and what one write adds: beyond it objects end sooner.
     */
    PARTITIONS_BYTES_MAX = 16 * 1024 * 1024,
};

/* What is done to objects. All may wait but `drop` and `held`. */
struct partition_ops {
    /* A new object for records of the folder (partition.h), whose text lives as long as it. */
    bool (*begin)(void *context, struct str folder, void **ret_object, struct error *error);
    /* `part`: records of the folder; `fields`: of its columns. */
    bool (*write)(void *context, void *object, const struct record_fields *fields,
                  const struct record_batch *part, struct error *error);
    bool (*end)(void *context, void *object, struct error *error);
    void (*drop)(void *context, void *object); /* instead of `end`, or after it has failed */
    size_t (*held)(void *context, const void *object); /* bytes of memory, about */
};

struct partition_router;

/* `open_max`: objects open at once, at most PARTITIONS_OPEN_MAX. */
struct partition_router *partition_router_new(const struct partition_ops *ops, void *context,
                                              size_t open_max);
void partition_router_free(struct partition_router *router); /* drops open objects; NULL is fine */

/* Writes each record of a result, which has folders, to the object of its folder. After a failure
 * the router can only be freed. */
_must_use_ bool partition_router_write(struct partition_router *router,
                                       const struct flow_program_result *result,
                                       struct error *error);
/* Ends all open objects, the one that was written longest ago first: a checkpoint, or the end. */
_must_use_ bool partition_router_end(struct partition_router *router, struct error *error);

bool partition_router_is_open(const struct partition_router *router); /* an object is */

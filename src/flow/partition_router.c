/* Open objects by folder, and in the order in which they were written last. */
#include "flow/partition_router.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"
#include "flow/partition.h"
#include "flow/partition_rows.h"

#include <stdlib.h>
#include <string.h>

struct open_object {
    struct map_link link; /* its name is the folder */
    struct list_link use;
    void *object; /* the caller's */
    size_t held;  /* after its last write */
    char folder[PARTITION_FOLDER_MAX];
};

struct partition_router {
    const struct partition_ops *ops;
    void *context;
    size_t open_max;
    struct map by_folder;
    struct list by_use; /* the one that was written longest ago first */
    size_t held;        /* of all */
    struct partition_rows rows;
};

struct partition_router *partition_router_new(const struct partition_ops *ops, void *context,
                                              size_t open_max)
{
    struct partition_router *router = xcalloc(1, sizeof(*router));
    router->ops = ops;
    router->context = context;
    router->open_max = open_max;
    partition_rows_init(&router->rows);
    return router;
}

static struct open_object *oldest_of(const struct partition_router *router)
{
    return list_first(&router->by_use, struct open_object, use);
}

/* What the router knows of an object. */
static void forget(struct partition_router *router, struct open_object *open)
{
    map_remove(&router->by_folder, &open->link);
    list_remove(&router->by_use, &open->use);
    router->held -= open->held;
    free(open);
}

void partition_router_free(struct partition_router *router)
{
    if (!router)
        return;
    for (struct open_object *open; (open = oldest_of(router));) {
        router->ops->drop(router->context, open->object);
        forget(router, open);
    }
    map_done(&router->by_folder);
    partition_rows_done(&router->rows);
    free(router);
}

static bool end(struct partition_router *router, struct open_object *open, struct error *error)
{
    if (!router->ops->end(router->context, open->object, error))
        return false; /* it stays, to be dropped */
    forget(router, open);
    return true;
}

static bool begin(struct partition_router *router, struct str folder, struct open_object **ret_open,
                  struct error *error)
{
    while (router->by_folder.count >= router->open_max) {
        if (!end(router, oldest_of(router), error))
            return false;
    }
    struct open_object *open = xcalloc(1, sizeof(*open));
    memcpy(open->folder, folder.data, folder.len);
    open->link.name = (struct str){open->folder, folder.len};
    if (!router->ops->begin(router->context, open->link.name, &open->object, error)) {
        free(open);
        return false;
    }
    map_add(&router->by_folder, &open->link);
    list_append(&router->by_use, &open->use);
    *ret_open = open;
    return true;
}

/* The object that was written last stays, however large. */
static bool write_part(struct partition_router *router, struct open_object *open,
                       const struct record_fields *fields, const struct record_batch *part,
                       struct error *error)
{
    if (!router->ops->write(router->context, open->object, fields, part, error))
        return false;
    router->held -= open->held;
    open->held = router->ops->held(router->context, open->object);
    router->held += open->held;
    list_remove(&router->by_use, &open->use);
    list_append(&router->by_use, &open->use);
    for (struct open_object *oldest;
         router->held > PARTITIONS_BYTES_MAX && (oldest = oldest_of(router)) != open;) {
        if (!end(router, oldest, error))
            return false;
    }
    return true;
}

static bool write_group(struct partition_router *router, struct partition_group *group,
                        const struct flow_program_result *result, struct error *error)
{
    struct open_object *open =
        (struct open_object *)(void *)map_find(&router->by_folder, group->link.name);
    struct record_batch part;
    if (!open && !begin(router, group->link.name, &open, error))
        return false;
    while (partition_rows_take(&router->rows, group, &result->output, &part)) {
        if (!write_part(router, open, &result->fields, &part, error))
            return false;
    }
    return true;
}

bool partition_router_write(struct partition_router *router,
                            const struct flow_program_result *result, struct error *error)
{
    partition_rows_group(&router->rows, result->folders, result->output.rows);
    for (struct partition_group *group = router->rows.first; group; group = group->next) {
        if (!write_group(router, group, result, error))
            return false;
    }
    return true;
}

bool partition_router_end(struct partition_router *router, struct error *error)
{
    for (struct open_object *oldest; (oldest = oldest_of(router));) {
        if (!end(router, oldest, error))
            return false;
    }
    return true;
}

bool partition_router_is_open(const struct partition_router *router)
{
    return router->by_folder.count > 0;
}

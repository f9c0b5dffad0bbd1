/* The partitions of a table: a list in its file. */
#include "sandbox/glue/call.h"

enum {
    PAGE_MAX = 1000,   /* partitions of an answer */
    CREATED_MAX = 100, /* of one BatchCreatePartition */
    DELETED_MAX = 25,  /* and of one BatchDeletePartition */
    PARTITIONS_MAX = 100 * 1000,
};

static const struct value *partitions_of(const struct value *kept)
{
    const struct value *list = value_get(kept, "Partitions");
    return list && list->kind == VALUE_LIST ? list : NULL;
}

void glue_get_partitions(struct glue_call *call)
{
    const struct value *kept = glue_need_table(call), *all = partitions_of(kept);
    struct value *list = value_list(call->arena);
    int64_t most = value_integer(call->input, "MaxResults", PAGE_MAX);
    unsigned long long first = 0;
    if (!kept)
        return;
    str_to_u64(value_text(call->input, "NextToken"), PARTITIONS_MAX, &first);
    size_t count = all ? all->count : 0, at = (size_t)first;
    for (; at < count && (int64_t)list->count < most && list->count < PAGE_MAX; at++)
        value_append(call->arena, list, all->items[at]);
    value_put(call->arena, call->output, "Partitions", list);
    if (at < count)
        value_put_text(call->arena, call->output, "NextToken",
                       arena_printf(call->arena, "%zu", at));
}

static bool has_values(const struct value *partition, const struct value *values)
{
    const struct value *own = value_get(partition, "Values");
    bool same = own && values && own->kind == VALUE_LIST && values->kind == VALUE_LIST &&
                own->count == values->count;
    for (size_t i = 0; same && i < own->count; i++)
        same = own->items[i]->kind == VALUE_STRING && values->items[i]->kind == VALUE_STRING &&
               str_eq(own->items[i]->text, values->items[i]->text);
    return same;
}

/* The place among them; their count: it is not there. */
static size_t find_partition(const struct value *list, const struct value *values)
{
    size_t at = 0;
    while (at < list->count && !has_values(list->items[at], values))
        at++;
    return at;
}

static void add_error(struct glue_call *call, struct value *errors, const struct value *values,
                      const char *name)
{
    struct value *error = value_structure(call->arena), *detail = value_structure(call->arena);
    value_put_text(call->arena, detail, "ErrorCode", str_from(name));
    if (values)
        value_put(call->arena, error, "PartitionValues", (struct value *)values);
    value_put(call->arena, error, "ErrorDetail", detail);
    value_append(call->arena, errors, error);
}

/* A list of the request, of at most so many. NULL: it was refused. */
static const struct value *given_list(struct glue_call *call, const char *name, size_t most)
{
    const struct value *list = value_get(call->input, name);
    if (list && list->kind == VALUE_LIST && list->count <= most)
        return list;
    glue_refuse(call, "InvalidInputException", "The list of partitions is missing, or too long.");
    return NULL;
}

static struct value *copy_list(struct arena *arena, const struct value *list)
{
    struct value *copy = value_list(arena);
    for (size_t i = 0; list && i < list->count; i++)
        value_append(arena, copy, list->items[i]);
    return copy;
}

static bool fits_keys(const struct value *kept, const struct value *values)
{
    const struct value *keys = value_get(value_get(kept, "Table"), "PartitionKeys");
    size_t count = keys && keys->kind == VALUE_LIST ? keys->count : 0;
    return values && values->kind == VALUE_LIST && values->count == count;
}

/* A change of a table's partitions. */
struct batch {
    const struct value *kept;  /* what the table's file has */
    const struct value *given; /* of the request */
    struct value *partitions;  /* as they become */
    struct value *errors;
};

/* False: it was refused. */
static bool begin_batch(struct glue_call *call, const char *member, size_t most,
                        struct batch *ret_batch)
{
    *ret_batch = (struct batch){.kept = glue_need_table(call)};
    if (!ret_batch->kept)
        return false;
    ret_batch->given = given_list(call, member, most);
    ret_batch->partitions = copy_list(call->arena, partitions_of(ret_batch->kept));
    ret_batch->errors = value_list(call->arena);
    return ret_batch->given != NULL;
}

static void end_batch(struct glue_call *call, const struct batch *batch)
{
    struct value *changed = value_structure(call->arena);
    value_put(call->arena, changed, "Table", (struct value *)value_get(batch->kept, "Table"));
    value_put(call->arena, changed, "Partitions", batch->partitions);
    glue_store(call, call->table, changed);
    value_put(call->arena, call->output, "Errors", batch->errors);
}

static void create_one(struct glue_call *call, const struct batch *batch, struct value *partition)
{
    const struct value *values = value_get(partition, "Values");
    if (!fits_keys(batch->kept, values) || batch->partitions->count >= PARTITIONS_MAX)
        add_error(call, batch->errors, values, "InvalidInputException");
    else if (find_partition(batch->partitions, values) < batch->partitions->count)
        add_error(call, batch->errors, values, "AlreadyExistsException");
    else
        value_append(call->arena, batch->partitions, partition);
}

static void delete_one(struct glue_call *call, const struct batch *batch,
                       const struct value *partition)
{
    struct value *partitions = batch->partitions;
    const struct value *values = value_get(partition, "Values");
    size_t at = find_partition(partitions, values);
    if (at == partitions->count)
        add_error(call, batch->errors, values, "EntityNotFoundException");
    else
        partitions->items[at] = partitions->items[--partitions->count];
}

void glue_create_partitions(struct glue_call *call)
{
    struct batch batch;
    if (!begin_batch(call, "PartitionInputList", CREATED_MAX, &batch))
        return;
    for (size_t i = 0; i < batch.given->count; i++)
        create_one(call, &batch, batch.given->items[i]);
    end_batch(call, &batch);
}

void glue_delete_partitions(struct glue_call *call)
{
    struct batch batch;
    if (!begin_batch(call, "PartitionsToDelete", DELETED_MAX, &batch))
        return;
    for (size_t i = 0; i < batch.given->count; i++)
        delete_one(call, &batch, batch.given->items[i]);
    end_batch(call, &batch);
}

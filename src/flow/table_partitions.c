/* Partitions that are at their place already are not written again. */
#include "flow/table_partitions.h"

#include "base/fault.h"
#include "flow/table_input.h"

enum {
    VALUES_MAX = PARTITION_KEYS_MAX + 1,
    BATCH_BYTES = 2 * 1024 * 1024, /* of one BatchCreatePartition, about */
    COLUMN_BYTES = 512,            /* of a column in it, about and at most */
    PARTITION_BYTES = 4 * 1024,    /* and of the rest of a partition */
    LISTED_MAX = 2 * RUN_FOLDERS_MAX,
    PAGE_COUNTS = 100,    /* as so many: pages may be empty and lead to further ones for ever */
    TEXT_MAX = 64 * 1024, /* bytes of values in that form: more are not this server's */
};

/* A partition of the run. */
struct wanted {
    struct map_link link; /* its values, in a form of their own */
    const struct run_folder *folder;
    struct str location;
    bool is_there;
};

struct partitions_writing {
    const struct table_partitions *given;
    struct arena *arena;
    struct str table; /* its name */
    struct wanted *wanted;
    struct map by_values;
    struct value *stale; /* a list of structures with Values */
    size_t listed, created;
};

/* --- what is wanted --- */

static size_t values_of(const struct partitions_writing *self, const struct run_folder *folder,
                        struct str values[VALUES_MAX])
{
    const struct table_partitions *given = self->given;
    size_t count = 0;
    if (given->run_folder.data)
        values[count++] = given->run_folder;
    for (size_t i = 0; i < given->folders->key_count; i++)
        values[count++] = folder->values[i];
    return count;
}

/* Different values make different texts. */
static void add_value(struct buf *text, struct str value)
{
    buf_printf(text, "%zu:", value.len);
    buf_add(text, value);
}

static void add_wanted(struct partitions_writing *self, const struct run_folder *folder,
                       struct wanted *wanted)
{
    struct str values[VALUES_MAX];
    size_t count = values_of(self, folder, values);
    struct buf text = buf_in(self->arena, TEXT_MAX);
    for (size_t i = 0; i < count; i++)
        add_value(&text, values[i]);
    wanted->folder = folder;
    wanted->location = arena_printf(self->arena, "%.*s%.*s", STR_ARG(self->given->location),
                                    STR_ARG(folder->link.name));
    wanted->link.name = buf_str(&text);
    map_add(&self->by_values, &wanted->link);
}

/* --- what there is --- */

static struct wanted *find(const struct partitions_writing *self, const struct value *values)
{
    struct arena arena = arena_beside(self->arena);
    struct buf text = buf_in(&arena, TEXT_MAX);
    for (size_t i = 0; values && values->kind == VALUE_LIST && i < values->count; i++) {
        if (values->items[i]->kind == VALUE_STRING)
            add_value(&text, values->items[i]->text);
    }
    struct map_link *found = map_find(&self->by_values, buf_str(&text));
    arena_done(&arena);
    return (struct wanted *)found; /* its first member */
}

static struct value *copy_values(const struct value *values, struct arena *arena)
{
    struct value *copy = value_structure(arena), *list = value_list(arena);
    for (size_t i = 0; i < values->count; i++) {
        if (values->items[i]->kind == VALUE_STRING)
            value_append(arena, list,
                         value_string(arena, arena_copy(arena, values->items[i]->text)));
    }
    value_put(arena, copy, "Values", list);
    return copy;
}

/* One of a run before, in its own place, is not of the newest run. */
static void judge(struct partitions_writing *self, const struct value *partition)
{
    const struct value *values = value_get(partition, "Values");
    struct str at = value_text(value_get(partition, "StorageDescriptor"), "Location");
    struct wanted *wanted = find(self, values);
    bool is_here = str_starts(at, self->given->location);
    if (wanted && str_eq(wanted->location, at))
        wanted->is_there = true;
    else if (values && values->kind == VALUE_LIST && (wanted || !is_here))
        value_append(self->arena, self->stale, copy_values(values, self->arena));
}

static bool look(struct partitions_writing *self, struct error *error)
{
    struct arena arena = arena_beside(self->arena);
    struct str next = STR_NULL;
    bool ok = true, more = true;
    while (ok && more) {
        const struct value *page = NULL;
        struct arena page_arena = arena_beside(self->arena);
        struct str following;
        ok = glue_partition_list(self->given->glue, self->table, next, &page_arena, &page,
                                 &following, error);
        for (size_t i = 0; ok && i < page->count; i++)
            judge(self, page->items[i]);
        self->listed += ok ? page->count + PAGE_COUNTS : 0;
        more = ok && following.data;
        ok = ok && (self->listed <= LISTED_MAX ||
                    fail(error, ERR_VALIDATION,
                         "The table has more than %d partitions. Delete those that are not needed.",
                         LISTED_MAX));
        arena_reset(&arena);
        next = more ? arena_copy(&arena, following) : STR_NULL;
        arena_done(&page_arena);
    }
    arena_done(&arena);
    return ok;
}

/* --- writing --- */

static bool delete_stale(struct partitions_writing *self, struct error *error)
{
    const struct value *stale = self->stale;
    for (size_t from = 0; from < stale->count; from += GLUE_DELETED_MAX) {
        struct value *batch = value_list(self->arena);
        for (size_t i = from; i < stale->count && batch->count < GLUE_DELETED_MAX; i++)
            value_append(self->arena, batch, stale->items[i]);
        if (!glue_partitions_delete(self->given->glue, self->table, batch, error))
            return false;
    }
    return true;
}

static size_t batch_size(const struct value *storage)
{
    size_t bytes = PARTITION_BYTES + COLUMN_BYTES * value_get(storage, "Columns")->count;
    size_t count = BATCH_BYTES / bytes;
    return count < 1 ? 1 : count > GLUE_CREATED_MAX ? GLUE_CREATED_MAX : count;
}

static bool create_batch(struct partitions_writing *self, struct value *batch, struct error *error)
{
    size_t created;
    if (batch->count == 0)
        return true;
    if (!glue_partitions_create(self->given->glue, self->table, batch, &created, error))
        return false;
    self->created += created;
    fault_point("tables:partitions");
    return true;
}

static bool create_missing(struct partitions_writing *self, struct error *error)
{
    struct arena arena = arena_beside(self->arena);
    struct value *storage = table_partition_storage(self->given->table, self->arena);
    struct value *batch = value_list(&arena);
    size_t most = batch_size(storage);
    bool ok = true;
    for (size_t i = 0; ok && i < self->given->folders->count; i++) {
        const struct wanted *wanted = &self->wanted[i];
        struct str values[VALUES_MAX];
        if (wanted->is_there)
            continue;
        size_t count = values_of(self, wanted->folder, values);
        value_append(&arena, batch,
                     table_partition(storage, values, count, wanted->location, &arena));
        if (batch->count < most)
            continue;
        ok = create_batch(self, batch, error);
        arena_reset(&arena);
        batch = value_list(&arena);
    }
    ok = ok && create_batch(self, batch, error);
    arena_done(&arena);
    return ok;
}

bool table_partitions_write(const struct table_partitions *given, struct arena *arena,
                            size_t *ret_created, struct error *error)
{
    const struct run_folders *folders = given->folders;
    struct partitions_writing writing = {
        .given = given,
        .arena = arena,
        .table = value_text(given->table, "Name"),
        .wanted = arena_array(arena, struct wanted, folders->count + 1),
        .stale = value_list(arena),
    };
    for (size_t i = 0; i < folders->count; i++)
        add_wanted(&writing, folders->folders[i], &writing.wanted[i]);
    bool ok = (!given->replaces || look(&writing, error)) && delete_stale(&writing, error) &&
              create_missing(&writing, error);
    map_done(&writing.by_values);
    *ret_created = writing.created;
    return ok;
}

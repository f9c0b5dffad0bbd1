/* Names and values are in the keys of objects, where readers of folders find them too. */
#include "flow/run_folders.h"

#include "base/encode.h"
#include "profile/context.h"

enum { PAGE_OBJECTS = 1000, FIRST_ROOM = 16 };

/* --- one folder --- */

/* The next "NAME=VALUE/" of a folder. False: there is none. */
static bool next_part(struct str *folder, struct arena *arena, struct str *ret_name,
                      struct str *ret_value)
{
    struct str part, rest, name, value;
    if (!str_cut(*folder, '/', &part, &rest))
        return false;
    *folder = rest;
    return str_cut(part, '=', &name, &value) && decode_percent(arena, name, ret_name) &&
           decode_percent(arena, value, ret_value);
}

static bool fail_folder(struct error *error)
{
    return fail(error, ERR_INTERNAL, "A folder of the run's objects cannot be read.");
}

/* All folders of a run have the same names. */
static bool read_parts(struct run_folders *self, struct run_folder *folder, struct error *error)
{
    struct str text = folder->link.name, name, value;
    bool is_first = self->count == 0;
    size_t count = 0;
    folder->values = arena_array(self->arena, struct str, PARTITION_KEYS_MAX);
    while (text.len > 0) {
        if (count == PARTITION_KEYS_MAX || !next_part(&text, self->arena, &name, &value))
            return fail_folder(error);
        if (is_first)
            self->keys[count] = arena_lower(self->arena, name);
        folder->values[count++] = value;
    }
    if (is_first)
        self->key_count = count;
    return count == self->key_count || fail_folder(error);
}

static void append(struct run_folders *self, struct run_folder *folder)
{
    if (self->count == self->room) {
        size_t room = self->room > 0 ? 2 * self->room : FIRST_ROOM;
        struct run_folder **folders = arena_array(self->arena, struct run_folder *, room);
        for (size_t i = 0; i < self->count; i++)
            folders[i] = self->folders[i];
        self->folders = folders;
        self->room = room;
    }
    map_add(&self->by_name, &folder->link);
    self->folders[self->count++] = folder;
}

static bool add(struct run_folders *self, struct str name, struct error *error)
{
    if (map_find(&self->by_name, name))
        return true;
    if (self->count == RUN_FOLDERS_MAX)
        return fail(error, ERR_VALIDATION,
                    "The run wrote to more than %d folders, which are too many to be registered. "
                    "Let the Partition task take fields with fewer values.",
                    RUN_FOLDERS_MAX);
    struct run_folder *folder = arena_new(self->arena, struct run_folder);
    folder->link.name = arena_copy(self->arena, name);
    if (!read_parts(self, folder, error))
        return false;
    append(self, folder);
    return true;
}

/* --- the run's objects --- */

static bool add_objects(struct run_folders *self, const struct object_key_config *keys,
                        const struct flow_run_object *objects, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!add(self, object_key_folder(keys, objects[i].key), error))
            return false;
    }
    return true;
}

/* *ret_count of them from the number `first` on. */
static bool add_page(struct run_folders *self, const struct flow_engine_run *run,
                     const struct object_key_config *keys, int64_t first, size_t *ret_count,
                     struct error *error)
{
    struct store *store = run->config->profiles->store;
    struct arena arena = arena_beside(self->arena);
    struct store_reader *reader;
    struct flow_run_object *objects;
    *ret_count = 0;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = flow_run_object_list(reader, &arena, run->row->flow, run->row->id, first,
                                   PAGE_OBJECTS, &objects, ret_count, error);
    store_reader_put(store, reader);
    ok = ok && add_objects(self, keys, objects, *ret_count, error);
    arena_done(&arena);
    return ok;
}

bool run_folders_read(struct flow_engine_run *run, const struct object_key_config *keys,
                      struct arena *arena, struct run_folders *ret_folders, struct error *error)
{
    const struct flow_progress *progress = run->progress;
    int64_t first = 0;
    size_t count = PAGE_OBJECTS;
    *ret_folders = (struct run_folders){.arena = arena};
    if (!keys->has_folders)
        return true;
    while (count == PAGE_OBJECTS) {
        if (!add_page(ret_folders, run, keys, first, &count, error))
            return false;
        first += (int64_t)count;
    }
    return add_objects(ret_folders, keys, progress->new_objects, progress->new_object_count, error);
}

void run_folders_done(struct run_folders *self)
{
    map_done(&self->by_name);
}

/* The bucket's keys are listed, and each is looked for in the run's list of objects by its number.
 */
#include "flow/object_strays.h"

#include "base/buf.h"
#include "base/fault.h"
#include "base/log.h"
#include "profile/context.h"
#include "store/flow_run_objects.h"
#include "wire/s3_name.h"

/* Objects of the manifest that are read at once: with folders S3's order is not that of numbers. */
enum { LISTED_ROOM = 1000, LISTED_ROOM_FOLDERS = 50 };

struct strays {
    struct flow_engine_run *run;
    const struct object_key_config *keys;
    struct run_s3 *calls;
    struct arena call; /* of one call */
    /* Objects of the manifest, from the number `first` on: */
    struct arena listed_memory;
    struct flow_run_object *listed;
    size_t listed_count;
    uint64_t first;
};

/* --- the manifest --- */

static bool read_listed(struct strays *self, uint64_t number, struct error *error)
{
    struct store *store = self->run->config->profiles->store;
    const struct flow_run_row *row = self->run->row;
    struct store_reader *reader;
    arena_reset(&self->listed_memory);
    self->first = number;
    self->listed_count = 0;
    if (!store_reader_take(store, &reader, error))
        return fail(error, ERR_UNAVAILABLE, "The store does not answer.");
    bool ok =
        flow_run_object_list(reader, &self->listed_memory, row->flow, row->id, (int64_t)number,
                             self->keys->has_folders ? LISTED_ROOM_FOLDERS : LISTED_ROOM,
                             &self->listed, &self->listed_count, error);
    store_reader_put(store, reader);
    return ok || fail(error, ERR_UNAVAILABLE, "The store does not answer.");
}

/* Of an object that no checkpoint has yet. */
static bool is_new(const struct strays *self, struct str key)
{
    const struct flow_progress *progress = self->run->progress;
    for (size_t i = 0; i < progress->new_object_count; i++) {
        if (str_eq(progress->new_objects[i].key, key))
            return true;
    }
    return false;
}

/* In what was read of the manifest, from `number` on; it begins at or before that. */
static bool find_read(const struct strays *self, uint64_t number, struct str key)
{
    uint64_t skipped = number - self->first;
    for (size_t i = (size_t)skipped; i < self->listed_count; i++) {
        if (str_eq(self->listed[i].key, key))
            return true;
    }
    return false;
}

/* The number in a key is how many objects the run had when it began this one: other folders may
 * have ended theirs since, so with folders it stands in the manifest at that number or behind it.
 */
static bool is_listed(struct strays *self, uint64_t number, struct str key, bool *ret_listed,
                      struct error *error)
{
    uint64_t end = self->run->progress->objects;
    bool is_read = number >= self->first && number - self->first < self->listed_count;
    *ret_listed = is_new(self, key) || (is_read && find_read(self, number, key));
    if (!self->keys->has_folders && end > number + 1)
        end = number + 1;
    for (uint64_t at = number; at < end && !*ret_listed; at += self->listed_count) {
        if (!read_listed(self, at, error))
            return false;
        if (self->listed_count == 0)
            return true;
        *ret_listed = find_read(self, at, key);
    }
    return true;
}

/* --- the bucket --- */

static bool remove_object(struct strays *self, const struct s3_place *place, struct error *error)
{
    if (!flow_engine_check(self->run, error)) /* the objects may be another node's */
        return false;
    const struct s3 *s3 = run_s3_call(self->calls, error);
    arena_reset(&self->call);
    if (!s3 || !s3_delete(s3, place, &self->call, error))
        return false;
    fault_point("strays:removed");
    log_info("Run %.*s has removed %.*s, which a try of it that was cut off has left.",
             STR_ARG(self->run->row->id), STR_ARG(place->key));
    return true;
}

static bool look_at(struct strays *self, struct str bucket, struct str key, struct error *error)
{
    const struct s3_place place = {.bucket = bucket, .key = key};
    uint64_t number;
    bool listed;
    if (!object_key_number(self->keys, key, &number))
        return true;
    return is_listed(self, number, key, &listed, error) &&
           (listed || remove_object(self, &place, error));
}

/* Without folders for partitions what stands before a number is the run's own. */
static struct str prefix_of(const struct strays *self, struct arena *arena)
{
    const struct str prefix = object_key_prefix(self->keys, arena);
    return self->keys->has_folders
               ? prefix
               : arena_printf(arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(self->keys->run));
}

static bool walk(struct strays *self, struct arena *pages, struct arena *tokens,
                 struct error *error)
{
    struct s3_query query = {.bucket = value_text(self->keys->s3, "bucketName"),
                             .prefix = prefix_of(self, self->run->arena)};
    uint64_t seen = 0;
    do {
        struct s3_page page = {0};
        const struct s3 *s3 = run_s3_call(self->calls, error);
        arena_reset(pages);
        if (!s3 || !s3_list(s3, &query, pages, &page, error))
            return false;
        for (size_t i = 0; i < page.count; i++) {
            if (!look_at(self, query.bucket, page.entries[i].key, error))
                return false;
        }
        seen += page.count;
        arena_reset(tokens);
        query.token = page.next_token.data ? arena_copy(tokens, page.next_token) : STR_NULL;
    } while (query.token.data && seen < OBJECT_STRAYS_SEEN_MAX);
    return !query.token.data || fail(error, ERR_VALIDATION,
                                     "the flow's folder has more than %d objects, which were not "
                                     "all looked at: add EXECUTION_ID to pathPrefixHierarchy",
                                     OBJECT_STRAYS_SEEN_MAX);
}

bool object_strays_remove(struct flow_engine_run *run, const struct object_key_config *keys,
                          struct run_s3 *calls, struct error *error)
{
    struct strays self = {.run = run, .keys = keys, .calls = calls};
    struct arena pages = arena_beside(run->arena), tokens = arena_beside(run->arena);
    self.call = self.listed_memory = arena_beside(run->arena);
    bool ok = walk(&self, &pages, &tokens, error);
    arena_done(&pages);
    arena_done(&tokens);
    arena_done(&self.call);
    arena_done(&self.listed_memory);
    return ok;
}

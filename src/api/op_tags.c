/* Adding, removing and listing tags. The model bounds what a request can have: 50 tags, keys of 128
 * characters without the prefix "aws:", values of 256; what a resource can have is counted when a
 * request is committed. */
#include "api/op_tags.h"

#include "api/tagged_resource.h"

enum { TAGS_ANSWER_MAX = 256 * 1024 };

struct tagging {
    struct api_request *request;
    struct tagged tagged;
};

static bool read_resource(struct api_request *request, struct tagged *ret_tagged)
{
    return tagged_resource_read(request, value_text(request->input, "resourceArn"), ret_tagged,
                                &request->error);
}

/* --- changes --- */

static bool put(struct db *db, const struct tagging *tagging, struct error *error)
{
    const struct value *given = value_get(tagging->request->input, "tags");
    struct tag tags[TAGS_MAX];
    for (size_t i = 0; i < given->count; i++)
        tags[i] = (struct tag){given->names[i], given->items[i]->text};
    return tags_put(db, &tagging->tagged, tags, given->count, error);
}

static bool take_away(struct db *db, const struct tagging *tagging, struct error *error)
{
    const struct value *given = value_get(tagging->request->input, "tagKeys");
    struct str keys[TAGS_MAX];
    for (size_t i = 0; i < given->count; i++)
        keys[i] = given->items[i]->text;
    return tags_remove(db, &tagging->tagged, keys, given->count, error);
}

static bool apply(struct db *db, struct tagging *tagging,
                  bool (*change)(struct db *db, const struct tagging *tagging, struct error *error),
                  struct error *error)
{
    struct audit_entry entry = request_audit_entry(tagging->request, "ok", STR(""));
    return tagged_resource_hold(db, &tagging->tagged, error) && change(db, tagging, error) &&
           audit_add(db, &entry, error);
}

static bool apply_tag(struct db *db, void *argument, struct error *error)
{
    return apply(db, argument, put, error);
}

static bool apply_untag(struct db *db, void *argument, struct error *error)
{
    return apply(db, argument, take_away, error);
}

static bool run_change(struct api_request *request, store_apply_fn *change)
{
    struct tagging tagging = {.request = request};
    if (!read_resource(request, &tagging.tagged) ||
        !store_apply(request->service->config.store, change, &tagging, false, &request->error))
        return false;
    trace_stage_end(&request->stage_ns, STAGE_COMMIT);
    request->output = STR("{}");
    return true;
}

bool tag_resource(struct api_request *request)
{
    return run_change(request, apply_tag);
}

bool untag_resource(struct api_request *request)
{
    return run_change(request, apply_untag);
}

/* --- listing --- */

bool list_tags_for_resource(struct api_request *request)
{
    struct arena *arena = request->arena;
    struct value *map = value_new(arena, VALUE_MAP), *output = value_structure(arena);
    struct buf json = buf_in(arena, TAGS_ANSWER_MAX);
    struct tagged tagged;
    struct tag *tags;
    size_t count;
    if (!read_resource(request, &tagged) ||
        !tagged_resource_check(request->reader, arena, &tagged, &request->error) ||
        !tags_list(request->reader, arena, &tagged, &tags, &count, &request->error))
        return false;
    trace_stage_end(&request->stage_ns, STAGE_LOAD);
    for (size_t i = 0; i < count; i++)
        value_put(arena, map, arena_cstr(arena, tags[i].key), value_string(arena, tags[i].value));
    value_put(arena, output, "tags", map);
    value_encode(&json, output);
    request->output = buf_str(&json);
    return true;
}

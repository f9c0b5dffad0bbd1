/* Tags as facts. The names of condition keys are compared without regard to case, and so are the
 * keys of tags in them: "aws:ResourceTag/Team" also means the tag "team". Where a resource has
 * both, the fact has the values of both, so that an additional tag does not hide the other one from
 * a statement that denies. */
#include "api/authorize_tags.h"

#include "api/tagged_resource.h"

struct facts {
    struct arena *arena;
    struct policy_fact *items;
    size_t count;
};

static bool came_before(const struct tag *tags, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (str_eq_nocase(tags[j].key, tags[i].key))
            return true;
    }
    return false;
}

static void add_tags(struct facts *facts, const char *prefix, const struct tag *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (came_before(tags, i))
            continue;
        struct str *values = arena_array(facts->arena, struct str, count - i);
        struct policy_fact *fact = &facts->items[facts->count++];
        *fact = (struct policy_fact){
            .key = arena_printf(facts->arena, "%s%.*s", prefix, STR_ARG(tags[i].key)),
            .values = values,
        };
        for (size_t j = i; j < count; j++) {
            if (str_eq_nocase(tags[j].key, tags[i].key))
                values[fact->count++] = tags[j].value;
        }
    }
}

static void add_keys(struct facts *facts, const struct str *keys, size_t count)
{
    facts->items[facts->count++] = (struct policy_fact){STR("aws:TagKeys"), keys, count};
}

/* Tags that TagResource gives, and keys that UntagResource names: a map, and a list with a shape,
 * as the model's decoder makes them of texts. Other JSON with these names is ignored. */
static void add_given(struct facts *facts, const struct value *input)
{
    const struct value *given = value_get(input, "tags"), *keys = value_get(input, "tagKeys");
    if (given && given->kind == VALUE_MAP) {
        struct tag *tags = arena_array(facts->arena, struct tag, given->count);
        for (size_t i = 0; i < given->count; i++)
            tags[i] = (struct tag){given->names[i], given->items[i]->text};
        add_keys(facts, given->names, given->count);
        add_tags(facts, "aws:RequestTag/", tags, given->count);
    } else if (keys && keys->kind == VALUE_LIST && keys->shape) {
        struct str *names = arena_array(facts->arena, struct str, keys->count);
        for (size_t i = 0; i < keys->count; i++)
            names[i] = keys->items[i]->text;
        add_keys(facts, names, keys->count);
    }
}

static bool read_stored(struct api_request *request, const struct tagged *tagged,
                        struct tag **ret_tags, size_t *ret_count)
{
    struct store_reader *reader = request->reader;
    if (reader)
        return tags_list(reader, request->arena, tagged, ret_tags, ret_count, &request->error);
    struct store *store = request->service->config.store;
    if (!store_reader_take(store, &reader, &request->error))
        return false;
    bool ok = tags_list(reader, request->arena, tagged, ret_tags, ret_count, &request->error);
    store_reader_put(store, reader);
    return ok;
}

bool tag_facts(struct api_request *request, const struct policy *policy,
               struct policy_fact **ret_facts, size_t *ret_count)
{
    struct facts facts = {.arena = request->arena};
    struct tagged tagged;
    struct tag *tags;
    size_t count;
    const struct value *given = value_get(request->input, "tags");
    bool of_resource = policy_mentions_below(policy, STR("aws:ResourceTag/")) &&
                       tagged_resource_of(request, &tagged);
    size_t room = 1 + (given ? given->count : 0) + (of_resource ? TAGS_MAX : 0);
    facts.items = arena_array(request->arena, struct policy_fact, room);
    add_given(&facts, request->input);
    if (of_resource) {
        if (!read_stored(request, &tagged, &tags, &count))
            return false;
        add_tags(&facts, "aws:ResourceTag/", tags, count);
    }
    *ret_facts = facts.items;
    *ret_count = facts.count;
    return true;
}

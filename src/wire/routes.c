/* Which operation a method and a target mean, and what of its input stands in the target. */
#include "wire/routes.h"

#include "base/encode.h"
#include "wire/errors.h"
#include "wire/restjson.h"

/* The target before its query, and the query (STR_NULL without one). */
static void split_target(struct str target, struct str *ret_path, struct str *ret_query)
{
    *ret_path = target;
    *ret_query = STR_NULL;
    (void)str_cut(target, '?', ret_path, ret_query);
}

/* The fixed start of a pattern such as /tags/{resourceArn}, and the name of its label. */
static bool has_label(struct str uri, struct str *ret_start, struct str *ret_label)
{
    if (!str_cut(uri, '{', ret_start, ret_label))
        return false;
    ret_label->len--; /* the closing brace */
    return true;
}

/* A label takes all of the rest, since an ARN may hold slashes as they are. */
static bool path_matches(struct str uri, struct str path)
{
    struct str start, label;
    if (!has_label(uri, &start, &label))
        return str_eq(uri, path);
    return path.len > start.len && str_starts(path, start);
}

const struct api_operation *route_find(struct str method, struct str target)
{
    struct str path, query;
    split_target(target, &path, &query);
    for (size_t i = 0; i < api_operation_count; i++) {
        const struct api_operation *operation = &api_operations[i];
        if (path_matches(operation->uri, path) && str_eq(operation->method, method))
            return operation;
    }
    return NULL;
}

static bool decode_text(struct arena *arena, struct str raw, struct str *ret_text,
                        struct error *error)
{
    if (!decode_percent(arena, raw, ret_text))
        return fail(error, ERR_SERIALIZATION, "The request target has a bad percent-encoding.");
    if (!utf8_is_valid(*ret_text) || str_contains(*ret_text, STR("\0")))
        return fail(error, ERR_SERIALIZATION, "The request target does not encode UTF-8 text.");
    return true;
}

/* How many parameters a query has at most; HTTP_TARGET_MAX bounds it. */
static size_t parameter_count(struct str query)
{
    size_t count = 1;
    for (size_t i = 0; i < query.len; i++)
        count += query.data[i] == '&';
    return count;
}

/* All values of one parameter. `values` has room for parameter_count(query). A parameter without
 * '=' has an empty value. */
static bool query_values(struct str query, struct str wanted, struct arena *arena,
                         struct str *values, size_t *ret_count, struct error *error)
{
    size_t count = 0;
    bool more = query.data != NULL;
    while (more) {
        struct str pair = query, rest = STR_NULL;
        more = str_cut(query, '&', &pair, &rest);
        query = rest;
        struct str raw_name = pair, raw_value = STR(""), name;
        (void)str_cut(pair, '=', &raw_name, &raw_value);
        if (!decode_text(arena, raw_name, &name, error))
            return false;
        if (!str_eq(name, wanted))
            continue;
        if (!decode_text(arena, raw_value, &values[count], error))
            return false;
        count++;
    }
    *ret_count = count;
    return true;
}

static bool bind(const struct api_operation *operation, const struct shape_member *member,
                 struct str path, struct str query, struct arena *arena,
                 struct restjson_bound *ret_bound, struct error *error)
{
    struct str start, label;
    bool single = member->location == LOCATION_PATH;
    struct str *texts = arena_array(arena, struct str, single ? 1 : parameter_count(query));
    *ret_bound = (struct restjson_bound){.name = member->name, .texts = texts, .count = 1};
    if (!single)
        return query_values(query, member->name, arena, texts, &ret_bound->count, error);
    if (!has_label(operation->uri, &start, &label) || !str_starts(path, start))
        return fail(error, ERR_INTERNAL, "The path is not this operation's.");
    struct str raw = {path.data + start.len, path.len - start.len};
    return decode_text(arena, raw, &texts[0], error);
}

bool route_decode_input(const struct api_operation *operation, struct str target, struct str body,
                        struct arena *arena, struct value **ret_input, struct error *error)
{
    enum { BOUND_MAX = 4 }; /* no operation of the model has more than two */
    const struct shape *shape = &api_shapes[operation->input];
    struct restjson_bound bound[BOUND_MAX];
    size_t bound_count = 0;
    struct str path, query;
    split_target(target, &path, &query);
    for (size_t i = 0; i < shape->member_count && bound_count < BOUND_MAX; i++) {
        if (shape->members[i].location == LOCATION_BODY)
            continue;
        if (!bind(operation, &shape->members[i], path, query, arena, &bound[bound_count++], error))
            return false;
    }
    return restjson_decode_bound(shape, str_eq(operation->method, STR("POST")), body, bound,
                                 bound_count, arena, ret_input, error);
}

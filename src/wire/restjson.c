/* From JSON to values of the model's shapes: names, types and order. Constraints come after. */
#include "wire/restjson.h"

#include "wire/api_ids.h"
#include "wire/errors.h"
#include "wire/json.h"
#include "wire/validate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Year 9999; a double holds a millisecond exactly up to far beyond it. */
static const int64_t TIMESTAMP_SECONDS_MAX = 253402300799;

struct shape_decoder {
    struct arena *arena;
    const struct restjson_bound *bound; /* of the outermost structure */
    size_t bound_count;
    bool stored; /* our own text: "" in an optional member is kept */
    struct error *error;
};

static bool decode_any(struct shape_decoder *decoder, const struct shape *shape,
                       const struct path *path, yyjson_val *json, struct value **ret_value);

static const char *type_name(yyjson_val *json)
{
    switch (yyjson_get_type(json)) {
    case YYJSON_TYPE_OBJ:
        return "an object";
    case YYJSON_TYPE_ARR:
        return "a list";
    case YYJSON_TYPE_STR:
        return "a string";
    case YYJSON_TYPE_NUM:
        return "a number";
    case YYJSON_TYPE_BOOL:
        return "a boolean";
    default:
        return "null";
    }
}

static bool mistyped(struct shape_decoder *decoder, const struct path *path, const char *wanted,
                     yyjson_val *json)
{
    struct buf place = buf_in(decoder->arena, PATH_SHOWN_MAX);
    path_print(&place, path);
    return fail(decoder->error, ERR_SERIALIZATION, "Value at '%.*s' must be %s, but is %s.",
                STR_ARG(buf_str(&place)), wanted, type_name(json));
}

static struct value *shaped(struct shape_decoder *decoder, enum value_kind kind,
                            const struct shape *shape)
{
    struct value *value = value_new(decoder->arena, kind);
    value->shape = shape;
    return value;
}

static struct value *shaped_string(struct shape_decoder *decoder, const struct shape *shape,
                                   struct str text)
{
    struct value *value = shaped(decoder, VALUE_STRING, shape);
    value->text = text;
    return value;
}

/* A real number counts when it is whole: to JSON, 1, 1.0 and 1e0 are one number. */
static bool whole_number(yyjson_val *json, int64_t *ret_number)
{
    if (yyjson_is_int(json)) {
        *ret_number = yyjson_get_sint(json);
        return true;
    }
    double real = yyjson_get_real(json);
    if (!yyjson_is_real(json) || real != floor(real) || fabs(real) >= 0x1p63)
        return false;
    *ret_number = (int64_t)real;
    return true;
}

static bool decode_integer(struct shape_decoder *decoder, const struct shape *shape,
                           const struct path *path, yyjson_val *json, struct value **ret_value)
{
    struct value *value = shaped(decoder, VALUE_INTEGER, shape);
    bool wide = shape->type == SHAPE_LONG;
    if (!whole_number(json, &value->integer))
        return mistyped(decoder, path, wide ? "a 64-bit integer" : "a 32-bit integer", json);
    if (!wide && (value->integer > INT32_MAX || value->integer < INT32_MIN))
        return mistyped(decoder, path, "a 32-bit integer", json);
    *ret_value = value;
    return true;
}

static bool decode_timestamp(struct shape_decoder *decoder, const struct shape *shape,
                             const struct path *path, yyjson_val *json, struct value **ret_value)
{
    if (!yyjson_is_num(json) || fabs(yyjson_get_num(json)) > (double)TIMESTAMP_SECONDS_MAX)
        return mistyped(decoder, path, "a time in seconds since 1970", json);
    struct value *value = shaped(decoder, VALUE_TIME_MS, shape);
    if (yyjson_is_int(json))
        value->integer = yyjson_get_sint(json) * 1000;
    else
        value->integer = llround(yyjson_get_real(json) * 1000);
    *ret_value = value;
    return true;
}

static bool decode_scalar(struct shape_decoder *decoder, const struct shape *shape,
                          const struct path *path, yyjson_val *json, struct value **ret_value)
{
    switch (shape->type) {
    case SHAPE_STRING:
        if (!yyjson_is_str(json))
            return mistyped(decoder, path, "a string", json);
        *ret_value = shaped_string(decoder, shape, arena_copy(decoder->arena, json_text(json)));
        return true;
    case SHAPE_BOOLEAN:
        if (!yyjson_is_bool(json))
            return mistyped(decoder, path, "a boolean", json);
        *ret_value = shaped(decoder, VALUE_BOOLEAN, shape);
        (*ret_value)->boolean = yyjson_is_true(json);
        return true;
    case SHAPE_DOUBLE:
        if (!yyjson_is_num(json))
            return mistyped(decoder, path, "a number", json);
        *ret_value = shaped(decoder, VALUE_DOUBLE, shape);
        (*ret_value)->real = yyjson_get_num(json);
        return true;
    case SHAPE_TIMESTAMP:
        return decode_timestamp(decoder, shape, path, json, ret_value);
    default:
        return decode_integer(decoder, shape, path, json, ret_value);
    }
}

static struct value *null_mark(struct shape_decoder *decoder, const struct shape *shape)
{
    struct value *mark = shaped(decoder, VALUE_RAW, shape);
    mark->text = STR("null");
    return mark;
}

/* A null has no place to be absent from here: the constraints judge it. */
static bool decode_element(struct shape_decoder *decoder, const struct shape *shape,
                           const struct path *path, yyjson_val *json, struct value **ret_value)
{
    if (!yyjson_is_null(json))
        return decode_any(decoder, shape, path, json, ret_value);
    *ret_value = null_mark(decoder, shape);
    return true;
}

static bool decode_list(struct shape_decoder *decoder, const struct shape *shape,
                        const struct path *path, yyjson_val *json, struct value **ret_value)
{
    if (!yyjson_is_arr(json))
        return mistyped(decoder, path, "a list", json);
    struct value *list = shaped(decoder, VALUE_LIST, shape);
    yyjson_arr_iter iter = yyjson_arr_iter_with(json);
    value_reserve(decoder->arena, list, yyjson_arr_size(json));
    while (yyjson_arr_iter_has_next(&iter)) {
        struct path below = {.up = path, .number = list->count + 1};
        if (!decode_element(decoder, &api_shapes[shape->element], &below,
                            yyjson_arr_iter_next(&iter), &list->items[list->count]))
            return false;
        list->count++;
    }
    *ret_value = list;
    return true;
}

struct map_entry {
    struct str name;
    struct value *item;
};

static int compare_entries(const void *a, const void *b)
{
    return str_compare(((const struct map_entry *)a)->name, ((const struct map_entry *)b)->name);
}

static bool decode_map(struct shape_decoder *decoder, const struct shape *shape,
                       const struct path *path, yyjson_val *json, struct value **ret_value)
{
    if (!yyjson_is_obj(json))
        return mistyped(decoder, path, "an object", json);
    struct value *map = shaped(decoder, VALUE_MAP, shape);
    struct path below = {.up = path};
    size_t count = yyjson_obj_size(json);
    struct map_entry *entries = arena_array(decoder->arena, struct map_entry, count);
    yyjson_obj_iter iter = yyjson_obj_iter_with(json);
    for (size_t i = 0; i < count; i++) {
        yyjson_val *name = yyjson_obj_iter_next(&iter);
        entries[i].name = arena_copy(decoder->arena, json_text(name));
        if (!decode_element(decoder, &api_shapes[shape->element], &below,
                            yyjson_obj_iter_get_val(name), &entries[i].item))
            return false;
    }
    qsort(entries, count, sizeof(*entries), compare_entries);
    value_reserve(decoder->arena, map, count);
    for (; map->count < count; map->count++) {
        map->names[map->count] = entries[map->count].name;
        map->items[map->count] = entries[map->count].item;
    }
    *ret_value = map;
    return true;
}

/* A structure's members by their place in the model, while they come in any order. */
struct slots {
    const struct shape *shape;
    uint64_t seen; /* a bit a member, also when it was null */
    size_t count;
    struct value *items[API_MEMBERS_MAX];
};

static bool decode_member(struct shape_decoder *decoder, struct slots *slots,
                          const struct shape_member *member, const struct path *path,
                          yyjson_val *json)
{
    size_t place = (size_t)(member - slots->shape->members);
    const struct shape *shape = &api_shapes[member->shape];
    if (slots->seen & UINT64_C(1) << place)
        return fail(decoder->error, ERR_SERIALIZATION,
                    "The body has the member %.*s twice in one object, in two spellings.",
                    STR_ARG(member->name));
    slots->seen |= UINT64_C(1) << place;
    bool empty = shape->type == SHAPE_STRING && yyjson_is_str(json) && yyjson_get_len(json) == 0 &&
                 !member->required && !decoder->stored &&
                 member->shape != API_SHAPE_DestinationField;
    if (yyjson_is_null(json) || empty)
        return true;
    struct path below = {.up = path, .name = member->name};
    slots->count++;
    return decode_any(decoder, shape, &below, json, &slots->items[place]);
}

static struct value *slots_to_structure(struct shape_decoder *decoder, const struct slots *slots)
{
    struct value *structure = shaped(decoder, VALUE_STRUCTURE, slots->shape);
    value_reserve(decoder->arena, structure, slots->count);
    for (size_t i = 0; i < slots->shape->member_count; i++) {
        if (!slots->items[i])
            continue;
        structure->names[structure->count] = slots->shape->members[i].name;
        structure->items[structure->count++] = slots->items[i];
    }
    return structure;
}

static bool decode_body(struct shape_decoder *decoder, struct slots *slots, const struct path *path,
                        yyjson_val *json)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with(json);
    while (yyjson_obj_iter_has_next(&iter)) {
        yyjson_val *name = yyjson_obj_iter_next(&iter);
        const struct shape_member *member = shape_find_member(slots->shape, json_text(name));
        if (!member || member->location != LOCATION_BODY)
            continue;
        if (!decode_member(decoder, slots, member, path, yyjson_obj_iter_get_val(name)))
            return false;
    }
    return true;
}

static bool decode_structure(struct shape_decoder *decoder, const struct shape *shape,
                             const struct path *path, yyjson_val *json, struct value **ret_value)
{
    struct slots slots = {.shape = shape};
    if (!yyjson_is_obj(json))
        return mistyped(decoder, path, "an object", json);
    if (!decode_body(decoder, &slots, path, json))
        return false;
    *ret_value = slots_to_structure(decoder, &slots);
    return true;
}

static bool decode_any(struct shape_decoder *decoder, const struct shape *shape,
                       const struct path *path, yyjson_val *json, struct value **ret_value)
{
    switch (shape->type) {
    case SHAPE_STRUCTURE:
        return decode_structure(decoder, shape, path, json, ret_value);
    case SHAPE_LIST:
        return decode_list(decoder, shape, path, json, ret_value);
    case SHAPE_MAP:
        return decode_map(decoder, shape, path, json, ret_value);
    default:
        return decode_scalar(decoder, shape, path, json, ret_value);
    }
}

static void bind_member(struct shape_decoder *decoder, struct slots *slots,
                        const struct restjson_bound *bound)
{
    const struct shape_member *member = shape_find_member(slots->shape, bound->name);
    if (!member || bound->count == 0)
        return;
    const struct shape *shape = &api_shapes[member->shape];
    struct value *value;
    if (shape->type == SHAPE_LIST) {
        value = shaped(decoder, VALUE_LIST, shape);
        for (size_t i = 0; i < bound->count; i++)
            value_append(decoder->arena, value,
                         shaped_string(decoder, &api_shapes[shape->element], bound->texts[i]));
    } else {
        value = shaped_string(decoder, shape, bound->texts[0]);
    }
    slots->items[member - slots->shape->members] = value;
    slots->count++;
}

/* Where nothing in the body is required, no body means {}: older SDKs send none for an operation
 * that was called without parameters. */
static bool needs_body(const struct shape *shape)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        if (shape->members[i].required && shape->members[i].location == LOCATION_BODY)
            return true;
    }
    return false;
}

/* What JSON became is freed when this returns; strings of known members are copied out of it, so
 * that what else a body holds takes no memory while its request waits. */
static bool decode_top(struct shape_decoder *decoder, const struct shape *shape, bool has_body,
                       struct str body, struct value **ret_value)
{
    _cleanup_(json_scratch_done) struct json_scratch scratch;
    struct slots slots = {.shape = shape};
    const struct path top = {0};
    yyjson_val *json = NULL;
    json_scratch_init(&scratch);
    if (has_body && body.len == 0 && needs_body(shape))
        return fail(decoder->error, ERR_VALIDATION, "The request object must be non-null");
    has_body = has_body && body.len > 0;
    if (has_body && !json_read(body, JSON_REQUEST_NODES_MAX, &scratch, &json, decoder->error))
        return false;
    if (has_body && !yyjson_is_obj(json))
        return fail(decoder->error, ERR_SERIALIZATION, "The body must be an object, but is %s.",
                    type_name(json));
    if (has_body && !decode_body(decoder, &slots, &top, json))
        return false;
    for (size_t i = 0; i < decoder->bound_count; i++)
        bind_member(decoder, &slots, &decoder->bound[i]);
    *ret_value = slots_to_structure(decoder, &slots);
    return true;
}

bool restjson_decode_bound(const struct shape *shape, bool has_body, struct str body,
                           const struct restjson_bound *bound, size_t bound_count,
                           struct arena *arena, struct value **ret_value, struct error *error)
{
    struct shape_decoder decoder = {
        .arena = arena, .bound = bound, .bound_count = bound_count, .error = error};
    struct value *value;
    if (!decode_top(&decoder, shape, has_body, body, &value))
        return false;
    if (!validate(shape, value, arena, error))
        return false;
    *ret_value = value;
    return true;
}

bool restjson_decode(const struct shape *shape, struct str body, struct arena *arena,
                     struct value **ret_value, struct error *error)
{
    return restjson_decode_bound(shape, true, body, NULL, 0, arena, ret_value, error);
}

bool restjson_decode_stored(const struct shape *shape, struct str json, struct arena *arena,
                            struct value **ret_value, struct error *error)
{
    struct shape_decoder decoder = {.arena = arena, .stored = true, .error = error};
    return decode_top(&decoder, shape, true, json, ret_value);
}

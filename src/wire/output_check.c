/* Walks the answer and the model's shape side by side. */
#include "wire/output_check.h"

#include "wire/restjson.h"
#include "wire/validate.h"

enum { NODES_MAX = 1000 * 1000 }; /* values and names: one entity has up to 5,000 fields */

struct checker {
    const struct api_operation *operation;
    struct arena *arena;
    struct error *error;
};

static bool check_value(const struct checker *checker, const struct shape *shape,
                        const struct path *path, const struct value *value);

static bool mismatch(const struct checker *checker, const struct path *path, const char *what)
{
    struct buf at = buf_in(checker->arena, PATH_SHOWN_MAX);
    path_print(&at, path);
    return fail(checker->error, ERR_INTERNAL,
                "The answer of %.*s does not match the API's model: %.*s %s.",
                STR_ARG(checker->operation->name), STR_ARG(buf_str(&at)), what);
}

static const struct shape_member *exact_member(const struct shape *shape, struct str name)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        if (str_eq(shape->members[i].name, name))
            return &shape->members[i];
    }
    return NULL;
}

static bool has_name(const struct value *value, struct str name)
{
    for (size_t i = 0; i < value->count; i++) {
        if (str_eq(value->names[i], name))
            return true;
    }
    return false;
}

static bool check_structure(const struct checker *checker, const struct shape *shape,
                            const struct path *path, const struct value *value)
{
    if (value->kind != VALUE_STRUCTURE)
        return mismatch(checker, path, "must be an object");
    for (size_t i = 0; i < value->count; i++) {
        const struct path below = {.up = path, .name = value->names[i]};
        const struct shape_member *member = exact_member(shape, value->names[i]);
        if (!member)
            return mismatch(checker, &below, "is no member of it");
        if (!check_value(checker, &api_shapes[member->shape], &below, value->items[i]))
            return false;
    }
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct path below = {.up = path, .name = shape->members[i].name};
        if (shape->members[i].required && !has_name(value, shape->members[i].name))
            return mismatch(checker, &below, "is missing");
    }
    return true;
}

static bool check_items(const struct checker *checker, const struct shape *shape,
                        const struct path *path, const struct value *value)
{
    bool is_map = shape->type == SHAPE_MAP;
    if (value->kind != (is_map ? VALUE_STRUCTURE : VALUE_LIST))
        return mismatch(checker, path, is_map ? "must be an object" : "must be a list");
    for (size_t i = 0; i < value->count; i++) {
        const struct path below = {.up = path, .number = is_map ? 0 : i + 1};
        if (!check_value(checker, &api_shapes[shape->element], &below, value->items[i]))
            return false;
    }
    return true;
}

static bool check_string(const struct checker *checker, const struct shape *shape,
                         const struct path *path, const struct value *value)
{
    if (value->kind != VALUE_STRING)
        return mismatch(checker, path, "must be a string");
    for (size_t i = 0; i < shape->enum_count; i++) {
        if (str_eq(shape->enum_values[i], value->text))
            return true;
    }
    return shape->enum_count == 0 || mismatch(checker, path, "is no value of its enumeration");
}

static bool check_number(const struct checker *checker, const struct shape *shape,
                         const struct path *path, const struct value *value)
{
    bool may_be_real = shape->type == SHAPE_DOUBLE || shape->type == SHAPE_TIMESTAMP;
    if (value->kind == VALUE_INTEGER || (may_be_real && value->kind == VALUE_DOUBLE))
        return true;
    return mismatch(checker, path, may_be_real ? "must be a number" : "must be an integer");
}

static bool check_value(const struct checker *checker, const struct shape *shape,
                        const struct path *path, const struct value *value)
{
    switch (shape->type) {
    case SHAPE_STRUCTURE:
        return check_structure(checker, shape, path, value);
    case SHAPE_LIST:
    case SHAPE_MAP:
        return check_items(checker, shape, path, value);
    case SHAPE_STRING:
        return check_string(checker, shape, path, value);
    case SHAPE_BOOLEAN:
        return value->kind == VALUE_BOOLEAN || mismatch(checker, path, "must be a boolean");
    case SHAPE_INTEGER:
    case SHAPE_LONG:
    case SHAPE_DOUBLE:
    case SHAPE_TIMESTAMP:
        break;
    }
    return check_number(checker, shape, path, value);
}

bool output_check(const struct api_operation *operation, struct str json, struct arena *arena,
                  struct error *error)
{
    static const struct shape nothing = {.type = SHAPE_STRUCTURE};
    const struct checker checker = {operation, arena, error};
    const struct path top = {0};
    struct value *value;
    if (json_parse_own(json, NODES_MAX, arena, &value) != JSON_READ)
        return mismatch(&checker, &top, "it is no JSON");
    bool has_output = operation->output != UINT16_MAX;
    return check_value(&checker, has_output ? &api_shapes[operation->output] : &nothing, &top,
                       value);
}

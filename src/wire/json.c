/* Strict JSON reading with jansson, whose memory is taken from the request's arena; JSON of no
 * known shape as values. */
#include "wire/json.h"

#include "wire/restjson.h"
#include "wire/value.h"

/* Where the library's memory comes from while this thread is inside json_read. */
static _Thread_local struct arena *memory;

static void *take(size_t size)
{
    return memory ? arena_alloc(memory, size) : NULL;
}

/* The arena wipes and frees everything at once. */
static void give_back(void *piece)
{
    (void)piece;
}

void json_reader_init(void)
{
    json_set_alloc_funcs(take, give_back);
    json_object_seed(0); /* from the system's randomness, so that names cannot be made to collide */
}

/* Before the library recurses. Brackets are counted outside of strings; whatever else is wrong with
 * the text, the library finds out. */
static bool is_shallow(struct str text)
{
    size_t depth = 0, opened = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++)
        opened += text.data[i] == '{' || text.data[i] == '[';
    if (opened <= JSON_DEPTH_MAX) /* most texts, and a loop of a few instructions */
        return true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '[') && ++depth > JSON_DEPTH_MAX)
            return false;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return true;
}

static const char *reason(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        return "The body has a name twice in one object";
    case json_error_invalid_utf8:
        return "The body is not valid UTF-8";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "The body holds a null character";
    case json_error_numeric_overflow:
        return "The body holds a number that is out of range";
    case json_error_premature_end_of_input:
        return "The body ends in the middle of its JSON";
    case json_error_end_of_input_expected:
        return "The body goes on after its JSON";
    default:
        return "The body is not valid JSON";
    }
}

bool json_read(struct str text, struct arena *arena, const json_t **ret_tree, struct error *error)
{
    if (!is_shallow(text))
        return fail(error, ERR_SERIALIZATION, "The body is nested more than %d levels deep.",
                    JSON_DEPTH_MAX);
    json_error_t problem;
    memory = arena;
    const json_t *tree = json_loadb(text.data ? text.data : "", text.len,
                                    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    memory = NULL;
    if (!tree)
        return fail(error, ERR_SERIALIZATION, "%s (line %d, column %d).", reason(&problem),
                    problem.line, problem.column);
    *ret_tree = tree;
    return true;
}

struct str json_text(const json_t *string)
{
    return (struct str){json_string_value(string), json_string_length(string)};
}

json_t *json_iterable(const json_t *json)
{
    union {
        const json_t *read_only;
        json_t *any;
    } tree = {json};
    return tree.any;
}

struct str json_iter_name(void *iter)
{
    return (struct str){json_object_iter_key(iter), json_object_iter_key_len(iter)};
}

static struct value *plain_value(struct arena *arena, const json_t *json)
{
    struct value *value;
    switch (json_typeof(json)) {
    case JSON_STRING:
        return value_string(arena, json_text(json));
    case JSON_TRUE:
    case JSON_FALSE:
        value = value_new(arena, VALUE_BOOLEAN);
        value->boolean = json_is_true(json);
        return value;
    case JSON_INTEGER:
        value = value_new(arena, VALUE_INTEGER);
        value->integer = json_integer_value(json);
        return value;
    case JSON_REAL:
        value = value_new(arena, VALUE_DOUBLE);
        value->real = json_real_value(json);
        return value;
    case JSON_NULL:
        value = value_new(arena, VALUE_RAW);
        value->text = STR("null");
        return value;
    default:
        return NULL;
    }
}

static struct value *plain_tree(struct arena *arena, const json_t *json)
{
    if (json_is_array(json)) {
        struct value *list = value_list(arena);
        value_reserve(arena, list, json_array_size(json));
        for (size_t i = 0; i < json_array_size(json); i++)
            value_append(arena, list, plain_tree(arena, json_array_get(json, i)));
        return list;
    }
    if (!json_is_object(json))
        return plain_value(arena, json);
    struct value *structure = value_structure(arena);
    json_t *object = json_iterable(json);
    value_reserve(arena, structure, json_object_size(json));
    for (void *iter = json_object_iter(object); iter; iter = json_object_iter_next(object, iter)) {
        json_t *item = json_object_iter_value(iter);
        if (!json_is_null(item))
            value_put(arena, structure, json_object_iter_key(iter), plain_tree(arena, item));
    }
    return structure;
}

bool json_parse(struct str text, struct arena *arena, struct value **ret_value)
{
    const json_t *json = NULL;
    if (!json_read(text, arena, &json, NULL) || !json)
        return false;
    *ret_value = plain_tree(arena, json);
    return true;
}

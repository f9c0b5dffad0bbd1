/* Finding members in vendors' answers. */
#include "wire/json_pointer.h"

#include <string.h>

static const struct value *step(const struct value *value, struct str name)
{
    unsigned long long index;
    if (value->kind == VALUE_LIST)
        return str_to_u64(name, SIZE_MAX, &index) && index < value->count ? value->items[index]
                                                                          : NULL;
    if (value->kind != VALUE_STRUCTURE && value->kind != VALUE_MAP)
        return NULL;
    for (size_t i = 0; i < value->count; i++) {
        if (str_eq(value->names[i], name))
            return value->items[i];
    }
    return NULL;
}

const struct value *pointer_find(const struct value *json, const char *pointer)
{
    while (json && *pointer == '/') {
        size_t len = strcspn(pointer + 1, "/");
        json = step(json, (struct str){pointer + 1, len});
        pointer += 1 + len;
    }
    return json;
}

struct str pointer_text(struct arena *arena, const struct value *json, const char *pointer)
{
    const struct value *value = pointer_find(json, pointer);
    if (!value)
        return STR_NULL;
    switch (value->kind) {
    case VALUE_STRING:
        return value->text;
    case VALUE_BOOLEAN:
        return value->boolean ? STR("true") : STR("false");
    case VALUE_INTEGER:
        return arena_printf(arena, "%lld", (long long)value->integer);
    default:
        return STR_NULL;
    }
}

bool pointer_is_missing(struct arena *arena, const struct value *json, const char *pointer)
{
    size_t parent = (size_t)(strrchr(pointer, '/') - pointer);
    const char *above = arena_cstr(arena, (struct str){pointer, parent});
    const struct value *holder = pointer_find(json, above);
    return holder && holder->kind == VALUE_STRUCTURE && !pointer_find(json, pointer);
}

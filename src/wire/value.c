/* Values: reading, building, and writing them as JSON. */
#include "wire/value.h"

#include "base/encode.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

const struct value *value_get(const struct value *structure, const char *name)
{
    if (!structure || (structure->kind != VALUE_STRUCTURE && structure->kind != VALUE_MAP))
        return NULL;
    struct str wanted = str_from(name);
    for (size_t i = 0; i < structure->count; i++) {
        if (str_eq(structure->names[i], wanted))
            return structure->items[i];
    }
    return NULL;
}

struct str value_text(const struct value *structure, const char *name)
{
    const struct value *item = value_get(structure, name);
    return item && item->kind == VALUE_STRING ? item->text : STR_NULL;
}

bool value_flag(const struct value *structure, const char *name, bool when_absent)
{
    const struct value *item = value_get(structure, name);
    return item && item->kind == VALUE_BOOLEAN ? item->boolean : when_absent;
}

int64_t value_integer(const struct value *structure, const char *name, int64_t when_absent)
{
    const struct value *item = value_get(structure, name);
    if (!item || (item->kind != VALUE_INTEGER && item->kind != VALUE_TIME_MS))
        return when_absent;
    return item->integer;
}

struct value *value_new(struct arena *arena, enum value_kind kind)
{
    struct value *value = arena_new(arena, struct value);
    value->kind = kind;
    return value;
}

struct value *value_string(struct arena *arena, struct str text)
{
    struct value *value = value_new(arena, VALUE_STRING);
    value->text = text;
    return value;
}

struct value *value_structure(struct arena *arena)
{
    return value_new(arena, VALUE_STRUCTURE);
}

struct value *value_list(struct arena *arena)
{
    return value_new(arena, VALUE_LIST);
}

void value_reserve(struct arena *arena, struct value *value, size_t capacity)
{
    if (capacity <= value->capacity)
        return;
    assert(capacity <= VALUE_ITEMS_MAX);
    struct value **items = arena_array(arena, struct value *, capacity);
    struct str *names = NULL;
    if (value->kind != VALUE_LIST)
        names = arena_array(arena, struct str, capacity);
    for (size_t i = 0; i < value->count; i++) {
        items[i] = value->items[i];
        if (names)
            names[i] = value->names[i];
    }
    value->items = items;
    value->names = names;
    value->capacity = capacity & VALUE_ITEMS_MAX;
}

static void make_room(struct arena *arena, struct value *value)
{
    if (value->count == value->capacity)
        value_reserve(arena, value, value->capacity ? (size_t)value->capacity * 2 : 4);
}

void value_put(struct arena *arena, struct value *structure, const char *name, struct value *item)
{
    assert(structure->kind == VALUE_STRUCTURE || structure->kind == VALUE_MAP);
    make_room(arena, structure);
    assert(structure->names);
    structure->names[structure->count] = str_from(name);
    structure->items[structure->count++] = item;
}

void value_put_text(struct arena *arena, struct value *structure, const char *name, struct str text)
{
    if (text.data)
        value_put(arena, structure, name, value_string(arena, text));
}

void value_put_flag(struct arena *arena, struct value *structure, const char *name, bool flag)
{
    struct value *item = value_new(arena, VALUE_BOOLEAN);
    item->boolean = flag;
    value_put(arena, structure, name, item);
}

void value_put_integer(struct arena *arena, struct value *structure, const char *name,
                       int64_t number)
{
    struct value *item = value_new(arena, VALUE_INTEGER);
    item->integer = number;
    value_put(arena, structure, name, item);
}

void value_put_time(struct arena *arena, struct value *structure, const char *name, int64_t ms)
{
    struct value *item = value_new(arena, VALUE_TIME_MS);
    item->integer = ms;
    value_put(arena, structure, name, item);
}

void value_put_raw(struct arena *arena, struct value *structure, const char *name, struct str json)
{
    struct value *item = value_new(arena, VALUE_RAW);
    item->text = json;
    value_put(arena, structure, name, item);
}

void value_append(struct arena *arena, struct value *list, struct value *item)
{
    assert(list->kind == VALUE_LIST);
    make_room(arena, list);
    list->items[list->count++] = item;
}

static void encode_time(struct buf *out, int64_t ms)
{
    uint64_t size = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
    const char part[] = {'.', (char)('0' + size / 100 % 10), (char)('0' + size / 10 % 10),
                         (char)('0' + size % 10)};
    if (ms < 0)
        buf_add_char(out, '-');
    buf_add_u64(out, size / 1000);
    buf_add(out, (struct str){part, sizeof(part)});
}

/* The fewest digits that read back as the same number. Zero has no sign, since "-0" reads back as
 * the integer that has none. */
static void encode_double(struct buf *out, double number)
{
    char digits[32];
    if (number == 0)
        number = 0;
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, number);
        if (strtod(digits, NULL) == number)
            break;
    }
    buf_add_cstr(out, digits);
}

static void encode_items(struct buf *out, const struct value *value)
{
    bool named = value->kind != VALUE_LIST;
    buf_add_char(out, named ? '{' : '[');
    for (size_t i = 0; i < value->count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        if (named) {
            encode_json_string(out, value->names[i]);
            buf_add_char(out, ':');
        }
        value_encode(out, value->items[i]);
    }
    buf_add_char(out, named ? '}' : ']');
}

void value_encode(struct buf *out, const struct value *value)
{
    switch (value->kind) {
    case VALUE_STRUCTURE:
    case VALUE_MAP:
    case VALUE_LIST:
        encode_items(out, value);
        break;
    case VALUE_STRING:
        encode_json_string(out, value->text);
        break;
    case VALUE_BOOLEAN:
        buf_add_cstr(out, value->boolean ? "true" : "false");
        break;
    case VALUE_INTEGER:
        buf_add_i64(out, value->integer);
        break;
    case VALUE_DOUBLE:
        encode_double(out, value->real);
        break;
    case VALUE_TIME_MS:
        encode_time(out, value->integer);
        break;
    case VALUE_RAW:
        buf_add(out, value->text);
        break;
    }
}

/* The walker through an answer, by tables and the API's shapes. */
#include "connector/custom/contract_shape.h"

#include "base/encode.h"

#include <stdarg.h>
#include <stdio.h>

/* --- faults --- */

struct value *contract_shape_fault(const struct contract_place *place, struct arena *arena,
                                   const char *format, ...)
{
    va_list arguments;
    char expected[256];
    va_start(arguments, format);
    vsnprintf(expected, sizeof(expected), format, arguments);
    va_end(arguments);
    contract_fault(place, arena_cstr(arena, str_from(expected)));
    return NULL;
}

/* --- the walker: NULL when there is nothing to put --- */

struct walk {
    struct arena *arena;
    const struct contract_member_row *member;
    const struct shape *shape;
};

static struct value *read_value(const struct walk *walk, const struct contract_place *place);

static size_t count_characters(struct str text)
{
    uint32_t code;
    size_t count = 0;
    for (size_t width; (width = utf8_next(text, &code)) > 0; count++)
        text = (struct str){text.data + width, text.len - width};
    return count;
}

/* "https://{{SUBDOMAIN}}.vendor.example/token" as it might be called: the braces are left out. */
static struct str without_braces(struct arena *arena, struct str template)
{
    struct buf out = buf_in(arena, template.len);
    for (size_t i = 0; i < template.len; i++) {
        bool brace = i + 1 < template.len && template.data[i + 1] == template.data[i] &&
                     (template.data[i] == '{' || template.data[i] == '}');
        if (brace)
            i++;
        else
            buf_add_char(&out, template.data[i]);
    }
    return buf_str(&out);
}

static bool matches(const struct walk *walk, struct str text)
{
    unsigned flags = walk->member->flags;
    if (!(flags & CONTRACT_PATTERN) || !walk->shape->pattern.data)
        return true;
    return shape_pattern_matches(
        walk->shape, flags & CONTRACT_TEMPLATE ? without_braces(walk->arena, text) : text);
}

static struct value *read_word(const struct walk *walk, const struct contract_place *place)
{
    const struct contract_member_row *member = walk->member;
    const struct shape *shape = walk->shape;
    bool own = member->word_count > 0;
    size_t count = own ? member->word_count : shape->enum_count;
    const char **words = arena_array(walk->arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        words[i] = own ? member->words[i].contract : shape->enum_values[i].data;
    int index = contract_word(place, words, count);
    if (index < 0)
        return NULL;
    return value_string(walk->arena,
                        own ? str_from(member->words[index].api) : shape->enum_values[index]);
}

static struct value *read_text(const struct walk *walk, const struct contract_place *place)
{
    const struct shape *shape = walk->shape;
    if (walk->member->word_count > 0 || shape->enum_count > 0)
        return read_word(walk, place);
    if (place->value->kind != VALUE_STRING)
        return contract_shape_fault(place, walk->arena, "a string");
    struct str text = place->value->text;
    if (text.len == 0 && walk->member->flags & CONTRACT_NEEDED)
        return contract_shape_fault(place, walk->arena, "a string that is not empty");
    if (text.len == 0)
        return NULL;
    if (shape->has_max && count_characters(text) > (size_t)shape->max)
        return contract_shape_fault(place, walk->arena, "a string of at most %lld characters",
                                    (long long)shape->max);
    if (!matches(walk, text))
        return contract_shape_fault(place, walk->arena, "a string that matches %.*s",
                                    STR_ARG(shape->pattern));
    return value_string(walk->arena, text);
}

static struct value *read_list(const struct walk *walk, const struct contract_place *place)
{
    struct walk inner = *walk;
    struct value *list = value_list(walk->arena);
    inner.shape = &api_shapes[walk->shape->element];
    if (place->value->kind != VALUE_LIST)
        return contract_shape_fault(place, walk->arena, "a list");
    if (place->value->count > CONTRACT_LIST_MAX)
        return contract_shape_fault(place, walk->arena, "a list of at most %d items",
                                    CONTRACT_LIST_MAX);
    if (place->value->count == 0 && walk->member->flags & CONTRACT_NEEDED)
        return contract_shape_fault(place, walk->arena, "a list of at least one item");
    for (size_t i = 0; i < place->value->count; i++) {
        struct contract_place item = contract_item(place, i);
        struct value *value = read_value(&inner, &item);
        if (value)
            value_append(walk->arena, list, value);
    }
    return list;
}

static struct contract_place find_member(const struct contract_place *parent,
                                         const struct contract_member_row *member)
{
    struct contract_place place =
        contract_member(parent, member->contract ? member->contract : member->api);
    if (place.value || !member->other)
        return place;
    struct contract_place other = contract_member(parent, member->other);
    return other.value ? other : place;
}

static const char *name_of_type(const struct shape *shape)
{
    static const char *const names[] = {
        [SHAPE_STRUCTURE] = "an object",
        [SHAPE_LIST] = "a list",
        [SHAPE_STRING] = "a string",
        [SHAPE_BOOLEAN] = "a boolean",
    };
    return names[shape->type];
}

struct value *contract_shape_read(struct arena *arena, const struct shape *shape,
                                  const struct contract_member_row *rows, size_t count,
                                  const struct contract_place *place)
{
    struct value *structure = value_structure(arena);
    for (size_t i = 0; i < count; i++) {
        const struct shape_member *modelled = shape_find_member(shape, str_from(rows[i].api));
        struct walk walk = {arena, &rows[i], &api_shapes[modelled->shape]};
        struct contract_place at = find_member(place, &rows[i]);
        struct value *value = NULL;
        if (at.value)
            value = read_value(&walk, &at);
        else if (rows[i].flags & CONTRACT_NEEDED)
            contract_shape_fault(&at, arena, "%s", name_of_type(walk.shape));
        if (value)
            value_put(arena, structure, rows[i].api, value);
    }
    return structure;
}

static struct value *read_value(const struct walk *walk, const struct contract_place *place)
{
    const struct contract_member_row *member = walk->member;
    switch (walk->shape->type) {
    case SHAPE_STRING:
        return read_text(walk, place);
    case SHAPE_LIST:
        return read_list(walk, place);
    case SHAPE_STRUCTURE:
        if (place->value->kind != VALUE_STRUCTURE)
            return contract_shape_fault(place, walk->arena, "an object");
        return contract_shape_read(walk->arena, walk->shape, member->members, member->member_count,
                                   place);
    default:
        if (place->value->kind != VALUE_BOOLEAN)
            return contract_shape_fault(place, walk->arena, "a boolean");
        return (struct value *)place->value;
    }
}

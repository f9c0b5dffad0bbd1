/* Copies a value, replacing the placeholders in its strings. */
#include "sandbox/template.h"

enum { TEMPLATE_TEXT_MAX = 64 * 1024 }; /* bytes of one string after replacing */

/* Finds the first placeholder of `text`: what stands before it, its name, what comes after. The
 * name
 * "{" is what a doubled brace stands for. */
static bool find_placeholder(struct str text, struct str *ret_before, struct str *ret_name,
                             struct str *ret_after)
{
    for (size_t at = 0; at + 2 < text.len; at++) {
        if (text.data[at] != '{')
            continue;
        struct str rest = {text.data + at + 1, text.len - at - 1};
        *ret_before = (struct str){text.data, at};
        if (ascii_is_lower(rest.data[0]))
            return str_cut(rest, '}', ret_name, ret_after);
        if (rest.data[0] == '{' && ascii_is_lower(rest.data[1])) {
            *ret_name = (struct str){rest.data, 1};
            *ret_after = (struct str){rest.data + 1, rest.len - 1};
            return true;
        }
    }
    return false;
}

/* False when the placeholder is unknown; STR_NULL when there is nothing for it. */
static bool look_up(struct template *template, struct str name, struct str *ret_text)
{
    *ret_text = STR("{");
    if (str_eq(name, STR("{")))
        return true;
    template->used = true;
    if (template->lookup(template->context, name, template->arena, ret_text))
        return true;
    template->unknown = name;
    return false;
}

/* False when a placeholder is unknown; STR_NULL when there is nothing for one. */
static bool expand_text(struct template *template, struct str text, struct str *ret_text)
{
    struct str before, name, after, replacement;
    *ret_text = text;
    if (!find_placeholder(text, &before, &name, &after))
        return true;
    struct buf out = buf_in(template->arena, TEMPLATE_TEXT_MAX);
    bool missing = false;
    do {
        if (!look_up(template, name, &replacement))
            return false;
        missing = missing || !replacement.data;
        buf_add(&out, before);
        buf_add(&out, replacement);
        text = after;
    } while (find_placeholder(text, &before, &name, &after));
    buf_add(&out, text);
    *ret_text = missing ? STR_NULL : buf_str(&out);
    return true;
}

/* *ret_value is NULL when the value is to be left out. */
static bool expand(struct template *template, const struct value *value, struct value **ret_value)
{
    struct value *copy = arena_new(template->arena, struct value);
    *copy = *value;
    *ret_value = copy;
    if (value->kind == VALUE_STRING) {
        if (!expand_text(template, value->text, &copy->text))
            return false;
        if (!copy->text.data)
            *ret_value = NULL;
        return true;
    }
    if (value->count == 0) /* a scalar, or empty */
        return true;
    copy->names = NULL;
    copy->items = NULL;
    copy->count = 0;
    copy->capacity = 0;
    value_reserve(template->arena, copy, value->count);
    for (size_t i = 0; i < value->count; i++) {
        struct value *item;
        /* The depth is bounded: json_parse takes JSON_DEPTH_MAX levels at most. */
        if (!expand(template, value->items[i], &item))
            return false;
        if (!item)
            continue;
        if (copy->names)
            copy->names[copy->count] = value->names[i];
        copy->items[copy->count++] = item;
    }
    return true;
}

struct value *template_expand(struct template *template, const struct value *value)
{
    struct value *copy;
    return expand(template, value, &copy) ? copy : NULL;
}

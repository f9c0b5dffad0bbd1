/* Both trees side by side, member by member. */
#include "cli/json_difference.h"

#include "base/buf.h"

enum { TEXT_MAX = 8 * 1024 * 1024 }; /* bytes of a scalar, or of a value that is shown */

struct comparison {
    struct arena *arena;
    const struct value *ignored;
};

static bool is_absent(const struct value *value)
{
    return !value || (value->kind == VALUE_RAW && str_eq(value->text, STR("null")));
}

static bool is_ignored(const struct comparison *comparison, struct str pointer)
{
    for (size_t i = 0; comparison->ignored && i < comparison->ignored->count; i++) {
        if (str_eq(comparison->ignored->items[i]->text, pointer))
            return true;
    }
    return false;
}

static struct str shown(struct arena *arena, const struct value *value)
{
    struct buf json = buf_in(arena, TEXT_MAX);
    if (is_absent(value))
        return STR("nothing");
    value_encode(&json, value);
    if (json.len <= DIFFERENCE_SHOWN_MAX)
        return buf_str(&json);
    return arena_printf(arena, "%.*s…", DIFFERENCE_SHOWN_MAX, json.data);
}

static struct str differ(const struct comparison *comparison, struct str pointer,
                         const struct value *before, const struct value *now)
{
    return arena_printf(comparison->arena, "%.*s: recorded %.*s, now %.*s", STR_ARG(pointer),
                        STR_ARG(shown(comparison->arena, before)),
                        STR_ARG(shown(comparison->arena, now)));
}

static struct str compare(const struct comparison *comparison, struct str pointer,
                          const struct value *before, const struct value *now);

static struct str compare_members(const struct comparison *comparison, struct str pointer,
                                  const struct value *before, const struct value *now)
{
    for (size_t i = 0; i < before->count + now->count; i++) {
        bool first = i < before->count;
        struct str name = first ? before->names[i] : now->names[i - before->count];
        const char *text = arena_cstr(comparison->arena, name);
        const struct value *old = value_get(before, text);
        if (!first && old)
            continue; /* compared already */
        struct str below = arena_printf(comparison->arena, "%.*s/%s", STR_ARG(pointer), text);
        struct str found = compare(comparison, below, old, value_get(now, text));
        if (found.data)
            return found;
    }
    return STR_NULL;
}

static struct str compare_items(const struct comparison *comparison, struct str pointer,
                                const struct value *before, const struct value *now)
{
    size_t count = before->count > now->count ? before->count : now->count;
    for (size_t i = 0; i < count; i++) {
        struct str below = arena_printf(comparison->arena, "%.*s/%zu", STR_ARG(pointer), i);
        struct str found = compare(comparison, below, i < before->count ? before->items[i] : NULL,
                                   i < now->count ? now->items[i] : NULL);
        if (found.data)
            return found;
    }
    return STR_NULL;
}

static bool same_scalar(const struct comparison *comparison, const struct value *before,
                        const struct value *now)
{
    struct buf a = buf_in(comparison->arena, TEXT_MAX);
    struct buf b = buf_in(comparison->arena, TEXT_MAX);
    value_encode(&a, before);
    value_encode(&b, now);
    return str_eq(buf_str(&a), buf_str(&b)) && !a.overflow && !b.overflow;
}

static struct str compare(const struct comparison *comparison, struct str pointer,
                          const struct value *before, const struct value *now)
{
    if (is_ignored(comparison, pointer) || (is_absent(before) && is_absent(now)))
        return STR_NULL;
    if (!before || !now || is_absent(before) || is_absent(now) || before->kind != now->kind)
        return differ(comparison, pointer, before, now);
    if (before->kind == VALUE_STRUCTURE)
        return compare_members(comparison, pointer, before, now);
    if (before->kind == VALUE_LIST)
        return compare_items(comparison, pointer, before, now);
    if (same_scalar(comparison, before, now))
        return STR_NULL;
    return differ(comparison, pointer, before, now);
}

struct str json_difference(const struct value *before, const struct value *now,
                           const struct value *ignored, struct arena *arena)
{
    const struct comparison comparison = {arena, ignored};
    return compare(&comparison, STR(""), before, now);
}

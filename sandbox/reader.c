/* Checks the shape of a sandbox file's objects, and says where one is wrong. */
#include "sandbox/reader.h"

#include <stdarg.h>
#include <stdio.h>

bool reader_fail(const struct reader *reader, struct str where, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return fail(reader->error, ERR_VALIDATION, "%.*s: %.*s: %s", STR_ARG(reader->file),
                STR_ARG(where), text);
}

static const char *kind_name(enum value_kind kind)
{
    switch (kind) {
    case VALUE_STRUCTURE:
    case VALUE_MAP:
        return "an object";
    case VALUE_LIST:
        return "a list";
    case VALUE_STRING:
        return "a string";
    case VALUE_BOOLEAN:
        return "true or false";
    default:
        return "a whole number";
    }
}

static bool check_kind(const struct reader *reader, struct str where, const struct value *value,
                       enum value_kind kind)
{
    return value->kind == kind || reader_fail(reader, where, "must be %s.", kind_name(kind));
}

static const struct member_rule *find_rule(const struct member_rule *rules, size_t rule_count,
                                           struct str name)
{
    for (size_t i = 0; i < rule_count; i++)
        if (str_eq(str_from(rules[i].name), name))
            return &rules[i];
    return NULL;
}

bool reader_check(const struct reader *reader, struct str where, const struct value *value,
                  const struct member_rule *rules, size_t rule_count)
{
    if (!check_kind(reader, where, value, VALUE_STRUCTURE))
        return false;
    for (size_t i = 0; i < value->count; i++) {
        struct str inside = reader_in(reader, where, value->names[i]);
        const struct member_rule *rule = find_rule(rules, rule_count, value->names[i]);
        if (!rule)
            return reader_fail(reader, inside, "there is no such member.");
        if (rule->kind != VALUE_RAW && !check_kind(reader, inside, value->items[i], rule->kind))
            return false;
    }
    for (size_t i = 0; i < rule_count; i++)
        if (rules[i].required && !value_get(value, rules[i].name))
            return reader_fail(reader, where, "%s is missing.", rules[i].name);
    return true;
}

bool reader_check_map(const struct reader *reader, struct str where, const struct value *value,
                      enum value_kind kind)
{
    if (!check_kind(reader, where, value, VALUE_STRUCTURE))
        return false;
    if (value->count > VENDOR_ITEMS_MAX)
        return reader_fail(reader, where, "has more than %d members.", VENDOR_ITEMS_MAX);
    for (size_t i = 0; i < value->count; i++) {
        struct str inside = reader_in(reader, where, value->names[i]);
        if (value->names[i].len == 0 || value->names[i].len > VENDOR_PATTERN_MAX)
            return reader_fail(reader, inside, "the name must have 1 to %d bytes.",
                               VENDOR_PATTERN_MAX);
        if (kind != VALUE_RAW && !check_kind(reader, inside, value->items[i], kind))
            return false;
    }
    return true;
}

bool reader_texts(const struct reader *reader, struct str where, const struct value *list,
                  const struct str **ret_items, size_t *ret_count)
{
    if (!list)
        return true;
    if (!check_kind(reader, where, list, VALUE_LIST))
        return false;
    if (list->count > VENDOR_ITEMS_MAX)
        return reader_fail(reader, where, "has more than %d items.", VENDOR_ITEMS_MAX);
    struct str *items = arena_array(reader->arena, struct str, list->count);
    for (size_t i = 0; i < list->count; i++) {
        struct str at = reader_at(reader, where, i);
        if (!check_kind(reader, at, list->items[i], VALUE_STRING))
            return false;
        items[i] = list->items[i]->text;
        if (items[i].len == 0 || items[i].len > VENDOR_PATTERN_MAX)
            return reader_fail(reader, at, "must have 1 to %d bytes.", VENDOR_PATTERN_MAX);
    }
    *ret_items = items;
    *ret_count = list->count;
    return true;
}

struct str reader_in(const struct reader *reader, struct str where, struct str name)
{
    if (name.len > VENDOR_PATTERN_MAX)
        name.len = VENDOR_PATTERN_MAX;
    return where.len == 0 ? name
                          : arena_printf(reader->arena, "%.*s.%.*s", STR_ARG(where), STR_ARG(name));
}

struct str reader_at(const struct reader *reader, struct str where, size_t index)
{
    return arena_printf(reader->arena, "%.*s[%zu]", STR_ARG(where), index);
}

static bool is_outcome_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!ascii_is_lower_alnum(c) && c != '-')
            return false;
    }
    return name.len > 0 && name.len <= 64;
}

bool reader_outcome(const struct reader *reader, struct str where, struct str name,
                    uint8_t *ret_outcome)
{
    struct vendor *vendor = reader->vendor;
    if (!is_outcome_name(name))
        return reader_fail(reader, where, "an outcome is named by a-z, 0-9 and '-'.");
    size_t i = 0;
    while (i < vendor->outcome_count && !str_eq(vendor->outcomes[i], name))
        i++;
    if (i == OUTCOMES_MAX)
        return reader_fail(reader, where, "more than %d outcomes.", OUTCOMES_MAX);
    if (i == vendor->outcome_count)
        vendor->outcomes[vendor->outcome_count++] = name;
    *ret_outcome = (uint8_t)i;
    return true;
}

bool reader_response(const struct reader *reader, struct str where, struct str name,
                     const struct sandbox_response **ret_response)
{
    for (size_t i = 0; i < reader->vendor->response_count; i++) {
        if (str_eq(reader->vendor->responses[i].name, name)) {
            *ret_response = &reader->vendor->responses[i];
            return true;
        }
    }
    return reader_fail(reader, where, "there is no response of the name \"%.*s\".", STR_ARG(name));
}

/* Reads what the files say of credentials: where they stand, what each comes to, and the answers.
 */
#include "sandbox/reader.h"

#include <stdlib.h>
#include <string.h>

static const struct member_rule rule_members[] = {
    {"outcome", VALUE_RAW, true},
    {"client", VALUE_STRING, false},
};

static bool load_steps(struct reader *reader, struct str where, const struct value *value,
                       struct vendor_rule *rule)
{
    if (value->kind == VALUE_STRING) {
        rule->step_count = 1;
        return reader_outcome(reader, where, value->text, &rule->steps[0]);
    }
    if (value->kind != VALUE_LIST || value->count < 1 || value->count > VENDOR_STEPS_MAX)
        return reader_fail(reader, where, "must be an outcome or a list of 1 to %d.",
                           VENDOR_STEPS_MAX);
    rule->step_count = value->count;
    for (size_t i = 0; i < value->count; i++) {
        if (value->items[i]->kind != VALUE_STRING)
            return reader_fail(reader, where, "must be a list of outcomes.");
        if (!reader_outcome(reader, where, value->items[i]->text, &rule->steps[i]))
            return false;
    }
    return true;
}

static bool load_rule(struct reader *reader, struct str where, const struct value *value,
                      struct vendor_rule *rule)
{
    if (value->kind != VALUE_STRUCTURE)
        return load_steps(reader, where, value, rule);
    if (!READER_CHECK(reader, where, value, rule_members))
        return false;
    rule->client = value_text(value, "client");
    return load_steps(reader, where, value_get(value, "outcome"), rule);
}

static int compare_rules(const void *left, const void *right)
{
    const struct vendor_rule *a = left, *b = right;
    bool a_whole = !str_contains(a->pattern, STR("*")),
         b_whole = !str_contains(b->pattern, STR("*"));
    if (a_whole != b_whole)
        return a_whole ? -1 : 1;
    return (a->pattern.len < b->pattern.len) - (a->pattern.len > b->pattern.len);
}

bool load_rules(struct reader *reader, struct str where, const struct value *map,
                struct vendor_rules *ret_rules)
{
    if (!map)
        return true;
    if (!reader_check_map(reader, where, map, VALUE_RAW))
        return false;
    struct vendor_rule *rules = arena_array(reader->arena, struct vendor_rule, map->count);
    for (size_t i = 0; i < map->count; i++) {
        rules[i].pattern = map->names[i];
        if (!load_rule(reader, reader_in(reader, where, map->names[i]), map->items[i], &rules[i]))
            return false;
    }
    if (map->count > 1)
        qsort(rules, map->count, sizeof(*rules), compare_rules);
    *ret_rules = (struct vendor_rules){rules, map->count};
    return true;
}

bool load_part(const struct reader *reader, struct str where, struct str text,
               struct request_part *ret_part)
{
    static const struct {
        struct str name;
        enum part_kind kind;
    } kinds[] = {
        {STR("scheme"), PART_SCHEME}, {STR("header"), PART_HEADER}, {STR("query"), PART_QUERY},
        {STR("form"), PART_FORM},     {STR("json"), PART_JSON},     {STR("signed"), PART_SIGNED},
    };
    struct str kind, name;
    if (str_eq(text, STR("basic"))) {
        *ret_part = (struct request_part){PART_BASIC, STR("")};
        return true;
    }
    if (str_cut(text, ':', &kind, &name) && name.len > 0) {
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            if (str_eq(kinds[i].name, kind)) {
                *ret_part = (struct request_part){kinds[i].kind, name};
                return true;
            }
        }
    }
    return reader_fail(reader, where,
                       "must be basic, or scheme:, header:, query:, form:, json: or signed: and a "
                       "name.");
}

bool load_answers(struct reader *reader, struct str where, const struct value *map,
                  const struct sandbox_response *answers[OUTCOMES_MAX])
{
    if (!map)
        return true;
    if (!reader_check_map(reader, where, map, VALUE_STRING))
        return false;
    for (size_t i = 0; i < map->count; i++) {
        uint8_t outcome;
        struct str inside = reader_in(reader, where, map->names[i]);
        if (!reader_outcome(reader, inside, map->names[i], &outcome) ||
            !reader_response(reader, inside, map->items[i]->text, &answers[outcome]))
            return false;
    }
    return true;
}

bool check_answered(const struct reader *reader, struct str where, const struct vendor_rules *rules,
                    const struct sandbox_response *const answers[OUTCOMES_MAX])
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct vendor_rule *rule = &rules->items[i];
        for (size_t step = 0; step < rule->step_count; step++) {
            if (!answers[rule->steps[step]])
                return reader_fail(reader, where, "there is no answer for the outcome %.*s.",
                                   STR_ARG(reader->vendor->outcomes[rule->steps[step]]));
        }
    }
    return true;
}

/* Reads the routes of a sandbox file. */
#include "sandbox/reader.h"

#include <string.h>

static const struct member_rule route_members[] = {
    {"method", VALUE_STRING, true},      {"path", VALUE_STRING, true},
    {"match", VALUE_STRUCTURE, false},   {"answer", VALUE_STRING, false},
    {"credential", VALUE_RAW, false},    {"credentials", VALUE_STRUCTURE, false},
    {"answers", VALUE_STRUCTURE, false},
};

static bool load_matches(const struct reader *reader, struct str where, const struct value *map,
                         struct vendor_route *route)
{
    if (!map)
        return true;
    if (!reader_check_map(reader, where, map, VALUE_STRING))
        return false;
    struct vendor_match *matches = arena_array(reader->arena, struct vendor_match, map->count);
    for (size_t i = 0; i < map->count; i++) {
        if (!load_part(reader, where, map->names[i], &matches[i].part))
            return false;
        matches[i].pattern = map->items[i]->text;
    }
    route->matches = matches;
    route->match_count = map->count;
    return true;
}

/* One text, or a list of them whose values are joined by ':'. */
static bool load_credential(const struct reader *reader, struct str where,
                            const struct value *value, struct vendor_route *route)
{
    const struct str *texts;
    struct value *one = value_list(reader->arena);
    if (value->kind == VALUE_STRING) {
        struct value *text = value_string(reader->arena, value->text);
        value_append(reader->arena, one, text);
        value = one;
    }
    if (!reader_texts(reader, where, value, &texts, &route->part_count))
        return false;
    if (route->part_count < 1 || route->part_count > VENDOR_PARTS_MAX)
        return reader_fail(reader, where, "must have 1 to %d parts.", VENDOR_PARTS_MAX);
    for (size_t i = 0; i < route->part_count; i++)
        if (!load_part(reader, where, texts[i], &route->parts[i]))
            return false;
    return true;
}

static bool check_path(const struct reader *reader, struct str where,
                       const struct vendor_route *route)
{
    if (route->path.len > VENDOR_PATTERN_MAX || !str_starts(route->path, STR("/")))
        return reader_fail(reader, where, "path must begin with '/'.");
    for (size_t i = 0; i < route->method.len; i++)
        if (route->method.data[i] < 'A' || route->method.data[i] > 'Z')
            return reader_fail(reader, where, "method must be upper-case letters.");
    return route->method.len > 0 || reader_fail(reader, where, "method is empty.");
}

/* What is not listed is rejected, a request without a credential is anonymous, and tokens that the
 * sandbox gave out are accepted: those answers are always needed. */
static bool complete_answers(const struct reader *reader, struct str where,
                             struct vendor_route *route,
                             const struct sandbox_response *const defaults[OUTCOMES_MAX])
{
    for (size_t i = 0; i < OUTCOMES_MAX; i++)
        if (!route->answers[i])
            route->answers[i] = defaults[i];
    if (!route->answers[OUTCOME_ANONYMOUS])
        route->answers[OUTCOME_ANONYMOUS] = route->answers[OUTCOME_REJECTED];
    if (!route->answers[OUTCOME_ACCEPTED] || !route->answers[OUTCOME_REJECTED])
        return reader_fail(reader, where, "needs answers for accepted and rejected.");
    return check_answered(reader, where, &route->rules, route->answers);
}

static bool load_route(struct reader *reader, struct str where, const struct value *value,
                       const struct vendor_rules *rules,
                       const struct sandbox_response *const defaults[OUTCOMES_MAX],
                       struct vendor_route *route)
{
    if (!READER_CHECK(reader, where, value, route_members))
        return false;
    route->method = value_text(value, "method");
    route->path = value_text(value, "path");
    if (!check_path(reader, where, route) ||
        !load_matches(reader, where, value_get(value, "match"), route))
        return false;
    struct str answer = value_text(value, "answer");
    const struct value *credential = value_get(value, "credential");
    if (!answer.data == !credential)
        return reader_fail(reader, where, "needs either answer or credential.");
    if (answer.data)
        return value_get(value, "credentials") || value_get(value, "answers")
                   ? reader_fail(reader, where, "answer goes without credentials and answers.")
                   : reader_response(reader, where, answer, &route->answer);
    route->rules = *rules;
    return load_credential(reader, where, credential, route) &&
           load_rules(reader, where, value_get(value, "credentials"), &route->rules) &&
           load_answers(reader, where, value_get(value, "answers"), route->answers) &&
           complete_answers(reader, where, route, defaults);
}

bool load_routes(struct reader *reader, const struct value *list, const struct vendor_rules *rules,
                 const struct sandbox_response *const defaults[OUTCOMES_MAX])
{
    struct str where = STR("routes");
    if (list->count > VENDOR_ITEMS_MAX)
        return reader_fail(reader, where, "has more than %d items.", VENDOR_ITEMS_MAX);
    struct vendor_route *routes = arena_array(reader->arena, struct vendor_route, list->count);
    for (size_t i = 0; i < list->count; i++)
        if (!load_route(reader, reader_at(reader, where, i), list->items[i], rules, defaults,
                        &routes[i]))
            return false;
    reader->vendor->routes = routes;
    reader->vendor->route_count = list->count;
    return true;
}

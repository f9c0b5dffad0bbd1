/* A policy's statements: read from JSON, and asked. A denial of any statement outweighs all that
 * others allow, and what none allows is not allowed. */
#include "api/policy.h"

#include "api/policy_internal.h"
#include "base/cleanup.h"
#include "base/wildcard.h"

struct statement {
    bool allows;
    bool not_actions; /* NotAction: all but these */
    bool not_resources;
    struct text_list actions;
    struct text_list resources;
    struct policy_condition *conditions;
    size_t condition_count;
};

struct policy {
    struct statement *statements;
    size_t count;
};

/* --- asking --- */

bool policy_matches(struct str pattern, struct str text, bool nocase)
{
    return wildcard_match(pattern, text,
                          WILDCARD_EMPTY | WILDCARD_ONE | (nocase ? WILDCARD_NOCASE : 0));
}

static bool any_matches(const struct text_list *patterns, struct str text, bool nocase)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (policy_matches(patterns->items[i], text, nocase))
            return true;
    }
    return false;
}

/* "secretsmanager:Get*", but not "*" or "secrets*". */
static bool names_service(struct str pattern, struct str action)
{
    struct str service, ignored;
    return str_cut(action, ':', &service, &ignored) && pattern.len > service.len &&
           pattern.data[service.len] == ':' &&
           str_eq_nocase((struct str){pattern.data, service.len}, service);
}

static bool allows_by_name(const struct statement *statement,
                           const struct policy_question *question)
{
    for (size_t i = 0; !statement->not_actions && i < statement->actions.count; i++) {
        struct str pattern = statement->actions.items[i];
        if (names_service(pattern, question->action) &&
            policy_matches(pattern, question->action, true))
            return true;
    }
    return false;
}

static bool is_about(const struct statement *statement, const struct policy_question *question)
{
    if (any_matches(&statement->actions, question->action, true) == statement->not_actions ||
        any_matches(&statement->resources, question->resource, false) == statement->not_resources)
        return false;
    for (size_t i = 0; i < statement->condition_count; i++) {
        if (!policy_condition_holds(&statement->conditions[i], question))
            return false;
    }
    return true;
}

enum policy_answer policy_ask(const struct policy *policy, const struct policy_question *question)
{
    enum policy_answer answer = POLICY_SILENT;
    for (size_t i = 0; i < policy->count; i++) {
        if (!is_about(&policy->statements[i], question))
            continue;
        if (!policy->statements[i].allows)
            return POLICY_DENIES;
        if (!question->by_name || allows_by_name(&policy->statements[i], question))
            answer = POLICY_ALLOWS;
    }
    return answer;
}

static bool mentions(const struct policy *policy, struct str text, bool below)
{
    for (size_t i = 0; i < policy->count; i++) {
        const struct statement *statement = &policy->statements[i];
        for (size_t k = 0; k < statement->condition_count; k++) {
            struct str key = statement->conditions[k].key;
            if (below && key.len > text.len)
                key.len = text.len;
            if (str_eq_nocase(key, text))
                return true;
        }
    }
    return false;
}

bool policy_mentions(const struct policy *policy, struct str key)
{
    return mentions(policy, key, false);
}

bool policy_mentions_below(const struct policy *policy, struct str prefix)
{
    return mentions(policy, prefix, true);
}

/* --- reading --- */

static bool add_text(yyjson_val *json, const char *what, struct arena *arena,
                     struct text_list *list, struct error *error)
{
    if (!yyjson_is_str(json) && !yyjson_is_bool(json))
        return fail(error, ERR_VALIDATION, "%s is not a string", what);
    struct str text = yyjson_is_str(json)     ? json_text(json)
                      : yyjson_get_bool(json) ? STR("true")
                                              : STR("false");
    if (str_contains(text, STR("${")))
        return fail(error, ERR_VALIDATION, "policy variables (\"%.*s\") are not supported",
                    STR_ARG(text));
    list->items[list->count++] = arena_copy(arena, text);
    return true;
}

bool policy_texts(yyjson_val *json, const char *what, struct arena *arena,
                  struct text_list *ret_list, struct error *error)
{
    size_t count = yyjson_is_arr(json) ? yyjson_arr_size(json) : 1;
    if (count == 0)
        return fail(error, ERR_VALIDATION, "%s is an empty list", what);
    *ret_list = (struct text_list){.items = arena_array(arena, struct str, count)};
    if (!yyjson_is_arr(json))
        return add_text(json, what, arena, ret_list, error);
    yyjson_arr_iter iter = yyjson_arr_iter_with(json);
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&iter));) {
        if (!add_text(item, what, arena, ret_list, error))
            return false;
    }
    return true;
}

/* Of each element there is at most one: JSON with a name twice has been refused. */
struct elements {
    yyjson_val *effect, *action, *not_action, *resource, *not_resource, *condition;
};

static bool sort_elements(yyjson_val *json, struct elements *ret_elements, struct error *error)
{
    *ret_elements = (struct elements){0};
    yyjson_obj_iter iter = yyjson_obj_iter_with(json);
    for (yyjson_val *name; (name = yyjson_obj_iter_next(&iter));) {
        const struct {
            struct str name;
            yyjson_val **into;
        } known[] = {
            {STR("Effect"), &ret_elements->effect},
            {STR("Action"), &ret_elements->action},
            {STR("NotAction"), &ret_elements->not_action},
            {STR("Resource"), &ret_elements->resource},
            {STR("NotResource"), &ret_elements->not_resource},
            {STR("Condition"), &ret_elements->condition},
        };
        size_t i = 0, count = sizeof(known) / sizeof(*known);
        while (i < count && !str_eq(known[i].name, json_text(name)))
            i++;
        if (i < count)
            *known[i].into = yyjson_obj_iter_get_val(name);
        else if (!str_eq(json_text(name), STR("Sid")))
            return fail(error, ERR_VALIDATION,
                        "%.*s is not one of Sid, Effect, Action, NotAction, Resource, NotResource "
                        "and Condition",
                        STR_ARG(json_text(name)));
    }
    return true;
}

static bool read_pair(yyjson_val *positive, yyjson_val *negative, const char *what,
                      struct arena *arena, struct text_list *ret_list, bool *ret_negated,
                      struct error *error)
{
    *ret_negated = negative != NULL;
    if (!positive == !negative)
        return fail(error, ERR_VALIDATION, "it needs one of %s and Not%s", what, what);
    return policy_texts(positive ? positive : negative, what, arena, ret_list, error);
}

/* "appflow:Describe*", or "*" alone. */
static bool check_actions(const struct text_list *actions, struct error *error)
{
    for (size_t i = 0; i < actions->count; i++) {
        struct str service, name, whole = actions->items[i];
        if (!str_eq(whole, STR("*")) && (!str_cut(whole, ':', &service, &name) || name.len == 0))
            return fail(error, ERR_VALIDATION, "the action %.*s is not SERVICE:NAME",
                        STR_ARG(whole));
    }
    return true;
}

static bool read_statement(yyjson_val *json, struct arena *arena, struct statement *statement,
                           struct error *error)
{
    struct elements elements;
    if (!yyjson_is_obj(json))
        return fail(error, ERR_VALIDATION, "it is not an object");
    if (!sort_elements(json, &elements, error))
        return false;
    struct str effect = yyjson_is_str(elements.effect) ? json_text(elements.effect) : STR_NULL;
    statement->allows = str_eq(effect, STR("Allow"));
    if (!statement->allows && !str_eq(effect, STR("Deny")))
        return fail(error, ERR_VALIDATION, "Effect is neither Allow nor Deny");
    return read_pair(elements.action, elements.not_action, "Action", arena, &statement->actions,
                     &statement->not_actions, error) &&
           check_actions(&statement->actions, error) &&
           read_pair(elements.resource, elements.not_resource, "Resource", arena,
                     &statement->resources, &statement->not_resources, error) &&
           (!elements.condition ||
            policy_conditions_read(elements.condition, arena, &statement->conditions,
                                   &statement->condition_count, error));
}

static bool fail_in(size_t number, const struct error *reason, struct error *error)
{
    return fail(error, ERR_VALIDATION, "The policy's statement %zu: %s.", number, reason->message);
}

static bool read_statements(yyjson_val *json, struct arena *arena, struct policy *policy,
                            struct error *error)
{
    bool many = yyjson_is_arr(json);
    size_t count = many ? yyjson_arr_size(json) : 1;
    policy->statements = arena_array(arena, struct statement, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct error reason;
        struct statement *statement = &policy->statements[policy->count++];
        if (!read_statement(many ? yyjson_arr_get(json, i) : json, arena, statement, &reason))
            return fail_in(i + 1, &reason, error);
    }
    return true;
}

/* The version changes nothing but policy variables, which are refused in either. */
static bool check_top(yyjson_val *root, struct error *error)
{
    static const struct str versions[] = {STR("2012-10-17"), STR("2008-10-17")};
    yyjson_obj_iter iter = yyjson_obj_iter_with(root);
    if (!yyjson_is_obj(root) || !yyjson_obj_get(root, "Statement"))
        return fail(error, ERR_VALIDATION, "The policy is not an object with a Statement.");
    for (yyjson_val *name; (name = yyjson_obj_iter_next(&iter));) {
        struct str text = json_text(name);
        yyjson_val *value = yyjson_obj_iter_get_val(name);
        bool is_version = str_eq(text, STR("Version"));
        if (is_version && !(yyjson_is_str(value) && (str_eq(json_text(value), versions[0]) ||
                                                     str_eq(json_text(value), versions[1]))))
            return fail(error, ERR_VALIDATION, "The policy's Version is not \"2012-10-17\".");
        if (!is_version && !str_eq(text, STR("Id")) && !str_eq(text, STR("Statement")))
            return fail(error, ERR_VALIDATION,
                        "%.*s is not an element of a policy: Version, Id, Statement.",
                        STR_ARG(text));
    }
    return true;
}

bool policy_from_json(yyjson_val *json, struct arena *arena, const struct policy **ret_policy,
                      struct error *error)
{
    struct policy *policy = arena_new(arena, struct policy);
    *ret_policy = policy;
    return check_top(json, error) &&
           read_statements(yyjson_obj_get(json, "Statement"), arena, policy, error);
}

bool policy_read(struct str text, struct arena *arena, const struct policy **ret_policy,
                 struct error *error)
{
    _cleanup_(json_scratch_done) struct json_scratch scratch;
    yyjson_val *root;
    struct error reason;
    json_scratch_init(&scratch);
    if (text.len > POLICY_TEXT_MAX)
        return fail(error, ERR_VALIDATION, "The policy is longer than %d bytes.", POLICY_TEXT_MAX);
    if (!json_read(text, POLICY_NODES_MAX, &scratch, &root, &reason))
        return fail(error, ERR_VALIDATION, "The policy is not JSON: %s", reason.message);
    return policy_from_json(root, arena, ret_policy, error);
}

/* Conditions: a table of operators, and how many values of a request have to satisfy one. */
#include "api/policy_internal.h"

#include "base/time_text.h"
#include "net/egress.h"

struct policy_operator {
    struct str name;
    bool (*matches)(struct str of_policy, struct str of_request);
    bool (*takes)(struct str of_policy); /* NULL: any text */
    bool negated;                        /* holds for a value that matches none of the policy's */
};

/* --- comparing one value with one of the policy's --- */

static bool equals(struct str of_policy, struct str of_request)
{
    return str_eq(of_policy, of_request);
}

static bool equals_nocase(struct str of_policy, struct str of_request)
{
    return str_eq_nocase(of_policy, of_request);
}

static bool like(struct str of_policy, struct str of_request)
{
    return policy_matches(of_policy, of_request, false);
}

/* Each of an ARN's six parts by itself, so that no '*' reaches over a colon but in the last. */
static bool arn_like(struct str of_policy, struct str of_request)
{
    enum { PARTS = 6 };
    for (int i = 1; i < PARTS; i++) {
        struct str pattern, part;
        if (!str_cut(of_policy, ':', &pattern, &of_policy) ||
            !str_cut(of_request, ':', &part, &of_request) || !policy_matches(pattern, part, false))
            return false;
    }
    return policy_matches(of_policy, of_request, false);
}

static bool address_in(struct str of_policy, struct str of_request)
{
    return egress_block_names(of_policy, of_request);
}

/* A block holds its own first address. */
static bool is_block(struct str text)
{
    struct str address, size;
    return egress_block_names(text, str_cut(text, '/', &address, &size) ? address : text);
}

static bool is_bool(struct str text)
{
    return str_eq_nocase(text, STR("true")) || str_eq_nocase(text, STR("false"));
}

/* RFC 3339, "2026-01-31", or seconds since the epoch. */
static bool read_date(struct str text, int64_t *ret_us)
{
    struct time_text time;
    unsigned long long seconds;
    bool is_number = str_to_u64(text, INT32_MAX * 1000ULL, &seconds);
    bool is_text = !is_number && time_text_read(text, TIME_TEXT_DAY, &time);
    *ret_us = is_number ? (int64_t)seconds * TIME_TEXT_SECOND_US : is_text ? time.us : 0;
    return is_number || is_text;
}

static bool is_date(struct str text)
{
    int64_t us;
    return read_date(text, &us);
}

/* How the request's date lies to the policy's: -1, 0, 1. A date that cannot be read is on no side.
 */
static bool date_is(struct str of_policy, struct str of_request, bool before, bool same, bool after)
{
    int64_t policy_us, request_us;
    if (!read_date(of_policy, &policy_us) || !read_date(of_request, &request_us))
        return false;
    return request_us < policy_us ? before : request_us > policy_us ? after : same;
}

static bool date_equals(struct str of_policy, struct str of_request)
{
    return date_is(of_policy, of_request, false, true, false);
}

static bool date_before(struct str of_policy, struct str of_request)
{
    return date_is(of_policy, of_request, true, false, false);
}

static bool date_not_after(struct str of_policy, struct str of_request)
{
    return date_is(of_policy, of_request, true, true, false);
}

static bool date_after(struct str of_policy, struct str of_request)
{
    return date_is(of_policy, of_request, false, false, true);
}

static bool date_not_before(struct str of_policy, struct str of_request)
{
    return date_is(of_policy, of_request, false, true, true);
}

static const struct policy_operator operators[] = {
    {STR("StringEquals"), equals, NULL, false},
    {STR("StringNotEquals"), equals, NULL, true},
    {STR("StringEqualsIgnoreCase"), equals_nocase, NULL, false},
    {STR("StringNotEqualsIgnoreCase"), equals_nocase, NULL, true},
    {STR("StringLike"), like, NULL, false},
    {STR("StringNotLike"), like, NULL, true},
    {STR("ArnEquals"), arn_like, NULL, false},
    {STR("ArnLike"), arn_like, NULL, false},
    {STR("ArnNotEquals"), arn_like, NULL, true},
    {STR("ArnNotLike"), arn_like, NULL, true},
    {STR("Bool"), equals_nocase, is_bool, false},
    {STR("IpAddress"), address_in, is_block, false},
    {STR("NotIpAddress"), address_in, is_block, true},
    {STR("DateEquals"), date_equals, is_date, false},
    {STR("DateNotEquals"), date_equals, is_date, true},
    {STR("DateLessThan"), date_before, is_date, false},
    {STR("DateLessThanEquals"), date_not_after, is_date, false},
    {STR("DateGreaterThan"), date_after, is_date, false},
    {STR("DateGreaterThanEquals"), date_not_before, is_date, false},
    {STR("Null"), NULL, is_bool, false}, /* of the key itself */
};

/* --- asking --- */

static const struct policy_fact *find_fact(const struct policy_question *question, struct str key)
{
    for (size_t i = 0; i < question->fact_count; i++) {
        const struct policy_fact *fact = &question->facts[i];
        if (fact->count > 0 && str_eq_nocase(fact->key, key))
            return fact;
    }
    return NULL;
}

static bool value_satisfies(const struct policy_condition *condition, struct str value)
{
    bool matches = false;
    for (size_t i = 0; !matches && i < condition->values.count; i++)
        matches = condition->operator->matches(condition->values.items[i], value);
    return matches != condition->operator->negated;
}

static bool null_holds(const struct policy_condition *condition, bool is_there)
{
    for (size_t i = 0; i < condition->values.count; i++) {
        if (str_eq_nocase(condition->values.items[i], STR("true")) != is_there)
            return true;
    }
    return false;
}

bool policy_condition_holds(const struct policy_condition *condition,
                            const struct policy_question *question)
{
    const struct policy_fact *fact = find_fact(question, condition->key);
    if (!condition->operator->matches)
        return null_holds(condition, fact != NULL);
    if (!fact)
        return condition->if_exists || condition->set == FOR_ALL_VALUES ||
               (condition->operator->negated && condition->set == ONE_VALUE);
    for (size_t i = 0; i < fact->count; i++) {
        bool satisfies = value_satisfies(condition, fact->values[i]);
        if (condition->set == FOR_ALL_VALUES && !satisfies)
            return false;
        if (condition->set != FOR_ALL_VALUES && satisfies)
            return true;
    }
    return condition->set == FOR_ALL_VALUES;
}

/* --- reading --- */

static const struct policy_operator *find_operator(struct str name)
{
    for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
        if (str_eq_nocase(operators[i].name, name))
            return &operators[i];
    }
    return NULL;
}

static bool take_prefix(struct str *name, struct str prefix)
{
    if (name->len < prefix.len || !str_eq_nocase((struct str){name->data, prefix.len}, prefix))
        return false;
    *name = (struct str){name->data + prefix.len, name->len - prefix.len};
    return true;
}

static bool take_suffix(struct str *name, struct str suffix)
{
    if (name->len < suffix.len ||
        !str_eq_nocase((struct str){name->data + name->len - suffix.len, suffix.len}, suffix))
        return false;
    name->len -= suffix.len;
    return true;
}

/* "ForAnyValue:StringLikeIfExists" and the like; the key and its values are not set yet. */
static bool read_operator(struct str whole, struct policy_condition *condition, struct error *error)
{
    struct str name = whole;
    condition->set = take_prefix(&name, STR("ForAllValues:"))  ? FOR_ALL_VALUES
                     : take_prefix(&name, STR("ForAnyValue:")) ? FOR_ANY_VALUE
                                                               : ONE_VALUE;
    condition->if_exists = take_suffix(&name, STR("IfExists"));
    condition->operator= find_operator(name);
    bool whether_there = condition->operator&& !condition->operator->matches;
    if (!condition->operator||(whether_there && name.len != whole.len))
        return fail(error, ERR_VALIDATION, "the condition operator %.*s is not supported",
                    STR_ARG(whole));
    return true;
}

static bool check_values(const struct policy_condition *condition, struct error *error)
{
    const struct policy_operator *operator= condition->operator;
    for (size_t i = 0; operator->takes && i<condition->values.count; i++) {
        if (!operator->takes(condition->values.items[i]))
            return fail(error, ERR_VALIDATION, "the value \"%.*s\" is none that %.*s compares with",
                        STR_ARG(condition->values.items[i]), STR_ARG(operator->name));
    }
    return true;
}

static bool read_keys(struct str name, yyjson_val *keys, struct arena *arena,
                      struct policy_condition *conditions, size_t *count, struct error *error)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with(keys);
    if (!yyjson_is_obj(keys))
        return fail(error, ERR_VALIDATION, "the condition operator %.*s has no object of keys",
                    STR_ARG(name));
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)); (*count)++) {
        struct policy_condition *condition = &conditions[*count];
        *condition = (struct policy_condition){.key = arena_copy(arena, json_text(key))};
        if (!read_operator(name, condition, error) ||
            !policy_texts(yyjson_obj_iter_get_val(key), "a condition's value", arena,
                          &condition->values, error) ||
            !check_values(condition, error))
            return false;
    }
    return true;
}

static size_t count_keys(yyjson_val *json)
{
    size_t count = 0;
    yyjson_obj_iter iter = yyjson_obj_iter_with(json);
    for (yyjson_val *name; (name = yyjson_obj_iter_next(&iter));)
        count += yyjson_obj_size(yyjson_obj_iter_get_val(name));
    return count;
}

bool policy_conditions_read(yyjson_val *json, struct arena *arena,
                            struct policy_condition **ret_conditions, size_t *ret_count,
                            struct error *error)
{
    size_t count = 0;
    if (!yyjson_is_obj(json))
        return fail(error, ERR_VALIDATION, "Condition is not an object");
    *ret_conditions = arena_array(arena, struct policy_condition, count_keys(json) + 1);
    yyjson_obj_iter iter = yyjson_obj_iter_with(json);
    for (yyjson_val *name; (name = yyjson_obj_iter_next(&iter));) {
        if (!read_keys(json_text(name), yyjson_obj_iter_get_val(name), arena, *ret_conditions,
                       &count, error))
            return false;
    }
    *ret_count = count;
    return true;
}

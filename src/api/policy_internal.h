/* What the two files of policies share: a statement's condition. */
#pragma once

#include "api/policy.h"
#include "wire/json.h"

struct text_list {
    struct str *items;
    size_t count;
};

struct policy_operator;

enum policy_set { ONE_VALUE, FOR_ANY_VALUE, FOR_ALL_VALUES };

/* One key of one operator: {"StringLike": {"aws:UserAgent": ["a*", "b*"]}}. */
struct policy_condition {
    const struct policy_operator *operator;
    enum policy_set set;
    bool if_exists;
    struct str key;
    struct text_list values;
};

/* '*' stands for any characters or none, '?' for one. */
bool policy_matches(struct str pattern, struct str text, bool nocase);

/* A string or a list of strings. */
_must_use_ bool policy_texts(yyjson_val *json, const char *what, struct arena *arena,
                             struct text_list *ret_list, struct error *error);

/* All of a Condition element, in order. */
_must_use_ bool policy_conditions_read(yyjson_val *json, struct arena *arena,
                                       struct policy_condition **ret_conditions, size_t *ret_count,
                                       struct error *error);
bool policy_condition_holds(const struct policy_condition *condition,
                            const struct policy_question *question);

/* What each task takes, as data: operators, source fields, destination field, properties. From the
 * User Guide ("Transform data" pages, create-flow-api), the API reference's samples, and what the
 * CDK's and Terraform's tests send to the real service. */
#pragma once

#include "base/str.h"
#include "connector/connector.h"
#include "wire/value.h"

enum task_destination {
    DESTINATION_OPTIONAL, /* "" counts as none */
    DESTINATION_NEEDED,
    DESTINATION_NONE,
};

/* A TaskType with some of its operators. */
struct task_rule {
    struct str type;
    struct connector_texts operators;
    size_t fields_least;
    size_t fields_most; /* SIZE_MAX: any number */
    enum task_destination destination;
    struct connector_texts needed; /* properties */
    struct connector_texts one_of; /* at least one of these; none: no matter */
    struct connector_texts optional;
};

extern const struct task_rule task_rules[];
extern const size_t task_rule_count;

/* NULL: the type does not have the operator. */
const struct task_rule *task_rule_find(struct str type, struct str operator_name);

/* Whether tasks of the rule may have the property. Those that only describe data types may be in
 * any task. */
bool task_rule_has(const struct task_rule *rule, struct str property);

/* What the property's value must be, as words for a message; NULL: this value is right. */
const char *task_property_fault(struct str property, struct str value);

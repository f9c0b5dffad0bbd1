/* The tables, and what a property's value may be. */
#include "flow/task_rules.h"

#include "base/encode.h"

#include <stdint.h>

enum { ARITHMETIC_FIELDS_MAX = 100 };

#define OPERATORS(...) .operators = TEXT_LIST(__VA_ARGS__)
#define NO_OPERATION OPERATORS("NO_OP")

const struct task_rule task_rules[] = {
    {STR("Filter"), OPERATORS("PROJECTION"), .fields_least = 1, .fields_most = SIZE_MAX},
    {STR("Filter"),
     OPERATORS("EQUAL_TO", "NOT_EQUAL_TO", "CONTAINS", "LESS_THAN", "LESS_THAN_OR_EQUAL_TO",
               "GREATER_THAN", "GREATER_THAN_OR_EQUAL_TO"),
     .fields_least = 1, .fields_most = 1, .one_of = TEXT_LIST("VALUE", "VALUES")},
    {STR("Filter"), OPERATORS("BETWEEN"), .fields_least = 1, .fields_most = 1,
     .needed = TEXT_LIST("LOWER_BOUND", "UPPER_BOUND")},
    {STR("Map"), NO_OPERATION, .fields_least = 1, .fields_most = 1,
     .destination = DESTINATION_NEEDED},
    {STR("Map_all"), NO_OPERATION, .destination = DESTINATION_NONE,
     .optional = TEXT_LIST("EXCLUDE_SOURCE_FIELDS_LIST", "INCLUDE_NEW_FIELDS")},
    {STR("Merge"), NO_OPERATION, .fields_least = 2, .fields_most = SIZE_MAX,
     .destination = DESTINATION_NEEDED, .needed = TEXT_LIST("CONCAT_FORMAT")},
    {STR("Arithmetic"), OPERATORS("ADDITION", "SUBTRACTION", "MULTIPLICATION", "DIVISION"),
     .fields_least = 2, .fields_most = ARITHMETIC_FIELDS_MAX, .destination = DESTINATION_NEEDED,
     .needed = TEXT_LIST("MATH_OPERATION_FIELDS_ORDER")},
    {STR("Mask"), OPERATORS("MASK_ALL"), .fields_least = 1, .fields_most = 1,
     .optional = TEXT_LIST("MASK_LENGTH", "MASK_VALUE")},
    {STR("Mask"), OPERATORS("MASK_FIRST_N", "MASK_LAST_N"), .fields_least = 1, .fields_most = 1,
     .needed = TEXT_LIST("MASK_LENGTH"), .optional = TEXT_LIST("MASK_VALUE")},
    {STR("Truncate"), NO_OPERATION, .fields_least = 1, .fields_most = 1,
     .needed = TEXT_LIST("TRUNCATE_LENGTH")},
    {STR("Validate"),
     OPERATORS("VALIDATE_NON_NULL", "VALIDATE_NON_ZERO", "VALIDATE_NON_NEGATIVE",
               "VALIDATE_NUMERIC"),
     .fields_least = 1, .fields_most = 1, .needed = TEXT_LIST("VALIDATION_ACTION")},
    {STR("Partition"), NO_OPERATION, .fields_most = SIZE_MAX,
     .needed = TEXT_LIST("ORDERED_PARTITION_KEYS_LIST")},
    {STR("Passthrough"), NO_OPERATION, .fields_most = SIZE_MAX},
};

const size_t task_rule_count = sizeof(task_rules) / sizeof(*task_rules);

/* They name types of data, or are of unknown use: kept as they are sent. */
static const char *const anywhere[] = {"DATA_TYPE", "SOURCE_DATA_TYPE", "DESTINATION_DATA_TYPE",
                                       "SUBFIELD_CATEGORY_MAP"};

const struct task_rule *task_rule_find(struct str type, struct str operator_name)
{
    for (size_t i = 0; i < task_rule_count; i++) {
        if (str_eq(task_rules[i].type, type) &&
            connector_texts_have(&task_rules[i].operators, operator_name))
            return &task_rules[i];
    }
    return NULL;
}

bool task_rule_has(const struct task_rule *rule, struct str property)
{
    const struct connector_texts describing = LIST(anywhere);
    return connector_texts_have(&rule->needed, property) ||
           connector_texts_have(&rule->one_of, property) ||
           connector_texts_have(&rule->optional, property) ||
           connector_texts_have(&describing, property);
}

/* --- values --- */

static bool is_count(struct str value)
{
    unsigned long long count;
    return str_to_u64(value, INT32_MAX, &count) && count > 0;
}

static bool is_character(struct str value)
{
    uint32_t code;
    return value.len > 0 && utf8_next(value, &code) == value.len;
}

static bool is_action(struct str value)
{
    return str_eq(value, STR("DropRecord")) || str_eq(value, STR("DropDataset"));
}

static const struct {
    struct str property;
    bool (*fits)(struct str value);
    const char *wanted;
} value_rules[] = {
    {STR("MASK_LENGTH"), is_count, "a whole number above 0"},
    {STR("TRUNCATE_LENGTH"), is_count, "a whole number above 0"},
    {STR("MASK_VALUE"), is_character, "one character"},
    {STR("VALIDATION_ACTION"), is_action, "DropRecord or DropDataset"},
};

const char *task_property_fault(struct str property, struct str value)
{
    for (size_t i = 0; i < sizeof(value_rules) / sizeof(*value_rules); i++) {
        if (str_eq(value_rules[i].property, property))
            return value_rules[i].fits(value) ? NULL : value_rules[i].wanted;
    }
    return NULL;
}

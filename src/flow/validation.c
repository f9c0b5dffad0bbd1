/* Each rule judges what it is about alone, so that several can be put together. */
#include "flow/validation.h"

static const struct {
    struct str name;
    const char *words;
} rules[] = {
    [VALID_NON_NULL] = {STR("VALIDATE_NON_NULL"), "is null or empty"},
    [VALID_NON_ZERO] = {STR("VALIDATE_NON_ZERO"), "is zero"},
    [VALID_NON_NEGATIVE] = {STR("VALIDATE_NON_NEGATIVE"), "is below zero"},
    [VALID_NUMERIC] = {STR("VALIDATE_NUMERIC"), "is no number"},
};

struct validation validation_of(const struct value *task, struct str operator_name, size_t number)
{
    struct str action = value_text(value_get(task, "taskProperties"), "VALIDATION_ACTION");
    struct validation validation = {
        .field = value_get(task, "sourceFields")->items[0]->text,
        .ends_run = str_eq(action, STR("DropDataset")),
        .task = number,
    };
    while (validation.rule < VALID_NUMERIC && !str_eq(rules[validation.rule].name, operator_name))
        validation.rule++;
    return validation;
}

bool validation_holds(const struct validation *validation, const struct record_cell *cell)
{
    struct decimal number;
    if (cell_is_missing(cell))
        return validation->rule != VALID_NON_NULL;
    if (validation->rule == VALID_NON_NULL)
        return true;
    bool is_number = cell_number(cell, &number);
    if (validation->rule == VALID_NUMERIC)
        return is_number;
    return !is_number ||
           (validation->rule == VALID_NON_ZERO ? number.count > 0 : !number.is_negative);
}

const char *validation_words(enum validation_rule rule)
{
    return rules[rule].words;
}

/* The lists of filters' operators. */
#include "connector/filter_operators.h"

const char *const filter_texts[3] = {"CONTAINS", "EQUAL_TO", "NOT_EQUAL_TO"};
const char *const filter_numbers[6] = {"NOT_EQUAL_TO", "EQUAL_TO",
                                       "LESS_THAN",    "LESS_THAN_OR_EQUAL_TO",
                                       "GREATER_THAN", "GREATER_THAN_OR_EQUAL_TO"};
const char *const filter_times[6] = {
    "EQUAL_TO", "LESS_THAN", "LESS_THAN_OR_EQUAL_TO", "GREATER_THAN", "GREATER_THAN_OR_EQUAL_TO",
    "BETWEEN"};
const char *const filter_equal[2] = {"EQUAL_TO", "NOT_EQUAL_TO"};
const char *const filter_true_or_false[2] = {"true", "false"};

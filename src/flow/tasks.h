/* A definition's tasks: each by its rule, and what they are together. */
#pragma once

#include "flow/checking.h"

/* After flow_ends_check. */
void flow_tasks_check(struct flow_checking *checking);

/* A property that lists fields: a JSON list of texts, or names between commas. In the arena. False
 * for what is neither. */
_must_use_ bool flow_field_list(struct str text, struct arena *arena, struct str **ret_fields,
                                size_t *ret_count);

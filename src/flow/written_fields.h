/* The fields of the destination that a definition's tasks write. */
#pragma once

#include "base/arena.h"
#include "wire/value.h"

struct written_fields {
    bool any;          /* a task writes fields that are not named: Map_all, Passthrough */
    struct str *names; /* sorted; of Map tasks, and of others whose result is mapped no further */
    size_t count;
    struct str *mapped; /* sorted; what Map tasks take */
    size_t mapped_count;
};

/* Whether the task makes a field that later tasks may take: Merge, Arithmetic. */
bool task_makes_field(const struct value *task);

/* Read once a definition, since up to FLOW_TASKS_MAX tasks may each name fields. In the arena. */
void written_fields_read(const struct value *tasks, struct arena *arena,
                         struct written_fields *ret_fields);

/* The field that the task itself writes; STR_NULL: none. */
struct str written_fields_by(const struct written_fields *fields, const struct value *task);

bool written_fields_have(const struct written_fields *fields, struct str name);

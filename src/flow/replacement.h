/* Replacing a flow's definition: what may not change, and what follows from the change. */
#pragma once

#include "flow/checking.h"

/* What is stored of the flow. */
struct flow_current {
    const struct flow_row *row;
    const struct value *definition; /* row->definition, read without a shape */
    const struct value *summary;    /* row->summary, likewise */
};

/* Collects the ends that would become others. After flow_ends_check. */
void flow_replacement_check(struct flow_checking *checking, const struct flow_current *current);

/* The version of what is written: one more where mappings, types of fields or partitions change
 * (model, DescribeFlowResponse, schemaVersion). */
int64_t flow_schema_version(const struct flow_definition *definition,
                            const struct flow_current *current, struct arena *arena);

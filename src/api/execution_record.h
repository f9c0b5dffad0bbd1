/* Runs in the API's forms. */
#pragma once

#include "store/flow_runs.h"
#include "wire/value.h"

/* ExecutionRecord */
struct value *execution_record(struct arena *arena, const struct flow_run_row *run);

/* A list of MetadataCatalogDetail; NULL: the run was not registered in a data catalog. */
struct value *execution_tables(struct arena *arena, const struct flow_run_row *run);

/* ExecutionDetails: what a flow shows of its newest run. */
struct value *execution_details(struct arena *arena, const struct flow_run_row *run);

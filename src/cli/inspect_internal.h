/* The inside of `headgate check`, for the files that look at stored data. */
#pragma once

#include "base/arena.h"
#include "cli/inspect.h"

struct inspection {
    struct store_check *inspection;
    struct store_reader *reader;
    struct arena arena; /* for a page of rows */
    struct error *error;
};

/* Where the next page begins; outlives the arena of the page. */
struct cursor {
    char account[64], region[64], name[2048];
};

void inspect_problem(struct inspection *look, struct str text);

/* Registered connectors, tags, and jobs that keep copies of secrets. */
_must_use_ bool inspect_connectors(struct inspection *look);
/* Definitions of flows. */
_must_use_ bool inspect_flows(struct inspection *look);
/* Their runs, and the jobs of these. */
_must_use_ bool inspect_flow_runs(struct inspection *look);
/* Their schedules, and the jobs of these. */
_must_use_ bool inspect_schedules(struct inspection *look);

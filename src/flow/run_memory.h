/* The memory of a run: one limit, whatever the run moves, and what each of its parts may take of
 * it. A part's own limit is where it is kept; here they meet, so that one which is raised either
 * fits or does not compile. A run whose records are of the usual sizes takes a tenth of it. */
#pragma once

enum { FLOW_RUN_MEMORY_MAX = 64 * 1024 * 1024 };

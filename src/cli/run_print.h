/* Runs of flows for people, and as JSON. */
#pragma once

#include "base/arena.h"
#include "wire/value.h"

/* "Successful", "Error" or "Canceled". */
bool run_has_ended(const struct value *record);

/* One ExecutionRecord: a line, why it failed, and the tables that it was registered in. */
void run_print(struct arena *arena, const struct value *record);
/* The API's ExecutionRecord in one line. */
void run_print_json(struct arena *arena, const struct value *record);

/* A table. */
void runs_print(struct arena *arena, const struct value *const *records, size_t count);

/* Commands that look at, or take from, what a data directory holds: opened, done, closed again. */
#pragma once

#include "cli/management.h"
#include "cli/options.h"
#include "store/core/store.h"

/* Prints something of the store. */
typedef bool data_show_fn(const struct options *options, struct store_reader *reader,
                          struct arena *arena, struct error *error);

/* Both fail, with a sentence on standard error, where there is no Headgate data yet. They return
 * the command's exit code. What a change removes is gone from the files when it returns. */
int data_show(const struct options *options, data_show_fn *show);
/* Carries out what `plan` makes of the options and of what is stored; it has a row in the audit. */
typedef bool data_plan_fn(const struct options *options, struct store_reader *reader,
                          struct arena *arena, struct management_action *ret_action,
                          struct error *error);
int data_change(const struct options *options, data_plan_fn *plan);

/* The states of a run, and what leads from one to the next: one table, so that no other place says
 * it. Names are the API's ExecutionStatus. */
#pragma once

#include "base/str.h"

#include <stdbool.h>

enum run_state {
    RUN_IN_PROGRESS,
    RUN_CANCEL_STARTED,
    RUN_SUCCESSFUL,
    RUN_ERROR,
    RUN_CANCELED,
    RUN_STATES,
};

enum run_event {
    RUN_CANCEL,   /* CancelFlowExecutions asks for it */
    RUN_SUCCEEDS, /* all of it is written */
    RUN_FAILS,
    RUN_GIVES_UP, /* it has seen that it is to be canceled */
    RUN_EVENTS,
};

struct str run_state_name(enum run_state state);
bool run_state_read(struct str name, enum run_state *ret_state);

/* Nothing leads out of it: the run has ended. */
bool run_state_is_last(enum run_state state);

/* False: the event cannot happen in this state. */
bool run_state_next(enum run_state state, enum run_event event, enum run_state *ret_next);

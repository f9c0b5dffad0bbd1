/* The table. A run that is being canceled ends as Canceled whatever comes first, as the User Guide
 * says ("Managing flows"): what it has written by then stays. */
#include "flow/run_state.h"

static const struct str names[RUN_STATES] = {
    [RUN_IN_PROGRESS] = STR("InProgress"), [RUN_CANCEL_STARTED] = STR("CancelStarted"),
    [RUN_SUCCESSFUL] = STR("Successful"),  [RUN_ERROR] = STR("Error"),
    [RUN_CANCELED] = STR("Canceled"),
};

enum { NONE = RUN_STATES }; /* no state: the event cannot happen */

static const unsigned char table[RUN_STATES][RUN_EVENTS] = {
    [RUN_IN_PROGRESS] = {[RUN_CANCEL] = RUN_CANCEL_STARTED,
                         [RUN_SUCCEEDS] = RUN_SUCCESSFUL,
                         [RUN_FAILS] = RUN_ERROR,
                         [RUN_GIVES_UP] = NONE},
    [RUN_CANCEL_STARTED] = {[RUN_CANCEL] = RUN_CANCEL_STARTED,
                            [RUN_SUCCEEDS] = RUN_CANCELED,
                            [RUN_FAILS] = RUN_CANCELED,
                            [RUN_GIVES_UP] = RUN_CANCELED},
    [RUN_SUCCESSFUL] = {NONE, NONE, NONE, NONE},
    [RUN_ERROR] = {NONE, NONE, NONE, NONE},
    [RUN_CANCELED] = {NONE, NONE, NONE, NONE},
};

struct str run_state_name(enum run_state state)
{
    return names[state];
}

bool run_state_read(struct str name, enum run_state *ret_state)
{
    for (int i = 0; i < RUN_STATES; i++) {
        if (str_eq(names[i], name)) {
            *ret_state = (enum run_state)i;
            return true;
        }
    }
    return false;
}

bool run_state_is_last(enum run_state state)
{
    return state != RUN_IN_PROGRESS && state != RUN_CANCEL_STARTED;
}

bool run_state_next(enum run_state state, enum run_event event, enum run_state *ret_next)
{
    unsigned next = table[state][event];
    if (next == NONE)
        return false;
    *ret_next = (enum run_state)next;
    return true;
}

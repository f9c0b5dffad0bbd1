/* Which hosts a change is going to call, before it is worked on. */
#pragma once

#include "service/call.h"

/* The scheme, host and port of each place that its configuration sends credentials to, a line each,
 * in the call's arena; STR_NULL when it calls nobody. Changes whose input does not tell (only the
 * stored profile does) have one line in common. Reads nothing but the call's input, so it may stand
 * on an event loop. */
struct str call_hosts(const struct call *call);

/* The two ends of a flow: which connectors, by whose credentials, and whether records may go from
 * the one to the other. */
#pragma once

#include "flow/checking.h"

/* Collects the faults of source and destination, and finds what their registered connectors
 * declare. False, with an error, when something could not be looked up. Waits for the store. */
_must_use_ bool flow_ends_check(struct flow_checking *checking);

/* Whether a list of texts, or NULL, has this one. */
bool flow_has_text(const struct value *list, struct str text);

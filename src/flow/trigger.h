/* What starts a flow: whether its ends permit it, and how often. */
#pragma once

#include "flow/checking.h"

/* After flow_ends_check. */
void flow_trigger_check(struct flow_checking *checking);

/* Whether the flow moves documents, which have rules of their own. */
bool flow_is_of_documents(const struct flow_definition *definition);

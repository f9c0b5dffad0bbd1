/* The steps of the demonstration that move data: a flow from the Salesforce profile to files. */
#pragma once

#include "cli/demo_step.h"

#define DEMO_FLOW "demo-accounts"

/* Shows the steps; DEMO_PROFILE is there. `objects`: the folder in which the sandbox's S3 keeps its
 * buckets. */
_must_use_ bool demo_flow_steps(struct demo *demo, const char *objects);

/* Deletes the flow of an earlier demonstration, if there is one. */
_must_use_ bool demo_flow_delete(struct demo *demo);

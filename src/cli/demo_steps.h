/* What the demonstration shows. */
#pragma once

#include "base/error.h"
#include "cli/api_client.h"
#include "sandbox/sandbox.h"

#define DEMO_PROFILE "demo-salesforce"

/* Runs the steps, a line each on standard output; false at the first that does not go as it must.
 */
_must_use_ bool demo_steps(struct api_client *api, const struct sandbox *sandbox,
                           struct error *error);

/* What the demonstration shows. */
#pragma once

#include "base/error.h"
#include "cli/demo_step.h"
#include "sandbox/sandbox.h"

/* Runs the steps, a line each on standard output; false at the first that does not go as it must.
 * `objects`: the folder in which the sandbox's S3 keeps its buckets. */
_must_use_ bool demo_steps(struct api_client *api, const struct sandbox *sandbox,
                           const char *objects, struct error *error);
/* A link on which a person authorizes for the steps' profile, in the arena. */
_must_use_ bool demo_link(struct api_client *api, struct arena *arena, struct str *ret_link,
                          struct error *error);

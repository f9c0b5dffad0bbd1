/* What `headgate flow runs NAME --manifest` prints. */
#pragma once

#include "cli/flow_request.h"

/* Of the run with this id, or of the newest (STR_NULL): what it read, wrote and left out, or the
 * answer's JSON with all of its objects, one a line. The command's exit code. */
int run_manifest_show(struct flow_request *request, struct str run, bool json);

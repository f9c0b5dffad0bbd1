/* What `headgate profile verify` prints of an answer, and the exit code that it comes to. */
#pragma once

#include "cli/api_client.h"
#include "cli/command.h"

/* To standard output; what the server refused without asking the vendor goes to standard error.
 * EXIT_OK: the vendor accepts the credentials. EXIT_FAILED: it does not, or the request is refused.
 * EXIT_UNDECIDED: it could not be asked, or did not say. */
int profile_report_print(struct arena *arena, struct str name, const struct api_answer *answer,
                         bool json);

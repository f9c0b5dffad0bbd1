/* A process that runs the keyring command for a server which may not start programs any more
 * (cli/harden.h). It is started before the server's threads and filters, holds no key between two
 * requests, and ends when the server does. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/* Starts it for this process, which has no threads yet; keyrings that come from `command` are then
 * read through it. ERR_UNAVAILABLE. */
_must_use_ bool keyring_helper_start(const char *command, struct error *error);
/* Ends it, and waits until it has ended. Nothing happens when there is none. */
void keyring_helper_stop(void);

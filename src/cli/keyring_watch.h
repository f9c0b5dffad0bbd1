/* What a running server does about its keyring: a thread that notices a changed file and a new key
 * in use, and answers the questions of `headgate key` (api/key_state.h). */
#pragma once

#include "cli/data_dir.h"

struct keyring_watch;

/* `data` must outlive it. The watch must be stopped also after a failure. */
_must_use_ bool keyring_watch_start(struct data_dir *data, struct keyring_watch **ret_watch,
                                    struct error *error);
void keyring_watch_stop(struct keyring_watch *watch); /* NULL is fine */

/* Reads the keyring again at once (SIGHUP), and logs what came of it. */
void keyring_watch_reload(struct keyring_watch *watch);

/* Where the server's own secrets are among its files, and the directories that references may name.
 */
#pragma once

#include "base/error.h"
#include "cli/options.h"

#include <stddef.h>

enum { SECRET_PATHS_MAX = 5 };

/* The paths of --config, --data, --keyring, --tls-key and --webhook-secret, as far as they are
 * given: in the file of
 * the options the store's URL may have a password. Returns their number. */
size_t secret_paths(const struct options *options, const char *ret_paths[SECRET_PATHS_MAX]);

/* The directory of a rule of --reference, ACCOUNT=file:/DIRECTORY; NULL: it is of another kind. */
const char *secret_paths_of_rule(const char *rule);

/* ERR_VALIDATION when a rule of --reference allows an account a directory that holds the server's
 * own secrets, or is within one that does. Symbolic links count as what they lead to now. */
_must_use_ bool secret_paths_check(const struct options *options, struct error *error);

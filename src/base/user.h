/* Users of the system, by name. */
#pragma once

#include <sys/types.h>

enum { USER_NAME_SIZE = 64 };

/* The user's name in the form that sudo -u takes: "headgate", or "#999" when it has none. Returns
 * `out`. */
const char *user_name(uid_t id, char out[USER_NAME_SIZE]);

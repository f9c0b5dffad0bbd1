/* Looks a user up in the system's databases (passwd, and what nsswitch.conf adds). */
#include "base/user.h"

#include <pwd.h>
#include <stdio.h>

const char *user_name(uid_t id, char out[USER_NAME_SIZE])
{
    struct passwd entry, *found = NULL;
    char text[1024];
    int rc = getpwuid_r(id, &entry, text, sizeof(text), &found);
    if (rc == 0 && found)
        snprintf(out, USER_NAME_SIZE, "%s", entry.pw_name);
    else
        snprintf(out, USER_NAME_SIZE, "#%u", (unsigned)id);
    return out;
}

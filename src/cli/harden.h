/* What a server gives up for good before it serves, so that a fault in it is worth less to an
 * attacker: the same ground as the restrictions of packaging/headgate.service, for servers that no
 * systemd starts. Two mechanisms of Linux, each of which a kernel or a container may not have:
 *
 *   Landlock   files are created, written and removed in a few directories only;
 *   seccomp    system calls that a server never makes are refused with EPERM: other programs,
 *              namespaces, mounts, kernel modules, other processes' memory, other network
 *              families, memory that is writable and executable.
 *
 * Both hold for all threads and children until the process ends, and neither needs privileges: they
 * rest on PR_SET_NO_NEW_PRIVS, which is set with them. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum hardening {
    HARDENING_ON,       /* as far as the kernel permits it */
    HARDENING_REQUIRED, /* or the server does not start */
    HARDENING_OFF,
};

bool hardening_from(const char *text, enum hardening *ret_hardening); /* "on", "required", "off" */

/* Files outside of these directories, which must exist, can be read and no longer written. Call
 * before the first thread is started: the kernel restricts the calling thread and those that it
 * starts. False, with nothing changed but PR_SET_NO_NEW_PRIVS: the kernel has no Landlock (Linux
 * 5.13), or a directory cannot be opened. */
_must_use_ bool harden_writes(const char *const directories[], size_t count, struct error *error);

/* Refuses the system calls above to all threads. Call when the process has started what it needs
 * other programs for. False, with nothing changed: the kernel has no filter for system calls. */
_must_use_ bool harden_calls(struct error *error);

/* A secret in memory: locked, left out of core dumps, wiped at its end, compared in constant time.
 * It is opaque and has no way to be printed or encoded; only auth/, wire/sigv4, vault/ and
 * store/pg_server open it. */
#pragma once

#include "base/cleanup.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct secret;

/* Once, before threads: no core dumps (RLIMIT_CORE, PR_SET_DUMPABLE) and a locked heap for secrets.
 * Without the right to lock memory the process goes on and a line in the log says so. Afterwards
 * /proc/PID/environ, maps, mem and the like can be read by root only. */
void secret_init(void);

struct secret *secret_new(struct str bytes); /* copies */
struct secret *secret_random(size_t size);
void secret_free(struct secret *secret);               /* wipes; NULL is fine */
struct str secret_reveal(const struct secret *secret); /* valid while the secret is; NUL follows */

/* Memory of the same kind for key material that changes in place. Zeroed; wiped when given back. */
void *secret_alloc(size_t size);
void secret_dealloc(void *memory, size_t size); /* NULL is fine */

static inline void secret_free_at(struct secret **secret)
{
    secret_free(*secret);
}
#define _cleanup_secret_ _cleanup_(secret_free_at)

/* Constant time for equal lengths. */
bool secret_bytes_eq(struct str a, struct str b);

/* Roles that are used again and again: each is assumed once for most of the time that its temporary
 * credentials last. */
#pragma once

#include "auth/aws_role.h"

enum {
    AWS_ROLES_KEPT = 32,            /* the one that was assumed first is replaced */
    AWS_ROLE_SPARE_MS = 120 * 1000, /* credentials that end sooner are not used any more */
};

/* Thread-safe. */
struct aws_role_cache;
struct aws_role_cache *aws_role_cache_new(void);
void aws_role_cache_free(struct aws_role_cache *cache); /* NULL is fine */

/* As aws_role_assume, without a call where the cache has the role. Two callers that find none may
 * both assume it. */
_must_use_ bool aws_role_get(struct aws_role_cache *cache, const struct aws_access *access,
                             struct str url, struct str region, struct str role_arn,
                             int64_t deadline_ms, struct arena *arena, struct aws_role *ret_role,
                             struct error *error);

/* After AWS refused its credentials: the next caller assumes it anew. */
void aws_role_forget(struct aws_role_cache *cache, struct str role_arn);

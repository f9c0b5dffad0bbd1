/* Fair shares of something bounded, by key (an account, a client's address): each may have as much
 * as it leaves free. One key holds at most 1/2, a second 1/4, and so on, so another one always
 * finds something; no share has to be configured.
 *
 * A key takes memory while it holds something, so there are never more keys than what is bounded.
 * Not thread-safe. */
#pragma once

#include "base/map.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* How many more one may take that has `has`, while `free` are left: it stops when it has as many
 * as are free. */
static inline size_t share_left(size_t has, size_t free)
{
    return has < free ? (free - has + 1) / 2 : 0;
}

/* Stands first in a share's items. */
struct share_key {
    struct map_link link; /* first, so that one pointer is both */
    size_t has;           /* 1 at least */
};

/* All zeros but for these: nothing is taken. */
struct keyed_share {
    size_t size;      /* of all shares together */
    size_t most;      /* for one key, instead of what it leaves free; 0: what it leaves free */
    size_t item_size; /* of what begins with a key, made of zeros; 0: nothing more */
    size_t taken;
    struct map keys;
};

/* The key's one more, which share_give gives back. NULL: it has its share. `name` is copied. */
struct share_key *share_take(struct keyed_share *share, struct str name);
/* The same whatever its share is: the caller has decided. */
struct share_key *share_add(struct keyed_share *share, struct str name);
struct share_key *share_find(const struct keyed_share *share, struct str name); /* or NULL */
void share_give(struct keyed_share *share, struct share_key *key);

void share_done(struct keyed_share *share); /* when all was given back */

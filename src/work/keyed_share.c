/* A map of counters: a key has one while it holds something, and is removed at zero. */
#include "work/keyed_share.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct share_key *key_new(struct keyed_share *share, struct str name)
{
    size_t size = share->item_size > 0 ? share->item_size : sizeof(struct share_key);
    char *memory = xcalloc(1, size + name.len);
    struct share_key *key = (void *)memory;
    if (name.len > 0)
        memcpy(memory + size, name.data, name.len);
    key->link.name = (struct str){memory + size, name.len};
    map_add(&share->keys, &key->link);
    return key;
}

static bool may_take(const struct keyed_share *share, const struct share_key *key)
{
    size_t has = key ? key->has : 0;
    if (share->most > 0)
        return has < share->most;
    return share->taken < share->size && share_left(has, share->size - share->taken) > 0;
}

struct share_key *share_find(const struct keyed_share *share, struct str name)
{
    return (struct share_key *)map_find(&share->keys, name);
}

static struct share_key *take(struct keyed_share *share, struct share_key *key, struct str name)
{
    if (!key)
        key = key_new(share, name);
    key->has++;
    share->taken++;
    return key;
}

struct share_key *share_take(struct keyed_share *share, struct str name)
{
    struct share_key *key = share_find(share, name);
    return may_take(share, key) ? take(share, key, name) : NULL;
}

struct share_key *share_add(struct keyed_share *share, struct str name)
{
    return take(share, share_find(share, name), name);
}

void share_give(struct keyed_share *share, struct share_key *key)
{
    assert(key->has > 0 && share->taken >= key->has);
    share->taken--;
    if (--key->has > 0)
        return;
    map_remove(&share->keys, &key->link);
    free(key);
}

void share_done(struct keyed_share *share)
{
    map_done(&share->keys);
}

/* A hash map from texts to items that contain its links; it grows with what it holds. The hash is
 * keyed (base/hash.h), so names that a client chooses cannot be made to collide. */
#pragma once

#include "base/str.h"

#include <stdint.h>

/* A member of each item. */
struct map_link {
    struct map_link *next; /* in its bucket */
    uint64_t hash;
    struct str name; /* the item's; must stay as it is while the item is in the map */
};

/* An empty map is all zeros. Not locked: its owner does that. */
struct map {
    struct map_link **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;        /* of items */
};

struct map_link *map_find(const struct map *map, struct str name); /* NULL: there is none */

/* `link->name` is set, and no item of the map has it. */
void map_add(struct map *map, struct map_link *link);
/* The same two for a name whose hash_text() the caller has: a look-up and what is added after it
 * need it once. */
struct map_link *map_find_hashed(const struct map *map, struct str name, uint64_t hash);
void map_add_hashed(struct map *map, struct map_link *link, uint64_t hash);
void map_remove(struct map *map, struct map_link *link); /* it must be there */

/* Frees the map's own memory; the items are their owner's. */
void map_done(struct map *map);

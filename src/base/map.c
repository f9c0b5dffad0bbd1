/* Chains in an array of buckets that doubles when there are as many items as buckets. */
#include "base/map.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>

enum { BUCKETS_FIRST = 16 };

static struct map_link **bucket_of(const struct map *map, uint64_t hash)
{
    return &map->buckets[hash & (map->bucket_count - 1)];
}

struct map_link *map_find(const struct map *map, struct str name)
{
    return map->count > 0 ? map_find_hashed(map, name, hash_text(name)) : NULL;
}

struct map_link *map_find_hashed(const struct map *map, struct str name, uint64_t hash)
{
    if (map->count == 0)
        return NULL;
    struct map_link *link = *bucket_of(map, hash);
    while (link && (link->hash != hash || !str_eq(link->name, name)))
        link = link->next;
    return link;
}

static void push(struct map *map, struct map_link *link)
{
    struct map_link **bucket = bucket_of(map, link->hash);
    link->next = *bucket;
    *bucket = link;
}

static void grow(struct map *map)
{
    struct map old = *map;
    map->bucket_count = old.bucket_count ? old.bucket_count * 2 : BUCKETS_FIRST;
    map->buckets = xcalloc(map->bucket_count, sizeof(struct map_link *));
    for (size_t i = 0; i < old.bucket_count; i++) {
        for (struct map_link *link = old.buckets[i], *next; link; link = next) {
            next = link->next;
            push(map, link);
        }
    }
    free(old.buckets);
}

void map_add(struct map *map, struct map_link *link)
{
    map_add_hashed(map, link, hash_text(link->name));
}

void map_add_hashed(struct map *map, struct map_link *link, uint64_t hash)
{
    if (map->count == map->bucket_count)
        grow(map);
    link->hash = hash;
    push(map, link);
    map->count++;
    assert(map->count <= map->bucket_count);
}

void map_remove(struct map *map, struct map_link *link)
{
    assert(map->count > 0);
    struct map_link **at = bucket_of(map, link->hash);
    while (*at != link) {
        assert(*at); /* else it is in no chain */
        at = &(*at)->next;
    }
    *at = link->next;
    map->count--;
}

void map_done(struct map *map)
{
    free(map->buckets);
    *map = (struct map){0};
}

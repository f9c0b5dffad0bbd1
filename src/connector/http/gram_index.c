/* Chained buckets; positions with the same gram hang from the first of them, so that a text that
 * repeats itself makes no chain longer. */
#include "connector/http/gram_index.h"

#include "base/hash.h"

#include <assert.h>
#include <string.h>

enum { BUCKET_BITS_MIN = 8, BITS = 64 };

static uint64_t load(const char *gram)
{
    uint64_t value;
    static_assert(sizeof(value) == GRAM_LEN, "a gram is one word");
    memcpy(&value, gram, sizeof(value));
    return value;
}

static uint32_t *bucket_of(const struct gram_index *index, uint64_t gram)
{
    return &index->buckets[gram * index->factor >> index->shift];
}

/* The first position with this gram, plus one. */
static uint32_t find(const struct gram_index *index, uint64_t gram)
{
    uint32_t at = *bucket_of(index, gram);
    while (at != 0 && load(index->text.data + at - 1) != gram)
        at = index->next_other[at - 1];
    return at;
}

static void add(struct gram_index *index, uint32_t at)
{
    uint64_t gram = load(index->text.data + at - 1);
    uint32_t same = find(index, gram);
    if (same != 0) {
        index->next_same[at - 1] = index->next_same[same - 1];
        index->next_same[same - 1] = at;
        return;
    }
    uint32_t *bucket = bucket_of(index, gram);
    index->next_other[at - 1] = *bucket;
    *bucket = at;
}

void gram_index_make(struct arena *arena, struct str text, struct gram_index *ret_index)
{
    unsigned bits = BUCKET_BITS_MIN;
    assert(text.len < UINT32_MAX);
    while ((size_t)1 << bits < text.len)
        bits++;
    struct gram_index index = {
        .text = text,
        .buckets = arena_array(arena, uint32_t, (size_t)1 << bits),
        .next_other = arena_array(arena, uint32_t, text.len),
        .next_same = arena_array(arena, uint32_t, text.len),
        .shift = BITS - bits,
        .factor = hash_text(STR("grams")) | 1,
    };
    for (size_t at = 1; at + GRAM_LEN <= text.len + 1; at++)
        add(&index, (uint32_t)at);
    *ret_index = index;
}

bool gram_index_has(const struct gram_index *index, const char *gram)
{
    return find(index, load(gram)) != 0;
}

void gram_index_mark(const struct gram_index *index, const char *gram, unsigned char mark,
                     unsigned char *marks)
{
    uint32_t first = find(index, load(gram));
    if (first == 0 || marks[first - 1] & mark)
        return; /* all of them are marked */
    for (uint32_t at = first; at != 0; at = index->next_same[at - 1])
        marks[at - 1] |= mark;
}

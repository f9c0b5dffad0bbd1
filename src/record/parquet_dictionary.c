/* A table with open addressing, at most half full. Its hash is fast, not keyed, and the same in
 * every process: which values are added twice is part of the file, and the file is a function of
 * its records alone. */
#include "record/parquet_dictionary.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

enum { SLOTS_FIRST = 256, INDEX_BITS = 16, TEXT_LEN_BYTES = 4 };

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load(const unsigned char *at, size_t len)
{
    uint64_t value = 0;
    memcpy(&value, at, len);
    return value;
}

static uint64_t hash_of(const unsigned char *value, size_t len)
{
    const uint64_t odd = 0x9e3779b97f4a7c15U;
    uint64_t hash = len + 1;
    if (len < 8)
        return mix(hash ^ load(value, len) << 8, odd);
    for (size_t at = 0; at + 8 < len; at += 8)
        hash = mix(hash ^ load(value + at, 8), odd);
    return mix(hash ^ load(value + len - 8, 8), odd);
}

const unsigned char *parquet_dictionary_value(const struct parquet_dictionary *dictionary,
                                              uint16_t index, size_t *ret_len)
{
    const unsigned char *value = dictionary->values.data + dictionary->starts[index];
    uint32_t len;
    *ret_len = dictionary->width;
    if (dictionary->width == 0) {
        memcpy(&len, value, sizeof(len));
        *ret_len = TEXT_LEN_BYTES + (size_t)len;
    }
    return value;
}

/* Without its length in front. */
static struct byte_buffer content(const struct parquet_dictionary *dictionary, size_t index)
{
    size_t len, front = dictionary->width == 0 ? TEXT_LEN_BYTES : 0;
    const unsigned char *value = parquet_dictionary_value(dictionary, (uint16_t)index, &len);
    return (struct byte_buffer){.data = (unsigned char *)(uintptr_t)value + front,
                                .len = len - front};
}

/* The slot that has the value, or a free one for it; NULL after PARQUET_PROBES_MAX others. */
static uint32_t *find_slot(const struct parquet_dictionary *dictionary, uint64_t hash,
                           const void *value, size_t len)
{
    size_t mask = dictionary->slot_count - 1, at = (size_t)hash & mask;
    uint32_t tag = (uint32_t)(hash >> 48) << INDEX_BITS;
    for (int probe = 0; probe < PARQUET_PROBES_MAX; probe++, at = (at + 1) & mask) {
        uint32_t *slot = &dictionary->slots[at];
        if (*slot == 0)
            return slot;
        if ((*slot & ~0xffffU) != tag)
            continue;
        struct byte_buffer other = content(dictionary, (*slot & 0xffff) - 1);
        if (other.len == len && (len == 0 || memcmp(other.data, value, len) == 0))
            return slot;
    }
    return NULL;
}

static void set_slot(struct parquet_dictionary *dictionary, uint64_t hash, const void *value,
                     size_t len, size_t index)
{
    uint32_t *slot = find_slot(dictionary, hash, value, len);
    if (slot && *slot == 0)
        *slot = (uint32_t)(hash >> 48) << INDEX_BITS | (uint32_t)(index + 1);
}

static void grow_slots(struct parquet_dictionary *dictionary)
{
    size_t count = dictionary->slot_count ? dictionary->slot_count * 2 : SLOTS_FIRST;
    free(dictionary->slots);
    dictionary->slots = xcalloc(count, sizeof(*dictionary->slots));
    dictionary->slot_count = count;
    for (size_t i = 0; i < dictionary->count; i++) {
        struct byte_buffer value = content(dictionary, i);
        set_slot(dictionary, hash_of(value.data, value.len), value.data, value.len, i);
    }
}

static uint16_t add(struct parquet_dictionary *dictionary, const void *value, size_t len)
{
    size_t index = dictionary->count++;
    uint32_t text_len = (uint32_t)len;
    assert(index < UINT16_MAX);
    if (index == dictionary->starts_cap) {
        dictionary->starts_cap = index ? index * 2 : SLOTS_FIRST / 2;
        dictionary->starts =
            xrealloc(dictionary->starts, dictionary->starts_cap * sizeof(*dictionary->starts));
    }
    dictionary->starts[index] = (uint32_t)dictionary->values.len;
    if (dictionary->width == 0)
        byte_buffer_add(&dictionary->values, &text_len, sizeof(text_len));
    byte_buffer_add(&dictionary->values, value, len);
    return (uint16_t)index;
}

uint16_t parquet_dictionary_put(struct parquet_dictionary *dictionary, const void *value,
                                size_t len, bool *ret_new)
{
    uint64_t hash = hash_of(value, len);
    if (dictionary->count * 2 >= dictionary->slot_count)
        grow_slots(dictionary);
    uint32_t *slot = find_slot(dictionary, hash, value, len);
    *ret_new = !slot || *slot == 0;
    if (!*ret_new)
        return (uint16_t)((*slot & 0xffff) - 1);
    uint16_t index = add(dictionary, value, len);
    if (slot)
        *slot = (uint32_t)(hash >> 48) << INDEX_BITS | (uint32_t)(index + 1);
    return index;
}

void parquet_dictionary_done(struct parquet_dictionary *dictionary)
{
    byte_buffer_done(&dictionary->values);
    free(dictionary->starts);
    free(dictionary->slots);
    *dictionary = (struct parquet_dictionary){.width = dictionary->width};
}

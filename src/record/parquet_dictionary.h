/* The distinct values of a column chunk, each of which pages then name by its index. Values are in
 * the form of the PLAIN encoding already: texts with their length in front, numbers as they are.
 *
 * A look-up takes a bounded time whatever the values are: after PARQUET_PROBES_MAX places in the
 * table that hold others, the value is added once more. Values that were made to collide so make
 * the dictionary larger, which has a limit, and cost no time. */
#pragma once

#include "record/byte_buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A row group is ended (parquet_dictionary_is_full) when a dictionary has this size after a slice
 * of rows, so that it may have the values of a slice more. An index has 16 bits. */
enum {
    PARQUET_DICTIONARY_VALUES = 60000,
    PARQUET_DICTIONARY_BYTES = 4 * 1024 * 1024,
    PARQUET_PROBES_MAX = 32,
};

struct parquet_dictionary {
    size_t width;              /* bytes of each value; 0: texts */
    size_t count;              /* of values */
    struct byte_buffer values; /* as the dictionary's page has them */
    uint32_t *starts;          /* where each begins */
    size_t starts_cap;         /* values that `starts` has memory for */
    uint32_t *slots;           /* 16 bits of the hash, and the index + 1; 0: free */
    size_t slot_count;         /* a power of two, or 0 */
};

/* The index of the value; *ret_new when it was added. Eight bytes from `value` on need not be
 * readable. At most 65,534 values are added. */
uint16_t parquet_dictionary_put(struct parquet_dictionary *dictionary, const void *value,
                                size_t len, bool *ret_new);

/* A value as the PLAIN encoding has it, with its length in front of a text. */
const unsigned char *parquet_dictionary_value(const struct parquet_dictionary *dictionary,
                                              uint16_t index, size_t *ret_len);

static inline bool parquet_dictionary_is_full(const struct parquet_dictionary *dictionary)
{
    return dictionary->count >= PARQUET_DICTIONARY_VALUES ||
           dictionary->values.len >= PARQUET_DICTIONARY_BYTES;
}

/* Bytes of the values, and of what finds them. */
static inline size_t parquet_dictionary_bytes(const struct parquet_dictionary *dictionary)
{
    return dictionary->values.len + dictionary->count * 3 * sizeof(*dictionary->slots);
}

/* Forgets all values and gives the memory back; `width` stays. */
void parquet_dictionary_done(struct parquet_dictionary *dictionary);

/* Names by hash, since a vendor chooses them. */
#include "record/schema.h"

#include "base/hash.h"

#include <assert.h>
#include <string.h>

enum { FIRST_CAPACITY = 32 };

struct named_column {
    struct map_link link;
    int column;
};

static int add_column(struct record_schema *schema, struct str name, uint64_t hash)
{
    if (schema->count == schema->capacity) {
        size_t capacity = schema->capacity ? schema->capacity * 2 : FIRST_CAPACITY;
        struct str *names = arena_array(&schema->memory, struct str, capacity);
        if (schema->count > 0)
            memcpy(names, schema->names, schema->count * sizeof(*names));
        schema->names = names;
        schema->capacity = capacity;
    }
    struct named_column *added = arena_new(&schema->memory, struct named_column);
    added->link.name = arena_copy(&schema->memory, name);
    added->column = (int)schema->count;
    map_add_hashed(&schema->by_name, &added->link, hash);
    schema->names[schema->count++] = added->link.name;
    return added->column;
}

void record_schema_init(struct record_schema *schema, const struct record_columns *columns)
{
    assert(columns->count <= RECORD_COLUMNS_MAX);
    *schema = (struct record_schema){
        .is_open = columns->count == 0,
        .memory = {.kind = ARENA_PLAIN},
    };
    for (size_t i = 0; i < columns->count; i++) {
        uint64_t hash = hash_text(columns->names[i]);
        assert(!map_find_hashed(&schema->by_name, columns->names[i], hash));
        add_column(schema, columns->names[i], hash);
    }
}

void record_schema_done(struct record_schema *schema)
{
    map_done(&schema->by_name);
    arena_done(&schema->memory);
}

int record_schema_find(const struct record_schema *schema, struct str name, uint64_t hash)
{
    const struct map_link *found = map_find_hashed(&schema->by_name, name, hash);
    return found ? ((const struct named_column *)(const void *)found)->column : RECORD_NO_COLUMN;
}

bool record_schema_column(struct record_schema *schema, struct str name, int *ret_column,
                          enum record_fault *ret_fault)
{
    uint64_t hash = hash_text(name);
    *ret_column = record_schema_find(schema, name, hash);
    if (*ret_column != RECORD_NO_COLUMN || !schema->is_open)
        return true;
    bool fits = name.len > 0 && name.len <= RECORD_NAME_MAX;
    *ret_fault = fits ? RECORD_FAULT_COLUMNS : RECORD_FAULT_NAME;
    if (!fits || schema->count == RECORD_COLUMNS_MAX)
        return false;
    *ret_column = add_column(schema, name, hash);
    return true;
}

bool record_schema_widen(const struct record_schema *schema, struct record_batch *batch)
{
    while (batch->column_count < schema->count) {
        if (!record_batch_can_widen(batch))
            return false;
        record_batch_add_column(batch, schema->names[batch->column_count]);
    }
    return true;
}

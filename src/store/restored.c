/* One named value of the store. */
#include "store/restored.h"

#include "store/meta.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME STR("restored-at-ms")
enum { TEXT_SIZE = 24 };

bool restored_note(struct db *db, int64_t at_ms, struct error *error)
{
    char text[TEXT_SIZE];
    snprintf(text, sizeof(text), "%lld", (long long)at_ms);
    return meta_put(db, NAME, str_from(text), error);
}

bool restored_note_once(struct db *db, int64_t since_ms, int64_t at_ms, struct error *error)
{
    struct arena arena = {0};
    struct str text;
    bool ok = meta_read(db, &arena, NAME, &text, error);
    int64_t noted_ms = ok && text.data ? strtoll(arena_cstr(&arena, text), NULL, 10) : 0;
    arena_done(&arena);
    return ok && (noted_ms >= since_ms || restored_note(db, at_ms, error));
}

bool restored_at(struct store *store, int64_t *ret_at_ms, struct error *error)
{
    struct arena arena = {0};
    struct store_reader *reader;
    struct str text = STR_NULL;
    *ret_at_ms = 0;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = meta_get(reader, &arena, NAME, &text, error);
    store_reader_put(store, reader);
    if (ok && text.data)
        *ret_at_ms = strtoll(arena_cstr(&arena, text), NULL, 10);
    arena_done(&arena);
    return ok;
}

/* Any bytes as a JSON text with a list at "/d/results", or in the first item of another one. In
 * pieces, whose length the first byte chooses, it must give the same as in one piece. */
#include "wire/json_items.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct arena arena;
    struct buf items; /* with a line break after each */
    struct buf rest;
    bool read;
};

static void must(bool condition)
{
    if (!condition)
        abort();
}

static bool take(void *context, struct str text)
{
    struct reading *reading = context;
    must(text.len > 0 && text.len <= JSON_ITEMS_ITEM_MAX);
    buf_add(&reading->items, text);
    buf_add_char(&reading->items, '\n');
    return true;
}

static void read_text(struct str text, const char *path, size_t piece, struct reading *ret_reading)
{
    struct json_items items;
    *ret_reading = (struct reading){.arena = {.kind = ARENA_PLAIN}, .read = true};
    ret_reading->items = buf_in(&ret_reading->arena, 16 * 1024 * 1024);
    ret_reading->rest = buf_in(&ret_reading->arena, 16 * 1024 * 1024);
    json_items_init(&items, path, &ret_reading->arena, &ret_reading->rest);
    items.item = take;
    items.context = ret_reading;
    for (size_t at = 0; at < text.len && ret_reading->read; at += piece) {
        size_t len = text.len - at < piece ? text.len - at : piece;
        ret_reading->read = json_items_push(&items, (struct str){text.data + at, len});
    }
    must(ret_reading->read == (items.fault == JSON_ITEMS_NONE));
}

/* What is left of a JSON text is one as well. */
static void check_rest(struct str text, struct reading *reading)
{
    struct value *value;
    if (reading->read && json_parse(text, &reading->arena, &value))
        must(json_parse(buf_str(&reading->rest), &reading->arena, &value));
}

static void check_path(struct str text, const char *path, size_t piece)
{
    struct reading whole, pieces;
    read_text(text, path, text.len, &whole);
    read_text(text, path, piece, &pieces);
    must(whole.read == pieces.read);
    must(str_eq(buf_str(&whole.items), buf_str(&pieces.items)));
    must(str_eq(buf_str(&whole.rest), buf_str(&pieces.rest)));
    check_rest(text, &whole);
    arena_done(&whole.arena);
    arena_done(&pieces.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct str text = {(const char *)data + 1, size - 1};
    check_path(text, "/d/results", 1u + data[0]);
    check_path(text, "/d/0/results", 1u + data[0]);
    return 0;
}

/* Any bytes as a CSV file, read in pieces whose length the first byte chooses: the rows are those
 * of the file in one piece, and no byte is written past a page. */
#include "connector/http/read_piece.h"

#include "base/buf.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS_MAX = 4 * 1024 * 1024 };

static const struct str header = STR("id,at");

static void must(bool condition)
{
    if (!condition)
        abort();
}

/* False: a row is longer than a piece, or the header another one. */
static bool read_file(struct str file, size_t length, struct arena *arena, struct buf *rows)
{
    for (size_t at = 0; at < file.len;) {
        size_t left = file.len - at, len = left < length ? left : length, taken;
        const struct read_piece piece = {
            .csv = {file.data + at, len},
            .is_last = len == left,
            .header = header,
            .null = STR("null"),
            .column = 1,
            .before = STR("2020-01-01T00:00:00"),
            .behind = STR("2020"),
        };
        struct str page;
        if (read_piece_take(&piece, arena, &page, &taken) != PIECE_TAKEN)
            return false;
        must(taken > 0 && taken <= len && page.len <= header.len + 1 + len);
        buf_add(rows, (struct str){page.data + header.len + 1, page.len - header.len - 1});
        at += taken;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {.kind = ARENA_PLAIN};
    if (size < 2)
        return 0;
    struct str file = {(const char *)data + 1, size - 1};
    struct buf whole = buf_in(&arena, ROWS_MAX), pieces = buf_in(&arena, ROWS_MAX);
    must(read_file(file, file.len, &arena, &whole));
    if (read_file(file, 1u + data[0], &arena, &pieces))
        must(str_eq(buf_str(&whole), buf_str(&pieces)));
    arena_done(&arena);
    return 0;
}

/* Values as names of folders. */
#include "flow/partition.h"

#include "record/print.h"

#include <string.h>

/* A folder in the making. */
struct folder_text {
    char bytes[PARTITION_FOLDER_MAX];
    size_t len;
    bool is_full;
};

static void add_bytes(struct folder_text *text, const char *bytes, size_t len)
{
    if (len > sizeof(text->bytes) - text->len) {
        text->is_full = true;
        return;
    }
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
}

/* DuckDB takes '?' for the end of a path, as in a URL. */
static bool is_escaped(unsigned char byte)
{
    enum { DELETE = 0x7f };
    return byte < ' ' || byte == DELETE || byte == '%' || byte == '/' || byte == '\\' ||
           byte == '=' || byte == '?';
}

static void add_escaped(struct folder_text *text, struct str part)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < part.len && !text->is_full; i++) {
        unsigned char byte = (unsigned char)part.data[i];
        const char escape[] = {'%', hex[byte >> 4], hex[byte & 0xf]};
        if (is_escaped(byte))
            add_bytes(text, escape, sizeof(escape));
        else
            add_bytes(text, &part.data[i], 1);
    }
}

bool partition_folder(const struct str *names, const struct record_cell *const *cells, size_t count,
                      struct str before, struct arena *arena, struct str *ret_folder)
{
    struct folder_text text = {.len = 0};
    char space[RECORD_PRINT_MAX];
    for (size_t i = 0; i < count; i++) {
        struct str value = record_print(cells[i], space, arena);
        add_escaped(&text, names[i]);
        add_bytes(&text, "=", 1);
        add_escaped(&text, value.data ? value : STR("null"));
        add_bytes(&text, "/", 1);
    }
    struct str folder = {text.bytes, text.len};
    if (!text.is_full)
        *ret_folder = before.data && str_eq(before, folder) ? before : arena_copy(arena, folder);
    return !text.is_full;
}

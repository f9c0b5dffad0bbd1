/* Both ways between keys and paths. */
#include "sandbox/s3/path.h"

#include "base/encode.h"

#include <string.h>

static const struct str empty_segment = STR("%e");

static bool is_escaped(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7F || byte == '%' || byte == '/';
}

static bool is_dots(struct str name)
{
    return str_eq(name, STR(".")) || str_eq(name, STR(".."));
}

static void add_byte(struct buf *out, unsigned char byte, bool escaped)
{
    if (escaped)
        buf_printf(out, "%%%02X", (unsigned)byte);
    else
        buf_add_char(out, (char)byte);
}

/* As many of the segment's bytes as one name takes; returns how many those are. */
static size_t add_piece(struct buf *out, struct str segment)
{
    size_t start = out->len, used = 0;
    while (used < segment.len && out->len - start + 3 <= KEY_PIECE_MAX) {
        unsigned char byte = (unsigned char)segment.data[used++];
        add_byte(out, byte, is_escaped(byte));
    }
    struct str name = {out->data + start, out->len - start};
    if (is_dots(name)) {
        size_t dots = name.len;
        out->len = start;
        for (size_t i = 0; i < dots; i++)
            add_byte(out, '.', true);
    }
    return used;
}

static void add_segment(struct buf *out, struct str segment)
{
    if (segment.len == 0)
        buf_add(out, empty_segment);
    while (segment.len > 0) {
        size_t used = add_piece(out, segment);
        segment = (struct str){segment.data + used, segment.len - used};
        if (segment.len > 0)
            buf_add_cstr(out, KEY_PIECE_MARK "/");
    }
}

void key_add_path(struct buf *out, struct str key)
{
    struct str segment;
    while (str_cut(key, '/', &segment, &key)) {
        add_segment(out, segment);
        buf_add_char(out, '/');
    }
    add_segment(out, key);
}

/* Only a name that the piece would be given counts: a file that a person put there under another
 * spelling has no key. */
static bool add_decoded(struct buf *key, struct str name)
{
    char text[KEY_PIECE_MAX + 1];
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        int high = -1, low = -1;
        if (name.data[i] == '%' && name.len - i > 2) {
            high = ascii_hex_digit(name.data[i + 1]);
            low = ascii_hex_digit(name.data[i + 2]);
        }
        if (len == KEY_PIECE_MAX || (name.data[i] == '%' && (high < 0 || low < 0)))
            return false;
        text[len++] = low >= 0 ? (char)(high << 4 | low) : name.data[i];
        i += low >= 0 ? 2 : 0;
    }
    struct str piece = {text, len};
    _cleanup_(buf_done) struct buf again = buf_on_heap(KEY_PATH_MAX);
    if (len == 0 || memchr(text, '/', len) || add_piece(&again, piece) != len ||
        !str_eq(buf_str(&again), name))
        return false;
    buf_add(key, piece);
    return true;
}

bool key_add_name(struct buf *key, struct str name, bool is_folder)
{
    struct str mark = is_folder ? STR(KEY_PIECE_MARK) : STR(KEY_FILE_MARK);
    bool marked = str_ends(name, mark);
    if (marked)
        name.len -= mark.len;
    if (marked && is_folder && name.len + 3 <= KEY_PIECE_MAX)
        return false; /* a piece is as long as it can be */
    if (!str_eq(name, empty_segment) && !add_decoded(key, name))
        return false;
    if (is_folder && !marked)
        buf_add_char(key, '/');
    return true;
}

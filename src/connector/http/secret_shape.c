/* Telling random text from words. */
#include "connector/http/secret_shape.h"

enum {
    UUID_LEN = 36,
    PADDING_MAX = 2,  /* "=" at the end of base64 */
    CHANGE_EVERY = 4, /* a secret changes at least once in this many characters */
};

static bool is_change(char a, char b)
{
    if (!ascii_is_alnum(a) || !ascii_is_alnum(b))
        return false;
    return ascii_is_digit(a) != ascii_is_digit(b) || (ascii_is_lower(a) && ascii_is_upper(b));
}

size_t secret_shape_changes(struct str text)
{
    size_t changes = 0;
    for (size_t i = 1; i < text.len; i++)
        changes += is_change(text.data[i - 1], text.data[i]);
    return changes;
}

static bool is_of_token(char c)
{
    return ascii_is_alnum(c) || c == '+' || c == '-' || c == '_';
}

static bool uuid_begins(struct str text)
{
    if (text.len < UUID_LEN || text.data[8] != '-')
        return false;
    for (size_t i = 0; i < UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.data[i] != '-' : ascii_hex_digit(text.data[i]) < 0)
            return false;
    }
    return true;
}

/* Characters of the part that begins here; 0 where none does. */
static size_t part_len(struct str text)
{
    size_t len = 0;
    while (len < text.len && is_of_token(text.data[len]) &&
           !uuid_begins((struct str){text.data + len, text.len - len}))
        len++;
    return len;
}

static size_t padding_len(struct str text)
{
    size_t len = 0;
    while (len < text.len && len < PADDING_MAX && text.data[len] == '=')
        len++;
    return len;
}

bool secret_shape_next(struct str text, size_t *at, struct str *ret_part)
{
    while (*at < text.len) {
        struct str rest = {text.data + *at, text.len - *at};
        size_t len = part_len(rest);
        if (len == 0) {
            *at += uuid_begins(rest) ? UUID_LEN : 1;
            continue;
        }
        struct str part = {rest.data, len};
        len += padding_len((struct str){rest.data + len, rest.len - len});
        *at += len;
        if (part.len >= SECRET_SHAPE_MIN && secret_shape_changes(part) * CHANGE_EVERY >= part.len) {
            *ret_part = (struct str){rest.data, len};
            return true;
        }
    }
    return false;
}

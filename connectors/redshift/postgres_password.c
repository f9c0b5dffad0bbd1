/* SASLprep for passwords: a table instead of Unicode's normalization, of which the characters up to
 * U+00FF need 15 rows. */
#include "connectors/redshift/postgres_password.h"

#include "base/buf.h"
#include "base/encode.h"

enum { GROWTH_MAX = 5 }; /* bytes that a character becomes; it has two */

/* RFC 3454, tables B.1 and C.1.2, and Unicode's compatibility composition (NFKC). */
static const struct {
    const char *from, *to;
} rows[] = {
    {"\u00A0", " "},        {"\u00A8", " \u0308"},  {"\u00AA", "a"},        {"\u00AD", ""},
    {"\u00AF", " \u0304"},  {"\u00B2", "2"},        {"\u00B3", "3"},        {"\u00B4", " \u0301"},
    {"\u00B5", "\u03BC"},   {"\u00B8", " \u0327"},  {"\u00B9", "1"},        {"\u00BA", "o"},
    {"\u00BC", "1\u20444"}, {"\u00BD", "1\u20442"}, {"\u00BE", "3\u20444"},
};

/* RFC 3454, tables C.2.1 and C.2.2 as far as U+00FF; the text is valid UTF-8. */
static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        unsigned char next = i + 1 < text.len ? (unsigned char)text.data[i + 1] : 0;
        if (c < 0x20 || c == 0x7F || (c == 0xC2 && next < 0xA0))
            return true;
    }
    return false;
}

static const char *replacement(const char *character)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rows[i].from[0] == character[0] && rows[i].from[1] == character[1])
            return rows[i].to;
    }
    return NULL;
}

struct str password_prepare(struct arena *arena, struct str password, bool *ret_sure)
{
    struct buf out = buf_in(arena, GROWTH_MAX * password.len);
    *ret_sure = true;
    if (!utf8_is_valid(password) || has_control(password))
        return password;
    for (size_t i = 0; i < password.len; i++) {
        unsigned char c = (unsigned char)password.data[i];
        const char *to = c == 0xC2 ? replacement(password.data + i) : NULL;
        *ret_sure = *ret_sure && c < 0xC4;
        if (to) {
            buf_add_cstr(&out, to);
            i++;
        } else {
            buf_add_char(&out, (char)c);
        }
    }
    return out.len > 0 ? buf_str(&out) : password;
}

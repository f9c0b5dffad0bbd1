/* Text forms of bytes. None of these is meant for comparing secrets. */
#include "base/encode.h"

#include <string.h>

static const char HEX_LOWER[] = "0123456789abcdef";
static const char HEX_UPPER[] = "0123456789ABCDEF";
static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char BASE64URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void encode_hex(const void *bytes, size_t size, char *out)
{
    const unsigned char *in = bytes;
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = HEX_LOWER[in[i] >> 4];
        out[2 * i + 1] = HEX_LOWER[in[i] & 15];
    }
    out[2 * size] = '\0';
}

bool decode_hex(struct str text, void *out, size_t size)
{
    unsigned char *bytes = out;
    if (text.len != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = ascii_hex_digit(text.data[2 * i]);
        int low = ascii_hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static struct str base64_with(struct arena *arena, struct str bytes, const char *digits, bool pad)
{
    char *out = arena_alloc(arena, (bytes.len + 2) / 3 * 4 + 1);
    const unsigned char *in = (const unsigned char *)bytes.data;
    size_t len = 0;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        unsigned group = (unsigned)in[i] << 16;
        group |= left > 1 ? (unsigned)in[i + 1] << 8 : 0;
        group |= left > 2 ? (unsigned)in[i + 2] : 0;
        out[len++] = digits[group >> 18];
        out[len++] = digits[group >> 12 & 63];
        if (left > 1)
            out[len++] = digits[group >> 6 & 63];
        if (left > 2)
            out[len++] = digits[group & 63];
    }
    while (pad && len % 4 != 0)
        out[len++] = '=';
    return (struct str){out, len};
}

struct str encode_base64(struct arena *arena, struct str bytes)
{
    return base64_with(arena, bytes, BASE64, true);
}

struct str encode_base64url(struct arena *arena, struct str bytes)
{
    return base64_with(arena, bytes, BASE64URL, false);
}

static bool unbase64_with(struct arena *arena, struct str text, const char *digits,
                          struct str *ret_bytes)
{
    unsigned char *out = arena_alloc(arena, text.len / 4 * 3 + 3);
    unsigned bits = 0, count = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *digit = text.data[i] ? strchr(digits, text.data[i]) : NULL;
        if (!digit)
            return false;
        bits = (bits << 6 | (unsigned)(digit - digits)) & 0xFFFF;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[len++] = (unsigned char)(bits >> count & 0xFF);
        }
    }
    if (count >= 6 || (bits & ((1U << count) - 1)) != 0)
        return false;
    *ret_bytes = (struct str){(const char *)out, len};
    return true;
}

bool decode_base64(struct arena *arena, struct str text, struct str *ret_bytes)
{
    if (text.len % 4 != 0)
        return false;
    for (int i = 0; i < 2 && text.len > 0 && text.data[text.len - 1] == '='; i++)
        text.len--;
    return unbase64_with(arena, text, BASE64, ret_bytes);
}

bool decode_base64url(struct arena *arena, struct str text, struct str *ret_bytes)
{
    return unbase64_with(arena, text, BASE64URL, ret_bytes);
}

static bool is_unreserved(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void encode_percent(struct buf *out, struct str text, const char *keep)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (is_unreserved(c) || (keep && c != '\0' && strchr(keep, c))) {
            buf_add_char(out, c);
            continue;
        }
        unsigned char byte = (unsigned char)c;
        char escaped[] = {'%', HEX_UPPER[byte >> 4], HEX_UPPER[byte & 15]};
        buf_add(out, (struct str){escaped, sizeof(escaped)});
    }
}

bool decode_percent(struct arena *arena, struct str text, struct str *ret_text)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '%') {
            out[len++] = text.data[i];
            continue;
        }
        if (text.len - i < 3 || !decode_hex((struct str){text.data + i + 1, 2}, out + len, 1))
            return false;
        len++;
        i += 2;
    }
    *ret_text = (struct str){out, len};
    return true;
}

static bool needs_escape(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

static const char *short_escape(char c)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

static const char *html_escape(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void encode_html(struct buf *out, struct str text)
{
    size_t plain = 0; /* start of the run that needs no escape */
    for (size_t i = 0; i < text.len; i++) {
        const char *escape = html_escape(text.data[i]);
        if (!escape)
            continue;
        buf_add(out, (struct str){text.data + plain, i - plain});
        buf_add_cstr(out, escape);
        plain = i + 1;
    }
    buf_add(out, (struct str){text.data ? text.data + plain : "", text.len - plain});
}

void encode_json_string(struct buf *out, struct str text)
{
    size_t plain = 0; /* start of the run that needs no escape */
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (!needs_escape(text.data[i]))
            continue;
        const char *escape = short_escape(text.data[i]);
        buf_add(out, (struct str){text.data + plain, i - plain});
        if (escape)
            buf_add_cstr(out, escape);
        else
            buf_printf(out, "\\u%04x", (unsigned)(unsigned char)text.data[i]);
        plain = i + 1;
    }
    buf_add(out, (struct str){text.data ? text.data + plain : "", text.len - plain});
    buf_add_char(out, '"');
}

/* Length of the character at `s`, 0 when it is none. The bounds on the second byte rule out
 * overlong forms, surrogates and code points past U+10FFFF. */
static size_t utf8_width(const unsigned char *s, size_t left)
{
    unsigned char low = 0x80, high = 0xBF;
    size_t width;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xC2 && s[0] <= 0xDF)
        width = 2;
    else if (s[0] >= 0xE0 && s[0] <= 0xEF)
        width = 3;
    else if (s[0] >= 0xF0 && s[0] <= 0xF4)
        width = 4;
    else
        return 0;
    if (s[0] == 0xE0)
        low = 0xA0;
    else if (s[0] == 0xED)
        high = 0x9F;
    else if (s[0] == 0xF0)
        low = 0x90;
    else if (s[0] == 0xF4)
        high = 0x8F;
    if (left < width || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < width; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    }
    return width;
}

/* How many bytes to take at once, of which the first is ASCII: eight, or one. */
static size_t ascii_run(const unsigned char *s, size_t left)
{
    uint64_t eight;
    if (left < sizeof(eight))
        return 1;
    memcpy(&eight, s, sizeof(eight));
    return eight & 0x8080808080808080 ? 1 : sizeof(eight);
}

bool utf8_is_valid(struct str text)
{
    const unsigned char *s = (const unsigned char *)text.data;
    for (size_t i = 0; i < text.len;) {
        if (s[i] < 0x80) {
            i += ascii_run(s + i, text.len - i);
            continue;
        }
        size_t width = utf8_width(s + i, text.len - i);
        if (width == 0)
            return false;
        i += width;
    }
    return true;
}

size_t utf8_next(struct str text, uint32_t *ret_code)
{
    static const unsigned char first_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    const unsigned char *s = (const unsigned char *)text.data;
    size_t width = text.len > 0 ? utf8_width(s, text.len) : 0;
    if (width == 0)
        return 0;
    uint32_t code = s[0] & first_bits[width];
    for (size_t i = 1; i < width; i++)
        code = code << 6 | (s[i] & 0x3F);
    *ret_code = code;
    return width;
}

struct str utf8_cut(struct str text, size_t most)
{
    if (text.len <= most)
        return text;
    while (most > 0 && ((unsigned char)text.data[most] & 0xC0) == 0x80)
        most--;
    return (struct str){text.data, most};
}

size_t utf8_put(uint32_t code, char *out)
{
    static const unsigned char first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t width = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = width; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(first[width] | code);
    return width;
}

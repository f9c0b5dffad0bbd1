/* Encodings as vendors' servers, frameworks and logs produce them. */
#include "secret_forms.h"

#include "base/buf.h"
#include "base/encode.h"

#include <string.h>

enum { FORM_MAX = 1024 * 1024, WRAP = 16 };

enum step {
    NONE,
    UPPER,
    LOWER,
    SWAP_CASE,
    BASE64,
    BASE64_URL,
    BASE64_BARE,
    BASE64_WRAPPED,
    AFTER_ONE, /* bytes before it shift base64 */
    AFTER_TWO,
    AS_PASSWORD,
    PERCENT,
    PERCENT_LOWER,
    PERCENT_ALL,
    PLUS,
    FORM,
    JSON,
    JSON_SLASH,
    JSON_UNICODE,
    JSON_UNICODE_ALL,
    HTML_NAMED,
    HTML_DECIMAL,
    HTML_HEX,
    HTML_ALL,
    BACKSLASH_X,
    HEX,
    HEX_UPPER,
    HEX_COLONS,
    NO_BREAK,
    DOUBLED,
    ZERO_WIDTH,
    SOFT_HYPHEN,
    NO_HEAD,
    NO_TAIL,
    NO_ENDS,
};

const struct secret_form secret_forms[] = {
    {"plain", {NONE}, false},
    {"upper case", {UPPER}, false},
    {"lower case", {LOWER}, false},
    {"swapped case", {SWAP_CASE}, false},
    {"base64", {BASE64}, false},
    {"base64 without padding", {BASE64_BARE}, false},
    {"base64url", {BASE64_URL}, false},
    {"base64 of user:secret", {AS_PASSWORD, BASE64}, false},
    {"percent", {PERCENT}, false},
    {"percent in small letters", {PERCENT_LOWER}, false},
    {"form", {FORM}, false},
    {"JSON", {JSON}, false},
    {"HTML entities by name", {HTML_NAMED}, false},
    {"HTML entities, decimal", {HTML_DECIMAL}, false},
    {"HTML entities, hexadecimal", {HTML_HEX}, false},
    {"HTML entities for all", {HTML_ALL}, false},
    {"JSON with \\/", {JSON_SLASH}, false},
    {"JSON with \\u003d", {JSON_UNICODE}, false},
    {"JSON with \\u for all", {JSON_UNICODE_ALL}, false},
    {"JSON in JSON", {JSON, JSON}, false},
    {"JSON with \\/ in JSON", {JSON_SLASH, JSON}, false},
    {"JSON of HTML entities", {HTML_NAMED, JSON}, false},
    {"percent for all", {PERCENT_ALL}, false},
    {"percent twice", {PERCENT, PERCENT}, false},
    {"percent for all, twice", {PERCENT_ALL, PERCENT_LOWER}, false},
    {"HTML entities of percent", {PERCENT, HTML_ALL}, false},
    {"+ for a blank", {PLUS}, false},
    {"no-break blanks", {NO_BREAK}, false},
    {"doubled blanks", {DOUBLED}, false},
    {"hex", {HEX}, false},
    {"hex in capital letters", {HEX_UPPER}, false},
    {"hex with colons", {HEX_COLONS}, false},
    {"\\x for all", {BACKSLASH_X}, false},
    {"base64 after one byte", {AFTER_ONE, BASE64}, false},
    {"base64 after two bytes", {AFTER_TWO, BASE64_URL}, false},
    {"base64 in lines", {BASE64_WRAPPED}, false},
    {"base64 in JSON with \\/", {BASE64, JSON_SLASH}, false},
    {"base64 of percent, in a form", {PERCENT, BASE64, FORM}, false},
    {"base64 of JSON", {JSON, AFTER_TWO, BASE64}, false},
    {"zero-width blanks between", {ZERO_WIDTH}, false},
    {"soft hyphens between", {SOFT_HYPHEN}, false},
    {"without its head", {NO_HEAD}, true},
    {"without its tail", {NO_TAIL}, true},
    {"without both ends", {NO_ENDS}, true},
    {"base64 without its tail", {BASE64, NO_TAIL}, true},
    {"percent without its head", {NO_HEAD, PERCENT_ALL}, true},
};
const size_t secret_form_count = sizeof(secret_forms) / sizeof(*secret_forms);

static char swapped(char c)
{
    return ascii_is_lower(c) ? ascii_upper(c) : ascii_lower(c);
}

static const char *entity_name(char c)
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
        return "&apos;";
    default:
        return NULL;
    }
}

static bool is_special(char c)
{
    return entity_name(c) || c == '=' || c == '/';
}

/* One character, which may be a part of a longer one. */
static void add_character(struct buf *out, char c, enum step step)
{
    unsigned byte = (unsigned char)c;
    bool ascii = byte < 0x80;
    if (step == PERCENT_ALL)
        buf_printf(out, "%%%02X", byte);
    else if (step == BACKSLASH_X)
        buf_printf(out, "\\x%02x", byte);
    else if (step == JSON_UNICODE_ALL && ascii)
        buf_printf(out, "\\u%04x", byte);
    else if (step == JSON_UNICODE && is_special(c))
        buf_printf(out, "\\u%04x", byte);
    else if (step == HTML_NAMED && entity_name(c))
        buf_add_cstr(out, entity_name(c));
    else if (step == HTML_DECIMAL && is_special(c))
        buf_printf(out, "&#%u;", byte);
    else if (step == HTML_HEX && is_special(c))
        buf_printf(out, "&#x%x;", byte);
    else if (step == HTML_ALL && ascii)
        buf_printf(out, "&#%03u;", byte);
    else if (step == HEX_COLONS)
        buf_printf(out, "%s%02x", out->len > 0 ? ":" : "", byte);
    else if (step == NO_BREAK && c == ' ')
        buf_add_cstr(out, "\xC2\xA0");
    else if (step == DOUBLED && c == ' ')
        buf_add_cstr(out, "  ");
    else if (step == PLUS && c == ' ')
        buf_add_char(out, '+');
    else
        buf_add_char(out, step == UPPER       ? ascii_upper(c)
                          : step == LOWER     ? ascii_lower(c)
                          : step == SWAP_CASE ? swapped(c)
                                              : c);
    if (step == ZERO_WIDTH && ascii)
        buf_add_cstr(out, "\xE2\x80\x8B");
    if (step == SOFT_HYPHEN && ascii)
        buf_add_cstr(out, "\xC2\xAD");
}

static void add_json(struct buf *out, struct arena *arena, struct str text, bool slash)
{
    struct buf quoted = buf_in(arena, FORM_MAX);
    encode_json_string(&quoted, text);
    for (size_t i = 1; i + 1 < quoted.len; i++) {
        if (slash && quoted.data[i] == '/')
            buf_add_char(out, '\\');
        buf_add_char(out, quoted.data[i]);
    }
}

static void add_percent(struct buf *out, struct arena *arena, struct str text, enum step step)
{
    struct buf encoded = buf_in(arena, FORM_MAX);
    encode_percent(&encoded, text, step == FORM ? " " : NULL);
    for (size_t i = 0; i < encoded.len; i++) {
        bool of_escape =
            (i >= 1 && encoded.data[i - 1] == '%') || (i >= 2 && encoded.data[i - 2] == '%');
        char c = encoded.data[i];
        buf_add_char(out, c == ' ' ? '+' : step == PERCENT_LOWER && of_escape ? ascii_lower(c) : c);
    }
}

static void add_hex(struct buf *out, struct arena *arena, struct str text, bool upper)
{
    char *hex = arena_alloc(arena, 2 * text.len + 1);
    encode_hex(text.data, text.len, hex);
    for (size_t i = 0; i < 2 * text.len; i++)
        buf_add_char(out, upper ? ascii_upper(hex[i]) : hex[i]);
}

static void add_wrapped(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (i > 0 && i % WRAP == 0)
            buf_add_cstr(out, "\r\n");
        buf_add_char(out, text.data[i]);
    }
}

static struct str without(struct str text, size_t head, size_t tail)
{
    return (struct str){text.data + head, text.len - head - tail};
}

/* About a third, so that what is cut begins and ends within letters and digits. */
static size_t cut_of(struct str text)
{
    size_t cut = text.len / 3;
    while (cut > 1 && !(ascii_is_alnum(text.data[cut]) && ascii_is_alnum(text.data[cut - 1]) &&
                        ascii_is_alnum(text.data[text.len - cut]) &&
                        ascii_is_alnum(text.data[text.len - cut - 1])))
        cut--;
    return cut;
}

static bool add_encoded(struct buf *out, struct arena *arena, struct str text, enum step step)
{
    switch (step) {
    case BASE64:
        buf_add(out, encode_base64(arena, text));
        return true;
    case BASE64_URL:
        buf_add(out, encode_base64url(arena, text));
        return true;
    case BASE64_BARE: {
        struct str padded = encode_base64(arena, text);
        buf_add(out, without(padded, 0, (3 - text.len % 3) % 3));
        return true;
    }
    case BASE64_WRAPPED:
        add_wrapped(out, encode_base64(arena, text));
        return true;
    case AFTER_ONE:
    case AFTER_TWO:
    case AS_PASSWORD:
        buf_add_cstr(out, step == AFTER_ONE ? "x" : step == AFTER_TWO ? "\"x" : "a-user:");
        buf_add(out, text);
        return true;
    case PERCENT:
    case PERCENT_LOWER:
    case FORM:
        add_percent(out, arena, text, step);
        return true;
    case JSON:
    case JSON_SLASH:
        add_json(out, arena, text, step == JSON_SLASH);
        return true;
    case HEX:
    case HEX_UPPER:
        add_hex(out, arena, text, step == HEX_UPPER);
        return true;
    case NO_HEAD:
    case NO_TAIL:
    case NO_ENDS:
        buf_add(out, without(text, step == NO_TAIL ? 0 : cut_of(text),
                             step == NO_HEAD ? 0 : cut_of(text)));
        return true;
    default:
        return false;
    }
}

struct str secret_in_form(struct arena *arena, struct str secret, const struct secret_form *form)
{
    struct str text = secret;
    for (size_t i = 0; i < sizeof(form->steps) && form->steps[i] != NONE; i++) {
        enum step step = (enum step)form->steps[i];
        struct buf out = buf_in(arena, FORM_MAX);
        bool whole = add_encoded(&out, arena, text, step);
        for (size_t j = 0; !whole && j < text.len; j++)
            add_character(&out, text.data[j], step);
        text = buf_str(&out);
    }
    return text;
}

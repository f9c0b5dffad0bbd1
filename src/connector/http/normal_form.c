/* Decoding and folding of texts. */
#include "connector/http/normal_form.h"

#include "base/encode.h"

#include <string.h>

enum {
    ENTITY_MAX = 12,      /* bytes from "&" to ";": "&#x0010FFFF;" */
    CODE_MAX = 0x10FFFF,  /* the last code point */
    CODE_UNKNOWN = 0xFFFD /* stands for what a named entity means that is not in the table */
};

struct char_range {
    uint32_t first, last;
};

static const struct char_range blanks[] = {
    {'\t', '\r'},     {' ', ' '},       {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
    {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
};

/* The code points that Unicode calls Default_Ignorable, and controls (Unicode 15, DerivedCoreProps
 * and UnicodeData). */
static const struct char_range invisible[] = {
    {0x00, 0x1F},     {0x7F, 0x9F},       {0xAD, 0xAD},       {0x34F, 0x34F},     {0x61C, 0x61C},
    {0x115F, 0x1160}, {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x200B, 0x200F},   {0x202A, 0x202E},
    {0x2060, 0x206F}, {0x3164, 0x3164},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

static bool is_in(const struct char_range *ranges, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    }
    return false;
}

enum char_kind char_kind(uint32_t code)
{
    if (code > ' ' && code < 0x7F)
        return CHAR_SEEN;
    if (is_in(blanks, sizeof(blanks) / sizeof(*blanks), code))
        return CHAR_BLANK;
    return is_in(invisible, sizeof(invisible) / sizeof(*invisible), code) ? CHAR_INVISIBLE
                                                                          : CHAR_SEEN;
}

struct normal_text normal_text_new(struct arena *arena, size_t size, bool mapped)
{
    struct normal_text text = {.bytes = arena_take(arena, size + 1)};
    if (mapped) {
        text.starts = arena_take(arena, (size + 1) * sizeof(*text.starts));
        text.ends = arena_take(arena, (size + 1) * sizeof(*text.ends));
    }
    return text;
}

static void put(struct normal_text *out, char byte, uint32_t start, uint32_t end)
{
    if (out->starts) {
        out->starts[out->len] = start;
        out->ends[out->len] = end;
    }
    out->bytes[out->len++] = byte;
}

void normal_plain(struct arena *arena, struct str text, struct normal_text *ret_plain)
{
    struct normal_text out = normal_text_new(arena, text.len, true);
    for (size_t i = 0; i < text.len; i++)
        put(&out, text.data[i], (uint32_t)i, (uint32_t)i + 1);
    *ret_plain = out;
}

/* --- decoding: each function looks at the output's end, and is true when it shortened it --- */

/* The output, and for each byte its layer: 0 when it is a byte of the text, otherwise one more than
 * the highest layer among the bytes of the escape that it was decoded from. */
struct decoding {
    struct normal_text out;
    uint32_t *layers;
};

static void put_at_layer(struct decoding *decoding, char byte, uint32_t layer, uint32_t start,
                         uint32_t end)
{
    decoding->layers[decoding->out.len] = layer;
    put(&decoding->out, byte, start, end);
}

static bool replace(struct decoding *decoding, size_t count, struct str by)
{
    struct normal_text *out = &decoding->out;
    size_t at = out->len - count;
    uint32_t start = out->starts ? out->starts[at] : 0;
    uint32_t end = out->starts ? out->ends[out->len - 1] : 0;
    uint32_t layer = 0;
    for (size_t i = at; i < out->len; i++)
        layer = decoding->layers[i] > layer ? decoding->layers[i] : layer;
    out->len = at;
    for (size_t i = 0; i < by.len; i++)
        put_at_layer(decoding, by.data[i], layer + 1, start, end);
    return true;
}

static bool replace_by_code(struct decoding *decoding, size_t count, uint32_t code)
{
    char bytes[UTF8_WIDTH_MAX];
    size_t width = utf8_put(code <= CODE_MAX ? code : CODE_UNKNOWN, bytes);
    return replace(decoding, count, (struct str){bytes, width});
}

/* The value of the last `digits` bytes when they are hexadecimal and `mark` stands before them. */
static bool hex_after(const struct normal_text *out, const char *mark, size_t digits,
                      uint32_t *ret_value)
{
    size_t mark_len = strlen(mark);
    if (out->len < mark_len + digits)
        return false;
    const char *at = out->bytes + out->len - digits;
    uint32_t value = 0;
    if (memcmp(at - mark_len, mark, mark_len) != 0)
        return false;
    for (size_t i = 0; i < digits; i++) {
        int digit = ascii_hex_digit(at[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (uint32_t)digit;
    }
    *ret_value = value;
    return true;
}

/* The second half of a surrogate pair joins the first, which the output ends with as three bytes.
 */
static bool join_surrogates(struct decoding *decoding, size_t count, uint32_t low)
{
    const struct normal_text *out = &decoding->out;
    size_t before = out->len - count;
    if (low < 0xDC00 || low > 0xDFFF || before < 3)
        return false;
    const unsigned char *high = (const unsigned char *)out->bytes + before - 3;
    if (high[0] != 0xED || high[1] < 0xA0 || high[1] > 0xAF)
        return false;
    uint32_t upper = (uint32_t)(high[1] & 0x0F) << 6 | (high[2] & 0x3F);
    return replace_by_code(decoding, count + 3, 0x10000 + (upper << 10) + (low - 0xDC00));
}

/* "%41", "\x41", "\u0041", "%u0041". The first two are bytes, perhaps of a longer character. */
static bool end_number(struct decoding *decoding)
{
    const struct normal_text *out = &decoding->out;
    uint32_t value;
    if (hex_after(out, "%", 2, &value))
        return replace(decoding, 3, (struct str){(const char[]){(char)value}, 1});
    if (hex_after(out, "\\x", 2, &value))
        return replace(decoding, 4, (struct str){(const char[]){(char)value}, 1});
    if (hex_after(out, "\\u", 4, &value) || hex_after(out, "%u", 4, &value))
        return join_surrogates(decoding, 6, value) || replace_by_code(decoding, 6, value);
    return false;
}

/* A decoded backslash does not pair with one of a lower layer: that one begins an escape that has
 * to be decoded first, as in "\x5c\x41". */
static bool end_backslash(struct decoding *decoding)
{
    const struct normal_text *out = &decoding->out;
    if (out->len < 2 || out->bytes[out->len - 2] != '\\')
        return false;
    char c = out->bytes[out->len - 1];
    const uint32_t *layers = decoding->layers + out->len - 2;
    if (c == '\\' && layers[0] > layers[1])
        return false;
    if (strchr("bfnrt", c))
        return replace(decoding, 2, STR("\n"));
    return replace(decoding, 2, (struct str){(const char[]){c}, 1});
}

static uint32_t entity_number(struct str digits)
{
    bool hex = digits.len > 1 && ascii_lower(digits.data[0]) == 'x';
    uint32_t value = 0;
    if (digits.len == 0)
        return CODE_UNKNOWN;
    for (size_t i = hex; i < digits.len; i++) {
        int digit = ascii_hex_digit(digits.data[i]);
        if (digit < 0 || (!hex && digit > 9))
            return CODE_UNKNOWN;
        value = value * (hex ? 16 : 10) + (uint32_t)digit;
        if (value > CODE_MAX)
            return CODE_UNKNOWN;
    }
    return value;
}

/* Names that are not here mean punctuation and letters with accents, which FOLD_ALNUM drops. */
static uint32_t entity_code(struct str name)
{
    static const struct {
        struct str name;
        uint32_t code;
    } names[] = {
        {STR("amp"), '&'},  {STR("lt"), '<'},    {STR("gt"), '>'},
        {STR("quot"), '"'}, {STR("apos"), '\''}, {STR("nbsp"), 0xA0},
    };
    if (name.data[0] == '#')
        return entity_number((struct str){name.data + 1, name.len - 1});
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (str_eq_nocase(name, names[i].name))
            return names[i].code;
    }
    return CODE_UNKNOWN;
}

static bool end_entity(struct decoding *decoding)
{
    const struct normal_text *out = &decoding->out;
    size_t name_len = 0;
    const char *semicolon = out->bytes + out->len - 1;
    while (
        name_len < ENTITY_MAX && name_len + 1 < out->len &&
        (ascii_is_alnum(semicolon[-1 - (long)name_len]) || semicolon[-1 - (long)name_len] == '#'))
        name_len++;
    if (name_len < 2 || name_len + 1 >= out->len || semicolon[-1 - (long)name_len] != '&')
        return false;
    return replace_by_code(decoding, name_len + 2,
                           entity_code((struct str){semicolon - name_len, name_len}));
}

static bool end_escape(struct decoding *decoding)
{
    const struct normal_text *out = &decoding->out;
    if (out->len == 0)
        return false;
    char c = out->bytes[out->len - 1];
    if (c == ';')
        return end_entity(decoding);
    if (ascii_hex_digit(c) >= 0 && end_number(decoding))
        return true;
    return c != '\0' && strchr("\"'\\/bfnrt", c) && end_backslash(decoding);
}

/* Each escape begins with one of these; most texts have none. */
static bool may_have_escapes(struct str text)
{
    return text.len > 0 && (memchr(text.data, '%', text.len) || memchr(text.data, '\\', text.len) ||
                            memchr(text.data, '&', text.len));
}

bool normal_decode(struct arena *arena, struct str text, bool mapped,
                   struct normal_text *ret_decoded)
{
    if (!may_have_escapes(text))
        return false;
    struct decoding decoding = {
        .out = normal_text_new(arena, text.len, mapped),
        .layers = arena_array(arena, uint32_t, text.len),
    };
    for (size_t i = 0; i < text.len; i++) {
        put_at_layer(&decoding, text.data[i], 0, (uint32_t)i, (uint32_t)i + 1);
        while (end_escape(&decoding))
            ;
    }
    if (decoding.out.len == text.len)
        return false;
    *ret_decoded = decoding.out;
    return true;
}

/* --- folding --- */

/* Letters beyond ASCII whose small form is a fixed distance away: Latin-1, Greek, Cyrillic. */
static uint32_t small_letter(uint32_t code)
{
    static const struct {
        struct char_range large;
        uint32_t distance;
    } rows[] = {{{0xC0, 0xD6}, 32},
                {{0xD8, 0xDE}, 32},
                {{0x391, 0x3A9}, 32},
                {{0x410, 0x42F}, 32},
                {{0x400, 0x40F}, 80}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (code >= rows[i].large.first && code <= rows[i].large.last)
            return code + rows[i].distance;
    }
    return code;
}

static void put_blank(struct normal_text *out, size_t from, uint32_t start, uint32_t end)
{
    bool doubled = out->len > from && out->bytes[out->len - 1] == ' ';
    if (!doubled)
        put(out, ' ', start, end);
    else if (out->starts)
        out->ends[out->len - 1] = end;
}

static void put_letter(struct normal_text *out, uint32_t code, uint32_t start, uint32_t end)
{
    char bytes[UTF8_WIDTH_MAX];
    size_t width = utf8_put(small_letter(code), bytes);
    for (size_t i = 0; i < width; i++)
        put(out, bytes[i], start, end);
}

/* One character, at least a byte. Its bytes in `in`. */
static size_t fold_character(const struct normal_text *in, size_t at, size_t from,
                             struct normal_text *out)
{
    uint32_t code = (unsigned char)in->bytes[at];
    size_t width = 1;
    bool ascii = code < 0x80, broken = false;
    if (!ascii) {
        width = utf8_next((struct str){in->bytes + at, in->len - at}, &code);
        broken = width == 0;
        width += broken;
    }
    uint32_t start = in->starts ? in->starts[at] : 0;
    uint32_t end = in->starts ? in->ends[at + width - 1] : 0;
    enum char_kind kind = broken ? CHAR_SEEN : char_kind(code);
    if (kind == CHAR_BLANK || code == '+')
        put_blank(out, from, start, end);
    else if (kind == CHAR_SEEN && (broken || ascii))
        put(out, ascii_lower(in->bytes[at]), start, end);
    else if (kind == CHAR_SEEN)
        put_letter(out, code, start, end);
    return width;
}

void normal_fold(const struct normal_text *in, enum normal_fold fold, struct normal_text *out)
{
    size_t from = out->len;
    if (fold == FOLD_BLANKS) {
        for (size_t i = 0; i < in->len;)
            i += fold_character(in, i, from, out);
        return;
    }
    for (size_t i = 0; i < in->len; i++) {
        if (ascii_is_alnum(in->bytes[i]))
            put(out, ascii_lower(in->bytes[i]), in->starts ? in->starts[i] : 0,
                in->starts ? in->ends[i] : 0);
    }
}

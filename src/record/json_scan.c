/* Values are followed byte by byte, except for strings, which are searched in blocks for what ends
 * them. */
#include "record/json_scan.h"

#include "base/encode.h"
#include "record/blocks.h"

#include <assert.h>
#include <string.h>

const char *json_scan_fail(struct json_scan *scan, int fault, const char *at)
{
    scan->fault = fault;
    scan->fault_at = at;
    return NULL;
}

static const char *cut(struct json_scan *scan)
{
    return json_scan_fail(scan, JSON_SCAN_CUT, scan->end);
}

static const char *syntax(struct json_scan *scan, const char *at)
{
    return json_scan_fail(scan, RECORD_FAULT_SYNTAX, at);
}

const char *json_scan_blanks(struct json_scan *scan, const char *p)
{
    for (; p < scan->end; p++) {
        if (*p == '\n')
            scan->multiline = true;
        else if (*p != ' ' && *p != '\t' && *p != '\r')
            break;
    }
    return p;
}

/* The four digits of \uXXXX; -1: they are none. */
static int hex4(const char *p)
{
    int code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = ascii_hex_digit(p[i]);
        if (digit < 0)
            return -1;
        code = code << 4 | digit;
    }
    return code;
}

static bool is_high_surrogate(int code)
{
    return code >= 0xD800 && code <= 0xDBFF;
}

static bool is_low_surrogate(int code)
{
    return code >= 0xDC00 && code <= 0xDFFF;
}

enum { UNICODE_ESCAPE = 6 }; /* bytes of \uXXXX */

/* Whether an escape of a low surrogate begins with these bytes, at most UNICODE_ESCAPE of them:
 * \uDCXX to \uDFXX. */
static bool low_surrogate_begins(const char *p, size_t len)
{
    static const char least[] = {0xD, 0xC, 0, 0}, most[] = {0xD, 0xF, 0xF, 0xF};
    for (size_t i = 0; i < len && i < 2; i++) {
        if (p[i] != "\\u"[i])
            return false;
    }
    for (size_t i = 2; i < len; i++) {
        int digit = ascii_hex_digit(p[i]);
        if (digit < least[i - 2] || digit > most[i - 2])
            return false;
    }
    return true;
}

/* `p` is at a backslash. A pair of surrogates is two escapes. */
static const char *scan_escape(struct json_scan *scan, const char *p)
{
    enum { SIMPLE = 2 }; /* bytes */
    if (scan->end - p < SIMPLE)
        return cut(scan);
    if (p[1] != 'u')
        return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) ? p + SIMPLE : syntax(scan, p);
    if (scan->end - p < UNICODE_ESCAPE)
        return cut(scan);
    int code = hex4(p + 2);
    if (code < 0)
        return syntax(scan, p);
    if (scan->structure_only || (!is_high_surrogate(code) && !is_low_surrogate(code)))
        return p + UNICODE_ESCAPE;
    if (is_low_surrogate(code))
        return json_scan_fail(scan, RECORD_FAULT_UTF8, p);
    const char *second = p + UNICODE_ESCAPE;
    size_t left = (size_t)(scan->end - second);
    if (!low_surrogate_begins(second, left < UNICODE_ESCAPE ? left : UNICODE_ESCAPE))
        return json_scan_fail(scan, RECORD_FAULT_UTF8, p);
    return left < UNICODE_ESCAPE ? cut(scan) : second + UNICODE_ESCAPE;
}

/* The first byte at or after `p` that ends a run of plain characters. NULL: the window ends before.
 * *high collects whether one of them is beyond ASCII. */
static const char *plain_end(const char *p, const char *end, uint32_t *high)
{
    for (; end - p >= BLOCK_BYTES; p += BLOCK_BYTES) {
        struct block block = block_load(p);
        uint32_t special = block_json_special(block);
        if (special != 0) {
            unsigned first = block_first(special);
            *high |= block_not_ascii(block) & block_of_first(first);
            return p + first;
        }
        *high |= block_not_ascii(block);
    }
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\' || c < 0x20)
            return p;
        *high |= c & 0x80;
    }
    return NULL;
}

const char *json_scan_string(struct json_scan *scan, const char *p, struct json_string *ret_string)
{
    uint32_t high = 0;
    *ret_string = (struct json_string){.text = p};
    while ((p = plain_end(p, scan->end, &high)) && *p == '\\') {
        ret_string->escaped = true;
        p = scan_escape(scan, p);
        if (!p)
            return NULL;
    }
    if (!p)
        return cut(scan);
    if (*p != '"')
        return syntax(scan, p);
    ret_string->len = (size_t)(p - ret_string->text);
    struct str text = {ret_string->text, ret_string->len};
    if (high != 0 && !scan->structure_only && !utf8_is_valid(text))
        return json_scan_fail(scan, RECORD_FAULT_UTF8, ret_string->text);
    return p + 1;
}

static char simple_escape(char c)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *found = strchr(from, c);
    return found ? to[found - from] : c;
}

size_t json_unescape(const struct json_string *string, char *out)
{
    const char *p = string->text, *end = p + string->len;
    char *start = out;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((slash ? slash : end) - p);
        memcpy(out, p, plain);
        out += plain;
        p += plain;
        if (!slash)
            break;
        if (p[1] != 'u') {
            *out++ = simple_escape(p[1]);
            p += 2;
            continue;
        }
        int code = hex4(p + 2);
        p += 6;
        if (is_high_surrogate(code)) {
            code = 0x10000 + ((code - 0xD800) << 10) + (hex4(p + 2) - 0xDC00);
            p += 6;
        }
        out += utf8_put((uint32_t)code, out);
    }
    assert((size_t)(out - start) <= string->len);
    return (size_t)(out - start);
}

static const char *scan_digits(struct json_scan *scan, const char *p)
{
    while (p < scan->end && ascii_is_digit(*p))
        p++;
    return p;
}

/* At least one digit, and behind them a byte that is in the window. */
static const char *some_digits(struct json_scan *scan, const char *p)
{
    const char *behind = scan_digits(scan, p);
    if (behind == scan->end)
        return cut(scan);
    return behind > p ? behind : syntax(scan, behind);
}

static const char *scan_exponent(struct json_scan *scan, const char *p)
{
    p++;
    if (p < scan->end && (*p == '+' || *p == '-'))
        p++;
    return some_digits(scan, p);
}

/* Digits alone, with a sign or without. False: past int64_t, or "-0", which is no integer of ours.
 */
static bool digits_to_integer(const char *digits, size_t len, bool negative, int64_t *ret_number)
{
    enum { SURE = 18 }; /* digits that never overflow */
    uint64_t number = 0;
    if (len > SURE + 1 || (negative && digits[0] == '0'))
        return false;
    for (size_t i = 0; i < len; i++)
        number = number * 10 + (uint64_t)(digits[i] - '0');
    if (number > (uint64_t)INT64_MAX + negative)
        return false;
    *ret_number = (int64_t)(negative ? 0 - number : number);
    return true;
}

static const char *number_done(struct json_scan *scan, const char *from, const char *p,
                               int16_t scale, struct record_cell *ret_cell)
{
    if (p - from > RECORD_NUMBER_MAX && !scan->structure_only)
        return json_scan_fail(scan, RECORD_FAULT_NUMBER, from);
    *ret_cell = (struct record_cell){
        .text = from, .len = (uint32_t)(p - from), .kind = RECORD_DECIMAL, .scale = scale};
    return p;
}

const char *json_scan_number(struct json_scan *scan, const char *p, struct record_cell *ret_cell)
{
    const char *from = p;
    bool negative = *p == '-';
    const char *digits = p + negative;
    p = some_digits(scan, digits);
    if (!p)
        return NULL;
    if (*digits == '0' && p > digits + 1)
        return syntax(scan, digits);
    int64_t number;
    if (*p != '.' && (*p | 0x20) != 'e') {
        if (!digits_to_integer(digits, (size_t)(p - digits), negative, &number))
            return number_done(scan, from, p, 0, ret_cell);
        *ret_cell = (struct record_cell){.number = number, .kind = RECORD_INTEGER};
        return p;
    }
    const char *point = p;
    if (*p == '.') {
        p = some_digits(scan, p + 1);
        if (!p)
            return NULL;
    }
    ptrdiff_t scale = p - point - 1;
    if ((*p | 0x20) == 'e') {
        scale = RECORD_SCALE_EXPONENT;
        p = scan_exponent(scan, p);
        if (!p)
            return NULL;
    }
    return number_done(scan, from, p, (int16_t)(scale > INT16_MAX ? INT16_MAX : scale), ret_cell);
}

/* Near the window's end, or not a word. */
static const char *word_cut(struct json_scan *scan, const char *p)
{
    struct str left = {p, (size_t)(scan->end - p)};
    bool begins = str_starts(STR("true"), left) || str_starts(STR("false"), left) ||
                  str_starts(STR("null"), left);
    return begins ? cut(scan) : syntax(scan, p);
}

const char *json_scan_word(struct json_scan *scan, const char *p, struct record_cell *ret_cell)
{
    size_t left = (size_t)(scan->end - p);
    if (left >= 4 && memcmp(p, "null", 4) == 0) {
        *ret_cell = (struct record_cell){.kind = RECORD_NULL};
        return p + 4;
    }
    if (left >= 4 && memcmp(p, "true", 4) == 0) {
        *ret_cell = (struct record_cell){.number = 1, .kind = RECORD_BOOLEAN};
        return p + 4;
    }
    if (left >= 5 && memcmp(p, "false", 5) == 0) {
        *ret_cell = (struct record_cell){.number = 0, .kind = RECORD_BOOLEAN};
        return p + 5;
    }
    return word_cut(scan, p);
}

static const char *scan_scalar(struct json_scan *scan, const char *p)
{
    struct json_string string;
    struct record_cell cell;
    if (*p == '"')
        return json_scan_string(scan, p + 1, &string);
    if (*p == '-' || ascii_is_digit(*p))
        return json_scan_number(scan, p, &cell);
    if (*p == 't' || *p == 'f' || *p == 'n')
        return json_scan_word(scan, p, &cell);
    return syntax(scan, p);
}

const char *json_scan_next(struct json_scan *scan, const char *p)
{
    p = json_scan_blanks(scan, p);
    return p < scan->end ? p : cut(scan);
}

const char *json_scan_to_name(struct json_scan *scan, const char *p, bool is_first)
{
    p = json_scan_next(scan, p);
    if (!p || *p == '}')
        return p;
    if (!is_first && *p != ',')
        return syntax(scan, p);
    p = json_scan_next(scan, is_first ? p : p + 1);
    return p && *p != '"' ? syntax(scan, p) : p;
}

const char *json_scan_name(struct json_scan *scan, const char *p, struct json_string *ret_name)
{
    if (*p != '"')
        return syntax(scan, p);
    p = json_scan_string(scan, p + 1, ret_name);
    p = p ? json_scan_next(scan, p) : NULL;
    if (!p)
        return NULL;
    return *p == ':' ? json_scan_next(scan, p + 1) : syntax(scan, p);
}

/* What may come next inside objects and arrays. */
enum next {
    NEXT_VALUE,
    NEXT_FIRST,  /* behind '{' or '[': an end, a name or a value */
    NEXT_MEMBER, /* behind ',' in an object */
    NEXT_BEHIND, /* behind a value: ',' or an end */
};

/* The levels around a place in a value: which of them are objects, a bit for each. */
struct levels {
    uint64_t inner; /* the innermost ones, the last of them lowest */
    unsigned count;
    uint64_t outer[JSON_STRUCTURE_DEPTH_MAX / 64]; /* full words that were put away; few have any */
};

static void enter(struct levels *levels, bool object)
{
    if (levels->count > 0 && levels->count % 64 == 0)
        levels->outer[levels->count / 64 - 1] = levels->inner;
    levels->inner = levels->inner << 1 | object;
    levels->count++;
}

static void leave(struct levels *levels)
{
    levels->inner >>= 1;
    levels->count--;
    if (levels->count > 0 && levels->count % 64 == 0)
        levels->inner = levels->outer[levels->count / 64 - 1];
}

const char *json_scan_value(struct json_scan *scan, const char *p, unsigned depth)
{
    unsigned most = scan->structure_only ? JSON_STRUCTURE_DEPTH_MAX : RECORD_DEPTH_MAX;
    struct levels levels;
    levels.inner = 0;
    levels.count = 0;
    struct json_string name;
    enum next next = NEXT_VALUE;
    do {
        p = json_scan_blanks(scan, p);
        if (p == scan->end)
            return cut(scan);
        bool in_object = levels.inner & 1;
        if (next == NEXT_FIRST && *p != (in_object ? '}' : ']'))
            next = in_object ? NEXT_MEMBER : NEXT_VALUE;
        if (next == NEXT_FIRST || (next == NEXT_BEHIND && *p == (in_object ? '}' : ']'))) {
            leave(&levels);
            next = NEXT_BEHIND;
            p++;
        } else if (next == NEXT_BEHIND) {
            if (*p != ',')
                return syntax(scan, p);
            next = in_object ? NEXT_MEMBER : NEXT_VALUE;
            p++;
        } else if (next == NEXT_MEMBER) {
            p = json_scan_name(scan, p, &name);
            next = NEXT_VALUE;
        } else if (*p == '{' || *p == '[') {
            if (depth + levels.count == most)
                return json_scan_fail(scan, RECORD_FAULT_TOO_DEEP, p);
            enter(&levels, *p == '{');
            next = NEXT_FIRST;
            p++;
        } else {
            p = scan_scalar(scan, p);
            next = NEXT_BEHIND;
        }
    } while (p && levels.count > 0);
    return p;
}

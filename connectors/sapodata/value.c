/* Each type has its form; a value that is in it already stays as it is. */
#include "connectors/sapodata/value.h"

#include "base/calendar.h"
#include "base/encode.h"
#include "base/time_text.h"
#include "wire/json_value.h"

#include <string.h>

enum { LITERAL_MAX = 1024 }; /* bytes of a key's value */

/* --- JSON's texts --- */

static bool is_text(struct str value)
{
    return value.len >= 2 && value.data[0] == '"';
}

static struct str inside(struct str value)
{
    return is_text(value) ? (struct str){value.data + 1, value.len - 2} : value;
}

static bool is_one_of(struct str type, const char *const *types)
{
    for (; *types; types++) {
        if (str_eq(type, str_from(*types)))
            return true;
    }
    return false;
}

static size_t digits_at(struct str text, size_t at)
{
    size_t count = 0;
    while (at + count < text.len && ascii_is_digit(text.data[at + count]))
        count++;
    return count;
}

/* A number as RFC 8259 has it. */
static bool is_number(struct str text)
{
    size_t at = str_starts(text, STR("-")), digits = digits_at(text, at);
    if (digits == 0 || (digits > 1 && text.data[at] == '0'))
        return false;
    at += digits;
    if (at < text.len && text.data[at] == '.') {
        digits = digits_at(text, at + 1);
        at += digits > 0 ? 1 + digits : 0;
    }
    if (at < text.len && (text.data[at] == 'e' || text.data[at] == 'E')) {
        size_t sign = at + 1 < text.len && strchr("+-", text.data[at + 1]) != NULL;
        digits = digits_at(text, at + 1 + sign);
        at += digits > 0 ? 1 + sign + digits : 0;
    }
    return at == text.len;
}

static bool is_flag(struct str text)
{
    return str_eq(text, STR("true")) || str_eq(text, STR("false"));
}

/* --- times --- */

/* "/Date(1700000000000)/", "/Date(1700000000000+0060)/": the offset says where it was, not when. */
static bool read_date(struct str text, int64_t *ret_ms)
{
    static const struct str start = STR("/Date("), end = STR(")/");
    unsigned long long ms;
    if (!str_starts(text, start) || !str_ends(text, end) || text.len <= start.len + end.len)
        return false;
    struct str number = {text.data + start.len, text.len - start.len - end.len};
    bool is_before = str_starts(number, STR("-"));
    size_t digits = digits_at(number, is_before);
    if (digits == 0 ||
        !str_to_u64((struct str){number.data + is_before, digits}, INT64_MAX / 1000, &ms))
        return false;
    *ret_ms = is_before ? -(int64_t)ms : (int64_t)ms;
    return true;
}

static bool read_time(struct str text, int64_t *ret_ms)
{
    struct time_text time;
    if (read_date(text, ret_ms))
        return true;
    if (!time_text_read(text, TIME_TEXT_DAY | TIME_TEXT_NO_ZONE | TIME_TEXT_ISO_8601, &time))
        return false;
    *ret_ms = time.us / 1000 - (time.us % 1000 < 0);
    return true;
}

static bool print_time(int64_t ms, bool has_fraction, struct buf *out)
{
    int64_t rest_ms;
    struct calendar_day day = calendar_day_of(calendar_days_of_ms(ms, &rest_ms));
    int rest_s = (int)(rest_ms / 1000), fraction = (int)(rest_ms % 1000);
    if (day.year < 0 || day.year > 9999)
        return false;
    buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", (int)day.year, day.month, day.day,
               rest_s / 3600, rest_s / 60 % 60, rest_s % 60);
    if (has_fraction && fraction > 0)
        buf_printf(out, ".%03d", fraction);
    return true;
}

/* A text whose escapes make no difference for times: '\/' is the only one in use. */
static struct str without_slashes(struct str text, char *room, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < size; i++) {
        if (text.data[i] != '\\')
            room[len++] = text.data[i];
    }
    return (struct str){room, len};
}

static bool add_time(struct str type, bool is_v4, struct str value, struct buf *out)
{
    char room[64];
    int64_t ms;
    struct str text = without_slashes(inside(value), room, sizeof(room));
    bool has_offset = str_eq(type, STR("Edm.DateTimeOffset"));
    if (!is_text(value) || !read_time(text, &ms) || (!is_v4 && str_starts(text, STR("/Date("))))
        return false;
    if (!is_v4) {
        buf_printf(out, "\"/Date(%lld%s)/\"", (long long)ms, has_offset ? "+0000" : "");
        return true;
    }
    size_t before = out->len;
    buf_add_char(out, '"');
    bool printed = print_time(ms, true, out);
    bool is_day = str_eq(type, STR("Edm.Date"));
    out->len = is_day && printed ? before + sizeof("\"2026-01-31") - 1 : out->len;
    buf_add_cstr(out, is_day ? "\"" : "Z\"");
    out->len = printed ? out->len : before;
    return printed;
}

/* A time that version 4 takes as it is: it may have more digits behind the second than we keep. */
static bool is_as_in_v4(struct str type, struct str value)
{
    struct time_text time;
    struct str text = inside(value);
    if (str_eq(type, STR("Edm.Date")))
        return time_text_read(text, TIME_TEXT_DAY, &time) && !time.has_clock;
    return time_text_read(text, 0, &time);
}

/* --- values --- */

static const char *const small_numbers[] = {"Edm.Byte", "Edm.SByte", "Edm.Int16", "Edm.Int32",
                                            NULL};
static const char *const long_numbers[] = {"Edm.Int64", "Edm.Decimal", NULL};
static const char *const real_numbers[] = {"Edm.Double", "Edm.Single", NULL};
static const char *const times[] = {"Edm.DateTime", "Edm.DateTimeOffset", "Edm.Date", NULL};

static void add_quoted(struct str text, struct buf *out)
{
    buf_add_char(out, '"');
    buf_add(out, text);
    buf_add_char(out, '"');
}

void sapodata_value_add(struct str type, bool is_v4, struct str value, struct buf *out)
{
    struct str text = inside(value);
    bool is_real = is_one_of(type, real_numbers);
    bool is_long = is_one_of(type, long_numbers) || (is_real && !is_v4);
    bool has_number = is_one_of(type, small_numbers) || (is_real && is_v4);
    bool becomes_bare = is_text(value) && ((is_number(text) && has_number) ||
                                           (is_flag(text) && str_eq(type, STR("Edm.Boolean"))));
    bool is_bare = !is_text(value) && (is_number(value) || is_flag(value));
    if (is_bare && (str_eq(type, STR("Edm.String")) || (is_long && is_number(value))))
        add_quoted(text, out);
    else if (becomes_bare)
        buf_add(out, text);
    else if (!is_one_of(type, times) || (is_v4 && is_as_in_v4(type, value)) ||
             !add_time(type, is_v4, value, out))
        buf_add(out, value);
}

/* --- literals --- */

/* How version 2 writes those that are not bare. */
static const struct {
    const char *type, *before, *after;
} wraps[] = {
    {"Edm.Guid", "guid'", "'"},
    {"Edm.Time", "time'", "'"},
    {"Edm.DateTime", "datetime'", "'"},
    {"Edm.DateTimeOffset", "datetimeoffset'", "Z'"},
    {"Edm.Int64", "", "L"},
    {"Edm.Decimal", "", "M"},
    {"Edm.Double", "", "d"},
    {"Edm.Single", "", "f"},
};

/* The text that a JSON text stands for, or a number or flag as it is. */
static bool plain_of(struct str value, struct arena *scratch, struct str *ret_plain)
{
    struct value *parsed;
    *ret_plain = value;
    if (!is_text(value))
        return is_number(value) || is_flag(value);
    *ret_plain = inside(value);
    if (!memchr(ret_plain->data, '\\', ret_plain->len))
        return true;
    if (!json_parse(value, scratch, &parsed) || parsed->kind != VALUE_STRING)
        return false;
    *ret_plain = parsed->text;
    return true;
}

static bool add_plain(struct str plain, struct buf *out)
{
    for (size_t i = 0; i < plain.len; i++) {
        if (!ascii_is_alnum(plain.data[i]) && !strchr("-+.:_", plain.data[i]))
            return false;
    }
    buf_add(out, plain);
    return plain.len > 0;
}

static void add_string(struct str plain, struct buf *out)
{
    buf_add_char(out, '\'');
    for (size_t i = 0; i < plain.len; i++) {
        if (plain.data[i] == '\'')
            buf_add_char(out, '\'');
        buf_add_char(out, plain.data[i]);
    }
    buf_add_char(out, '\'');
}

/* In version 2, where a clock is a part of every time. */
static bool add_literal_2(struct str type, struct str plain, struct buf *out)
{
    const char *after = "";
    int64_t ms;
    for (size_t i = 0; i < sizeof(wraps) / sizeof(*wraps); i++) {
        if (!str_eq(type, str_from(wraps[i].type)))
            continue;
        buf_add_cstr(out, wraps[i].before);
        after = wraps[i].after;
    }
    bool added = is_one_of(type, times) ? read_time(plain, &ms) && print_time(ms, true, out)
                                        : add_plain(plain, out);
    buf_add_cstr(out, after);
    return added;
}

static bool add_literal_4(struct str type, struct str plain, struct buf *out)
{
    int64_t ms;
    if (str_eq(type, STR("Edm.DateTimeOffset")) && read_date(plain, &ms)) {
        bool printed = print_time(ms, true, out);
        buf_add_char(out, 'Z');
        return printed;
    }
    return add_plain(plain, out);
}

bool sapodata_literal_add(struct str type, bool is_v4, struct str value, struct arena *scratch,
                          struct buf *out)
{
    struct str plain;
    if (!plain_of(value, scratch, &plain) || plain.len == 0 || plain.len > LITERAL_MAX ||
        !utf8_is_valid(plain))
        return false;
    if (!str_eq(type, STR("Edm.String")))
        return is_v4 ? add_literal_4(type, plain, out) : add_literal_2(type, plain, out);
    add_string(plain, out);
    return true;
}

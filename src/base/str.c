/* Operations on slices. */
#include "base/str.h"

#include <string.h>
#include <strings.h>

struct str str_from(const char *cstr)
{
    return cstr ? (struct str){cstr, strlen(cstr)} : STR_NULL;
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.data, b.data, a.len) == 0);
}

int str_compare(struct str a, struct str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq((struct str){s.data, prefix.len}, prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len &&
           str_eq((struct str){s.data + s.len - suffix.len, suffix.len}, suffix);
}

bool str_contains(struct str s, struct str needle)
{
    return needle.len == 0 || (s.len > 0 && memmem(s.data, s.len, needle.data, needle.len));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_blank(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

bool str_cut(struct str s, char sep, struct str *ret_before, struct str *ret_after)
{
    const char *at = s.len > 0 ? memchr(s.data, sep, s.len) : NULL;
    if (!at)
        return false;
    size_t before = (size_t)(at - s.data);
    *ret_before = (struct str){s.data, before};
    *ret_after = (struct str){at + 1, s.len - before - 1};
    return true;
}

struct str str_behind(struct str s, char sep, int count)
{
    struct str field, rest = s;
    for (int i = 0; i < count; i++) {
        if (!str_cut(rest, sep, &field, &rest))
            return STR_NULL;
    }
    return rest;
}

struct str str_field(struct str s, char sep, int count)
{
    struct str field = STR(""), rest;
    str_cut(str_behind(s, sep, count), sep, &field, &rest);
    return field;
}

bool str_is_digits(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_is_digit(s.data[i]))
            return false;
    }
    return true;
}

bool str_to_u64(struct str s, unsigned long long max, unsigned long long *ret_value)
{
    unsigned long long value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        unsigned long long digit = (unsigned long long)(s.data[i] - '0');
        if (value > (max - digit) / 10 || digit > max)
            return false;
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

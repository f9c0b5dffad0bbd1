/* Strings as slices: a pointer and a length, never owned, may hold any byte. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct str {
    const char *data; /* NULL only when the string is absent, which differs from empty */
    size_t len;       /* bytes */
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_NULL ((struct str){NULL, 0})
/* For printf: printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).len, ((s).data ? (s).data : "")

/* ASCII letters and digits alone, whatever the locale. */
static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static inline bool ascii_is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static inline bool ascii_is_alnum(char c)
{
    return ascii_is_digit(c) || ascii_is_lower(c) || ascii_is_upper(c);
}

static inline bool ascii_is_lower_alnum(char c)
{
    return ascii_is_lower(c) || ascii_is_digit(c);
}

static inline char ascii_lower(char c)
{
    return ascii_is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

static inline char ascii_upper(char c)
{
    return ascii_is_lower(c) ? (char)(c - 'a' + 'A') : c;
}

static inline int ascii_hex_digit(char c) /* -1: it is none */
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct str str_from(const char *cstr); /* NULL gives STR_NULL */
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters only */
int str_compare(struct str a, struct str b);    /* bytewise, for sorting */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_contains(struct str s, struct str needle);
struct str str_trim(struct str s); /* spaces and tabs at both ends */

/* Splits at the first `sep`. Without one, false, and both outputs are untouched. */
bool str_cut(struct str s, char sep, struct str *ret_before, struct str *ret_after);
/* What follows the `count`-th `sep`; STR_NULL when there are fewer. */
struct str str_behind(struct str s, char sep, int count);
/* What is between the `count`-th `sep` and the next one: of an ARN's colons, 3 gives the region and
 * 4 the account. "" when there are fewer. */
struct str str_field(struct str s, char sep, int count);

/* Whether it has ASCII digits alone; so has an empty one. */
bool str_is_digits(struct str s);

/* Whole value as decimal digits, no sign, no blanks, at most `max`. */
bool str_to_u64(struct str s, unsigned long long max, unsigned long long *ret_value);

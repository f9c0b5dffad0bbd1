/* Comparing token URLs with declared ones that have place-holders. */
#include "connector/custom/token_url.h"

/* As far as the characters allow that a place-holder stands for. */
static size_t span_of(struct str text)
{
    size_t len = 0;
    while (len < text.len && (ascii_is_alnum(text.data[len]) || text.data[len] == '-' ||
                              text.data[len] == '_' || text.data[len] == '.'))
        len++;
    return len;
}

static struct str behind(struct str text, size_t len)
{
    return (struct str){text.data + len, text.len - len};
}

/* Splits at the first place-holder. */
static bool cut(struct str declared, struct str *ret_before, struct str *ret_after)
{
    for (size_t i = 0; i + 4 <= declared.len; i++) {
        if (declared.data[i] != '{' || declared.data[i + 1] != '{')
            continue;
        for (size_t j = i + 2; j + 2 <= declared.len; j++) {
            if (declared.data[j] != '}' || declared.data[j + 1] != '}')
                continue;
            *ret_before = (struct str){declared.data, i};
            *ret_after = behind(declared, j + 2);
            return true;
        }
    }
    return false;
}

/* Where the literal is found first behind at least one character of a place-holder's; 0: nowhere.
 * An earlier place need not be given up for a later one: the next place-holder can stand for all
 * that lies between them. */
static size_t find(struct str url, struct str literal)
{
    size_t span = span_of(url);
    for (size_t i = 1; i <= span; i++) {
        if (str_starts(behind(url, i), literal))
            return i;
    }
    return 0;
}

bool custom_token_url_matches(struct str declared, struct str url)
{
    struct str literal, rest;
    if (!cut(declared, &literal, &rest))
        return str_eq(declared, url);
    if (!str_starts(url, literal))
        return false;
    url = behind(url, literal.len);
    while (cut(rest, &literal, &rest)) {
        size_t at = find(url, literal);
        if (at == 0)
            return false;
        url = behind(url, at + literal.len);
    }
    return url.len > rest.len && str_ends(url, rest) && span_of(url) >= url.len - rest.len;
}

/* The last '*' takes as little as it may, and one character more each time that what follows it
 * does not match. */
#include "base/wildcard.h"

#include <stdint.h>

static bool same(char wanted, char c, unsigned flags)
{
    return wanted == c || (wanted == '?' && flags & WILDCARD_ONE) ||
           (flags & WILDCARD_NOCASE && ascii_lower(wanted) == ascii_lower(c));
}

bool wildcard_match(struct str pattern, struct str text, unsigned flags)
{
    size_t p = 0, t = 0, star = SIZE_MAX, taken_to = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            t += flags & WILDCARD_EMPTY ? 0 : 1;
            taken_to = t;
        } else if (p < pattern.len && same(pattern.data[p], text.data[t], flags)) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++taken_to;
        } else {
            return false;
        }
    }
    while (flags & WILDCARD_EMPTY && p < pattern.len && pattern.data[p] == '*')
        p++;
    return p == pattern.len;
}

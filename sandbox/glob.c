/* Matches a pattern with '*' against a text, in place and without memory of its own. */
#include "sandbox/glob.h"

#include <stdint.h>

static bool same(char a, char b, bool nocase)
{
    return a == b || (nocase && ascii_lower(a) == ascii_lower(b));
}

/* The last '*' takes one character, and one more each time that what follows it does not match. */
static bool match(struct str pattern, struct str text, bool nocase)
{
    size_t p = 0, t = 0, star = SIZE_MAX, taken_to = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            taken_to = ++t;
        } else if (p < pattern.len && same(pattern.data[p], text.data[t], nocase)) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++taken_to;
        } else {
            return false;
        }
    }
    return p == pattern.len;
}

bool glob_match(struct str pattern, struct str text)
{
    return match(pattern, text, false);
}

bool glob_match_nocase(struct str pattern, struct str text)
{
    return match(pattern, text, true);
}

bool glob_match_path(struct str pattern, struct str path)
{
    struct str pattern_segment, segment;
    for (;;) {
        if (str_eq(pattern, STR("**")))
            return path.len > 0;
        bool pattern_more = str_cut(pattern, '/', &pattern_segment, &pattern);
        bool more = str_cut(path, '/', &segment, &path);
        if (pattern_more != more)
            return false;
        if (!more)
            return glob_match(pattern, path);
        if (!glob_match(pattern_segment, segment))
            return false;
    }
}

/* One text after the other, or segment by segment. */
#include "sandbox/glob.h"

#include "base/wildcard.h"

bool glob_match(struct str pattern, struct str text)
{
    return wildcard_match(pattern, text, 0);
}

bool glob_match_nocase(struct str pattern, struct str text)
{
    return wildcard_match(pattern, text, WILDCARD_NOCASE);
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

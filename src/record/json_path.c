/* Follows the names of a path; all that comes before is read strictly, and left. */
#include "record/json_path.h"

#include "base/str.h"

#include <string.h>

enum {
    NAME_MAX_BYTES = 256
}; /* of a name with escapes, as it came: a longer one is not in a path */

/* At the value of the member whose name begins at `p`. *ret_is_it: it has that name. */
static const char *read_name(struct json_scan *scan, const char *p, struct str wanted,
                             bool *ret_is_it)
{
    struct json_string name;
    char decoded[NAME_MAX_BYTES];
    p = json_scan_name(scan, p, &name);
    if (!p)
        return NULL;
    struct str text = {name.text, name.len};
    if (name.escaped && name.len <= sizeof(decoded))
        text = (struct str){decoded, json_unescape(&name, decoded)};
    *ret_is_it = str_eq(text, wanted);
    return p;
}

/* `p` is behind '{'. At the value of the member of that name, or at '}' when there is none. */
static const char *find_member(struct json_scan *scan, const char *p, struct str wanted,
                               unsigned depth)
{
    bool is_it = false;
    p = json_scan_to_name(scan, p, true);
    while (p && *p != '}') {
        p = read_name(scan, p, wanted, &is_it);
        if (!p || is_it)
            break;
        p = json_scan_value(scan, p, depth);
        p = p ? json_scan_to_name(scan, p, false) : NULL;
    }
    return p;
}

const char *json_find_array(struct json_scan *scan, const char *p, const char *path,
                            bool *ret_found)
{
    *ret_found = false;
    for (unsigned depth = 1; *path != '\0'; depth++) {
        if (*p != '{')
            return p;
        size_t len = strcspn(path + 1, "/");
        p = find_member(scan, p + 1, (struct str){path + 1, len}, depth);
        if (!p || *p == '}')
            return p;
        path += 1 + len;
    }
    *ret_found = *p == '[';
    return *ret_found ? p + 1 : p;
}

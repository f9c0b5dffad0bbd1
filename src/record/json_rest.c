/* The head is read as the decoder reads it (json_path.h), and what is made of head and tail is
 * checked to be JSON. */
#include "record/json_rest.h"

#include "record/json_in.h"
#include "record/json_path.h"

#include <string.h>

static struct str without_mark(struct str page)
{
    static const struct str mark = STR("\xEF\xBB\xBF"); /* UTF-8's byte order mark */
    if (!str_starts(page, mark))
        return page;
    return (struct str){page.data + mark.len, page.len - mark.len};
}

static bool is_json(struct str text)
{
    struct json_scan scan = {.end = text.data + text.len};
    const char *p = json_scan_value(&scan, text.data, 0);
    return p && json_scan_blanks(&scan, p) == scan.end;
}

bool json_rest_guess(struct str page, const char *path, struct arena *arena, struct str *ret_rest)
{
    bool found = false;
    page = without_mark(page);
    struct json_scan scan = {.end = page.data + page.len};
    const char *from = json_scan_blanks(&scan, page.data);
    const char *list = from < scan.end ? json_find_array(&scan, from, path, &found) : NULL;
    const char *end = list && found ? memrchr(list, ']', (size_t)(scan.end - list)) : NULL;
    if (!end)
        return false;
    struct str head = {from, (size_t)(list - from)}, tail = {end, (size_t)(scan.end - end)};
    if (head.len + tail.len > JSON_REST_MAX)
        return false;
    *ret_rest = arena_printf(arena, "%.*s%.*s", STR_ARG(head), STR_ARG(tail));
    return is_json(*ret_rest);
}

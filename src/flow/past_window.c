/* Two times with a slash between them, as ISO 8601 writes intervals. */
#include "flow/past_window.h"

#include "flow/faults.h"
#include "record/cell.h"

enum { US_A_MS = 1000, MS_A_SECOND = 1000, DATE_LEN = 10 };

/* "2026-01-31" with what may follow: other forms that records have, such as digits alone, are taken
 * for another time than the one that is meant. From 1970 on: windows are counted from there, and a
 * window that ends there is none. */
static bool read_second(struct str text, int64_t *ret_ms)
{
    int64_t us;
    bool has_date = text.len >= DATE_LEN && text.data[4] == '-' && text.data[7] == '-';
    if (!has_date || !time_read(text, &us) || us < 0)
        return false;
    *ret_ms = us / US_A_MS / MS_A_SECOND * MS_A_SECOND;
    return true;
}

bool past_window_read(struct str text, int64_t now_ms, struct flow_window *ret_window,
                      struct error *error)
{
    struct str from, to, shown = flow_shown(text);
    if (!str_cut(text, '/', &from, &to) || !read_second(from, &ret_window->from_ms) ||
        (to.len > 0 && !read_second(to, &ret_window->to_ms)))
        return fail(error, ERR_VALIDATION,
                    "The window %.*s is not two times with a slash between them, such as "
                    "2026-01-31T00:00:00Z/2026-02-01T00:00:00Z.",
                    STR_ARG(shown));
    if (to.len == 0)
        ret_window->to_ms = now_ms / MS_A_SECOND * MS_A_SECOND;
    if (ret_window->from_ms >= ret_window->to_ms)
        return fail(error, ERR_VALIDATION,
                    "The window %.*s ends before it begins, or as it begins.", STR_ARG(shown));
    if (ret_window->to_ms > now_ms)
        return fail(error, ERR_VALIDATION,
                    "The window %.*s has not passed: what changes until its end would be missing.",
                    STR_ARG(shown));
    return true;
}

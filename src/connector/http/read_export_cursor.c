/* The cursors of a reading by exports, as texts. */
#include "connector/http/read_export_cursor.h"

#include "base/buf.h"
#include "connector/http/read_source.h"

bool export_id_is_fit(struct str id)
{
    return id.len > 0 && id.len <= READ_JOB_ID_MAX && read_name_is_fit("-_", id);
}

static bool take_word(struct str *rest, struct str *ret_word)
{
    struct str text = *rest;
    if (str_cut(text, ' ', ret_word, rest))
        return true;
    *ret_word = text;
    *rest = STR("");
    return text.len > 0;
}

static bool take_number(struct str *rest, unsigned long long most, unsigned long long *ret_number)
{
    struct str word;
    return take_word(rest, &word) && str_to_u64(word, most, ret_number);
}

bool export_cursor_read(struct str cursor, struct export_cursor *ret_at)
{
    struct str rest = cursor, word;
    *ret_at = (struct export_cursor){.id = STR_NULL};
    if (!take_word(&rest, &word) || !str_eq(word, STR("export")) ||
        !take_number(&rest, EXPORT_LATEST_S, &ret_at->from_s) ||
        !take_number(&rest, EXPORT_LATEST_S, &ret_at->to_s) || ret_at->from_s > ret_at->to_s)
        return false;
    if (rest.len == 0)
        return true;
    if (!take_word(&rest, &word) || !take_word(&rest, &ret_at->id) || !export_id_is_fit(ret_at->id))
        return false;
    if (str_eq(word, STR("new")))
        return rest.len == 0;
    ret_at->state = str_eq(word, STR("wait")) ? EXPORT_WAITS : EXPORT_IS_READ;
    if (ret_at->state == EXPORT_WAITS)
        return take_number(&rest, READ_EXPORT_POLLS_MAX, &ret_at->polls) && rest.len == 0;
    return str_eq(word, STR("at")) && take_number(&rest, EXPORT_FILE_MAX, &ret_at->offset) &&
           take_number(&rest, EXPORT_FILE_MAX, &ret_at->size) && rest.len == 0 &&
           ret_at->offset < ret_at->size;
}

struct str export_cursor_text(const struct export_cursor *cursor, struct arena *arena)
{
    struct buf out = buf_in(arena, READ_CURSOR_MAX);
    buf_printf(&out, "export %llu %llu", cursor->from_s, cursor->to_s);
    if (cursor->id.data && cursor->state == EXPORT_NEW)
        buf_printf(&out, " new %.*s", STR_ARG(cursor->id));
    else if (cursor->id.data && cursor->state == EXPORT_WAITS)
        buf_printf(&out, " wait %.*s %llu", STR_ARG(cursor->id), cursor->polls);
    else if (cursor->id.data)
        buf_printf(&out, " at %.*s %llu %llu", STR_ARG(cursor->id), cursor->offset, cursor->size);
    return buf_str(&out);
}

struct str export_cursor_job(struct str cursor)
{
    struct export_cursor at;
    return export_cursor_read(cursor, &at) && at.state != EXPORT_IS_READ ? at.id : STR_NULL;
}

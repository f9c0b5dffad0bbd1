/* Pages of vendors that leave the list out: a single record stands in its place, and nothing where
 * there is none. Such a page is made into one with a list. */
#include "connector/http/answer_reader.h"
#include "connector/http/read_call.h"

#include "base/buf.h"
#include "wire/json_pointer.h"
#include "wire/json_value.h"

#include <string.h>

/* The structure that begins the text, strings and nesting followed; it is JSON. */
static struct str structure_at(struct str text)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && --depth == 0)
            return (struct str){text.data, i + 1};
    }
    return STR_NULL;
}

static struct str without_blanks(struct str text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t' || text.data[0] == '\r' ||
                            text.data[0] == '\n'))
        text = (struct str){text.data + 1, text.len - 1};
    return text;
}

/* Of the first member of that name whose value is a structure: in a text of JSON a quoted name with
 * a colon behind it is none but a member's. */
static struct str find_structure(struct str body, struct str name, struct arena *arena)
{
    struct str quoted = arena_printf(arena, "\"%.*s\"", STR_ARG(name)), rest;
    for (size_t at = 0; at + quoted.len < body.len; at++) {
        rest = (struct str){body.data + at, body.len - at};
        if (!str_starts(rest, quoted))
            continue;
        rest = without_blanks((struct str){rest.data + quoted.len, rest.len - quoted.len});
        if (!str_starts(rest, STR(":")))
            continue;
        rest = without_blanks((struct str){rest.data + 1, rest.len - 1});
        if (str_starts(rest, STR("{")))
            return structure_at(rest);
    }
    return STR_NULL;
}

/* "/result/visit" becomes {"result":{"visit":[]}}. */
static struct str empty_page(struct str path, struct arena *arena)
{
    struct buf out = buf_in(arena, READ_PAGE_MAX);
    struct str rest = {path.data + 1, path.len - 1}, part;
    size_t depth = 1;
    while (str_cut(rest, '/', &part, &rest)) {
        buf_printf(&out, "{\"%.*s\":", STR_ARG(part));
        depth++;
    }
    buf_printf(&out, "{\"%.*s\":[]", STR_ARG(rest));
    for (size_t i = 0; i < depth; i++)
        buf_add_char(&out, '}');
    return out.overflow ? STR_NULL : buf_str(&out);
}

/* "[RECORD]" in its place, which takes READ_LONE_ROOM bytes more. */
static void enclose(struct read_page *page, char *body, struct str record)
{
    char *from = body + (record.data - body);
    size_t behind = page->body.len - (size_t)(from - body) - record.len;
    memmove(from + record.len + 2, from + record.len, behind);
    memmove(from + 1, from, record.len);
    from[0] = '[';
    from[record.len + 1] = ']';
    page->body = (struct str){body, page->body.len + READ_LONE_ROOM};
}

_Static_assert(READ_LONE_ROOM == 2, "a bracket on both sides");

/* A list, or a structure as well: what could be the records under another name. */
static bool has_records(const struct value *value, bool or_structures)
{
    for (size_t i = 0; value && i < value->count; i++) {
        const struct value *item = value->items[i];
        if (item->kind == VALUE_LIST || (or_structures && item->kind == VALUE_STRUCTURE))
            return true;
    }
    return false;
}

/* Whether the answer says that there are no records: it has what every page has, and nothing that
 * could be records there, or beside the place of the list. */
static bool is_empty(const struct value *json, struct str path, const char *needs,
                     struct arena *arena)
{
    const struct value *there = pointer_find(json, needs);
    const char *slash = memrchr(path.data, '/', path.len);
    struct str parent = {path.data, (size_t)(slash - path.data)};
    return there->kind == VALUE_STRUCTURE && !has_records(there, true) &&
           !has_records(pointer_find(json, arena_cstr(arena, parent)), false);
}

static const char *fault_of(enum json_fault fault)
{
    return fault == JSON_NO_ROOM    ? answer_no_memory
           : fault == JSON_TOO_MANY ? "a page without a list of records has more than 50,000 values"
                                    : NULL;
}

_Static_assert(JSON_ANSWER_NODES_MAX == 50 * 1000, "as the message says");

bool read_lone_take(struct read_page *page, char *body, const char *needs, const char **ret_fault)
{
    struct arena scratch = arena_beside(page->arena);
    struct str path = str_from(page->path), name = path, before, record = STR_NULL;
    struct value *json = NULL;
    enum json_fault fault = json_parse_answer(page->body, &scratch, &json);
    *ret_fault = fault_of(fault);
    bool is_answer =
        fault == JSON_READ && str_starts(path, STR("/")) && pointer_find(json, needs) != NULL;
    const struct value *there = is_answer ? pointer_find(json, page->path) : NULL;
    bool is_none = is_answer && !there && is_empty(json, path, needs, &scratch);
    while (str_cut(name, '/', &before, &name))
        continue;
    if (there && there->kind == VALUE_STRUCTURE)
        record = find_structure(page->body, name, &scratch);
    if (record.data)
        enclose(page, body, record);
    if (is_none)
        page->body = empty_page(path, page->arena);
    arena_done(&scratch);
    return record.data || is_none;
}

/* Pages of vendors that leave the list out: a single record stands in its place, and nothing where
 * there is none. Such a page is made into one with a list. */
#include "connector/http/read_call.h"

#include "base/buf.h"
#include "wire/json_pointer.h"
#include "wire/json_value.h"

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

/* "/result/visit" becomes {"result":{"visit":[RECORD]}}. */
static struct str wrap(struct str path, struct str record, struct arena *arena)
{
    struct buf out = buf_in(arena, READ_PAGE_MAX);
    struct str rest = {path.data + 1, path.len - 1}, part;
    size_t depth = 1;
    while (str_cut(rest, '/', &part, &rest)) {
        buf_printf(&out, "{\"%.*s\":", STR_ARG(part));
        depth++;
    }
    buf_printf(&out, "{\"%.*s\":[", STR_ARG(rest));
    buf_add(&out, record);
    buf_add_char(&out, ']');
    for (size_t i = 0; i < depth; i++)
        buf_add_char(&out, '}');
    return out.overflow ? STR_NULL : buf_str(&out);
}

bool read_lone_take(struct read_page *page, const char *needs)
{
    struct arena scratch = {.kind = ARENA_PLAIN};
    struct str path = str_from(page->path), name = path, before;
    struct value *json = NULL;
    bool is_answer = page->path && path.len > 1 &&
                     json_parse_answer(page->body, &scratch, &json) == JSON_READ &&
                     pointer_find(json, needs);
    const struct value *there = is_answer ? pointer_find(json, page->path) : NULL;
    bool is_lone = there && there->kind == VALUE_STRUCTURE;
    bool is_none = is_answer && !there;
    while (str_cut(name, '/', &before, &name))
        continue;
    struct str record = is_lone ? find_structure(page->body, name, &scratch) : STR("");
    struct str body =
        (is_lone && record.data) || is_none ? wrap(path, record, page->arena) : STR_NULL;
    if (body.data)
        page->body = body;
    arena_done(&scratch);
    return body.data != NULL;
}

/* Looking up members by path, and putting them into templates. */
#include "connector/http/template.h"

#include "base/encode.h"
#include "base/random.h"

#include <string.h>

bool scope_make(const struct connector *connector, const struct value *properties,
                const struct value *credentials, struct arena *arena, struct scope *ret_scope,
                struct error *error)
{
    struct scope scope = {.properties = properties, .credentials = credentials};
    if (connector->http->derive) {
        struct value *derived = value_structure(arena);
        if (!connector->http->derive(properties, arena, derived, error))
            return false;
        scope.derived = derived;
    }
    *ret_scope = scope;
    return true;
}

static const struct value *member_at(const struct value *value, struct str path)
{
    struct str name = path, rest = STR_NULL;
    while (value && path.data) {
        if (!str_cut(path, '.', &name, &rest)) {
            name = path;
            rest = STR_NULL;
        }
        const struct value *found = NULL;
        for (size_t i = 0; i < value->count && value->names; i++) {
            if (str_eq(value->names[i], name))
                found = value->items[i];
        }
        value = found;
        path = rest;
    }
    return value;
}

static const struct value *value_at(const struct scope *scope, struct str path)
{
    const struct {
        struct str name;
        const struct value *value;
    } besides[] = {
        {STR("credentials"), scope->credentials},
        {STR("derived"), scope->derived},
        {STR("session"), scope->session},
        {STR("entity"), scope->entity},
        {STR("page"), scope->page},
        {STR("item"), scope->item},
        {STR("source"), scope->source},
        {STR("read"), scope->read},
        {STR("destination"), scope->destination},
        {STR("write"), scope->write},
    };
    struct str first = path, rest = STR_NULL;
    str_cut(path, '.', &first, &rest);
    for (size_t i = 0; i < sizeof(besides) / sizeof(*besides); i++) {
        if (str_eq(first, besides[i].name))
            return rest.data ? member_at(besides[i].value, rest) : besides[i].value;
    }
    return member_at(scope->properties, path);
}

static struct str text_of(struct arena *arena, const struct value *value)
{
    if (!value)
        return STR_NULL;
    if (value->kind == VALUE_STRING)
        return value->text;
    if (value->kind == VALUE_BOOLEAN)
        return value->boolean ? STR("true") : STR("false");
    if (value->kind == VALUE_INTEGER)
        return arena_printf(arena, "%lld", (long long)value->integer);
    return STR_NULL;
}

const struct value *scope_value(const struct scope *scope, const char *path)
{
    return value_at(scope, str_from(path));
}

struct str scope_text(struct arena *arena, const struct scope *scope, const char *path)
{
    return text_of(arena, scope_value(scope, path));
}

bool scope_allows(struct arena *arena, const struct scope *scope, const char *given,
                  const char *equals)
{
    if (!given)
        return true;
    const struct value *value = scope_value(scope, given);
    if (!equals)
        return value && (value->kind != VALUE_STRING || value->text.len > 0);
    return str_eq(text_of(arena, value), str_from(equals));
}

static void add_host(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool fits = ascii_is_alnum(c) || c == '-' || c == '_' || c == '.';
        buf_add_char(out, fits ? c : '!');
    }
}

static void add_json(struct buf *out, struct str text)
{
    struct buf quoted = buf_on_heap(out->limit);
    encode_json_string(&quoted, text);
    out->overflow = out->overflow || quoted.overflow;
    if (quoted.len > 2)
        buf_add(out, (struct str){quoted.data + 1, quoted.len - 2});
    buf_done(&quoted);
}

static void add_placeholder(struct buf *out, struct str text, enum template_escape escape)
{
    if (escape == ESCAPE_PERCENT)
        encode_percent(out, text, NULL);
    else if (escape == ESCAPE_JSON)
        add_json(out, text);
    else if (escape == ESCAPE_HOST)
        add_host(out, text);
    else
        buf_add(out, text);
}

/* Splits "plain{path}rest". False when no placeholder is left; `plain` is all of it then. */
static bool next_placeholder(struct str text, struct str *ret_plain, struct str *ret_path,
                             struct str *ret_rest)
{
    *ret_plain = text;
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.data[i] != '{' || text.data[i + 1] < 'a' || text.data[i + 1] > 'z')
            continue;
        struct str after = {text.data + i + 1, text.len - i - 1};
        *ret_plain = (struct str){text.data, i};
        return str_cut(after, '}', ret_path, ret_rest);
    }
    return false;
}

static struct str placeholder_text(struct arena *arena, const struct scope *scope, struct str path)
{
    char uuid[UUID_SIZE];
    if (!str_eq(path, STR("random.uuid")))
        return text_of(arena, value_at(scope, path));
    random_uuid(uuid);
    return arena_copy(arena, str_from(uuid));
}

struct str template_fill_within(struct arena *arena, const char *template,
                                const struct scope *scope, enum template_escape escape, size_t most)
{
    struct buf out = buf_in(arena, most);
    struct str text = str_from(template), plain, path;
    while (next_placeholder(text, &plain, &path, &text)) {
        buf_add(&out, plain);
        add_placeholder(&out, placeholder_text(arena, scope, path), escape);
    }
    buf_add(&out, plain);
    return out.overflow ? STR_NULL : buf_str(&out);
}

struct str template_fill(struct arena *arena, const char *template, const struct scope *scope,
                         enum template_escape escape)
{
    return template_fill_within(arena, template, scope, escape, TEMPLATE_MAX);
}

void template_placeholders(const char *template, void (*each)(void *context, struct str path),
                           void *context)
{
    struct str text = str_from(template), plain, path;
    while (next_placeholder(text, &plain, &path, &text))
        each(context, path);
}

static void note_secret(void *context, struct str path)
{
    bool *secret = context;
    *secret = *secret || str_starts(path, STR("credentials.")) || str_starts(path, STR("session."));
}

bool template_is_secret(const char *template)
{
    bool secret = false;
    template_placeholders(template, note_secret, &secret);
    return secret;
}

/* COPY statements of databases that load objects from a bucket: Snowflake's COPY INTO, whose stage
 * is over the URL that the route names as its entity, and Redshift's COPY with a manifest. */
#include "sandbox/records/copy.h"

#include "base/encode.h"
#include "sandbox/records/dialect.h"
#include "wire/json_pointer.h"
#include "wire/json_value.h"

#include <string.h>

enum { ROW_BYTES = 2048 };

/* --- statements --- */

/* What stands between the first `before` and the next `after`. */
static bool between(struct str text, const char *before, const char *after, struct str *ret_text)
{
    const char *from = memmem(text.data, text.len, before, strlen(before));
    if (!from)
        return false;
    from += strlen(before);
    size_t left = text.len - (size_t)(from - text.data);
    const char *to = memmem(from, left, after, strlen(after));
    *ret_text = (struct str){from, to ? (size_t)(to - from) : 0};
    return to != NULL;
}

/* The next literal of a list; marks are doubled or have a backslash before them. */
static bool take_literal(struct str *list, struct arena *arena, struct str *ret_text)
{
    const char *quote = list->len > 0 ? memchr(list->data, '\'', list->len) : NULL;
    if (!quote)
        return false;
    struct buf text = buf_in(arena, list->len);
    size_t i = (size_t)(quote - list->data) + 1;
    for (; i < list->len; i++) {
        bool doubled = i + 1 < list->len && list->data[i] == '\'' && list->data[i + 1] == '\'';
        if (list->data[i] == '\'' && !doubled)
            break;
        if ((doubled || list->data[i] == '\\') && i + 1 < list->len)
            i++;
        buf_add_char(&text, list->data[i]);
    }
    if (i == list->len)
        return false;
    *list = (struct str){list->data + i + 1, list->len - i - 1};
    *ret_text = buf_str(&text);
    return true;
}

static struct str json_text(struct records_exchange *exchange, const char *member)
{
    struct value *body = NULL;
    return json_parse(exchange->request->body, exchange->arena, &body)
               ? arena_copy(exchange->arena, value_text(body, member))
               : STR("");
}

/* --- Snowflake --- */

struct copy_into {
    struct loaded_objects objects;
    struct str *paths;
    size_t *rows;
};

static bool read_into(struct records_exchange *exchange, struct copy_into *copy)
{
    struct arena *arena = exchange->arena;
    struct str sql = json_text(exchange, "sqlText"), table, files, path;
    if (!between(sql, "COPY INTO ", " FROM @", &table) ||
        !between(sql, " FILES = (", ") FILE_FORMAT = (TYPE = JSON) ", &files))
        return false;
    struct str *urls = arena_array(arena, struct str, LOADED_OBJECTS_MAX);
    copy->paths = arena_array(arena, struct str, LOADED_OBJECTS_MAX);
    copy->rows = arena_array(arena, size_t, LOADED_OBJECTS_MAX);
    copy->objects = (struct loaded_objects){
        .vendor = exchange->place->vendor, .table = table, .is_once = true, .urls = urls};
    while (copy->objects.count < LOADED_OBJECTS_MAX && take_literal(&files, arena, &path)) {
        size_t i = copy->objects.count++;
        copy->paths[i] = path;
        urls[i] = arena_printf(arena, "%.*s%.*s", STR_ARG(exchange->reply->entity), STR_ARG(path));
    }
    if (copy->objects.count > 0)
        copy->objects.name = copy->paths[0];
    return copy->objects.count > 0;
}

static void fail_into(struct records_exchange *exchange, const char *code, const char *state,
                      struct str message)
{
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_printf(&body,
               "{\"data\":{\"internalError\":false,\"errorCode\":\"%s\",\"sqlState\":\"%s\","
               "\"queryId\":\"01b7a1c2-0000-5a3c-0000-000100014af1\",\"line\":-1,\"pos\":-1},"
               "\"code\":\"%s\",\"message\":",
               code, state, code);
    encode_json_string(&body, message);
    buf_add_cstr(&body, ",\"success\":false}");
    exchange->out->body = buf_str(&body);
}

static void add_rows(struct buf *body, const struct copy_into *copy, const char *status)
{
    bool is_loaded = strcmp(status, "LOADED") == 0;
    for (size_t i = 0; i < copy->objects.count; i++) {
        buf_add_cstr(body, i > 0 ? ",[" : "[");
        encode_json_string(body, copy->objects.urls[i]);
        buf_printf(body, ",\"%s\",\"%zu\",\"%zu\",\"1\",\"%d\",%s,null,null,null]", status,
                   is_loaded ? copy->rows[i] : 0, is_loaded ? copy->rows[i] : 0, !is_loaded,
                   is_loaded ? "null" : "\"File was loaded before.\"");
    }
}

static void tell_into(struct records_exchange *exchange, const struct copy_into *copy,
                      const char *status)
{
    static const char *const names[] = {"file",
                                        "status",
                                        "rows_parsed",
                                        "rows_loaded",
                                        "error_limit",
                                        "errors_seen",
                                        "first_error",
                                        "first_error_line",
                                        "first_error_character",
                                        "first_error_column_name"};
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_add_cstr(&body, "{\"data\":{\"rowtype\":[");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        buf_printf(&body, "%s{\"name\":\"%s\",\"type\":\"text\",\"nullable\":true}",
                   i > 0 ? "," : "", names[i]);
    buf_add_cstr(&body, "],\"rowset\":[");
    add_rows(&body, copy, status);
    buf_printf(&body,
               "],\"total\":%zu,\"returned\":%zu,\"queryId\":\"01b7a1c2-0000-5a3c-0000-"
               "000100014af2\",\"statementTypeId\":12544,\"queryResultFormat\":\"json\"},"
               "\"code\":null,\"message\":null,\"success\":true}",
               copy->objects.count, copy->objects.count);
    exchange->out->body = buf_str(&body);
}

void copy_into_answer(struct records_exchange *exchange)
{
    struct copy_into copy = {0};
    struct loaded_fault fault;
    struct arena *arena = exchange->arena;
    if (!read_into(exchange, &copy)) {
        fail_into(
            exchange, "001003", "42000",
            STR("SQL compilation error:\nsyntax error: the sandbox takes COPY INTO with FILES "
                "of JSON from a stage"));
        return;
    }
    switch (loaded_take(exchange->place->loaded, &copy.objects, copy.rows, &fault)) {
    case LOADED:
        tell_into(exchange, &copy, "LOADED");
        break;
    case LOADED_BEFORE:
        tell_into(exchange, &copy, "LOAD_SKIPPED");
        break;
    case LOADED_NO_OBJECT:
        fail_into(exchange, "091016", "22000",
                  arena_printf(arena, "Remote file '%.*s' was not found.",
                               STR_ARG(copy.objects.urls[fault.object])));
        break;
    case LOADED_NO_JSON:
        fail_into(exchange, "100069", "22P02",
                  arena_printf(arena, "Error parsing JSON\n  File '%.*s', line %zu, character 1",
                               STR_ARG(copy.paths[fault.object]), fault.line));
        break;
    case LOADED_NO_FILE:
        fail_into(exchange, "300010", "XX000", STR("the sandbox cannot keep the records"));
        break;
    }
}

/* --- Redshift --- */

/* "schema"."table", or SCHEMA.TABLE, which is folded. */
static struct str table_of(struct str written, struct arena *arena)
{
    struct buf name = buf_in(arena, written.len + 1);
    bool quoted = false;
    for (size_t i = 0; i < written.len; i++) {
        char c = written.data[i];
        if (c == '"')
            quoted = !quoted;
        else
            buf_add_char(&name, quoted ? c : ascii_lower(c));
    }
    return buf_str(&name);
}

static bool read_manifest(struct loaded *loaded, struct arena *arena,
                          struct loaded_objects *objects)
{
    struct str text, *urls;
    struct value *manifest = NULL;
    if (!loaded_object(loaded, objects->name, arena, &text) || !json_parse(text, arena, &manifest))
        return false;
    const struct value *entries = value_get(manifest, "entries");
    if (!entries || entries->kind != VALUE_LIST || entries->count > LOADED_OBJECTS_MAX)
        return false;
    urls = arena_array(arena, struct str, entries->count + 1);
    for (size_t i = 0; i < entries->count; i++)
        urls[i] = value_text(entries->items[i], "url");
    objects->urls = urls;
    objects->count = entries->count;
    return true;
}

static bool fail_copy(struct copy_fault *fault, const char *sqlstate, struct str message)
{
    *fault = (struct copy_fault){sqlstate, message};
    return false;
}

static bool take(struct loaded *loaded, const struct loaded_objects *objects, struct arena *arena,
                 struct copy_fault *ret_fault)
{
    struct loaded_fault fault;
    size_t *rows = arena_array(arena, size_t, objects->count + 1);
    switch (loaded_take(loaded, objects, rows, &fault)) {
    case LOADED:
    case LOADED_BEFORE:
        break;
    case LOADED_NO_OBJECT:
        return fail_copy(
            ret_fault, "XX000",
            STR("S3ServiceException:The specified key does not exist.,Status 404,Error "
                "NoSuchKey"));
    case LOADED_NO_JSON:
        return fail_copy(ret_fault, "XX000",
                         arena_printf(arena,
                                      "Load into table '%.*s' failed.  Check "
                                      "'sys_load_error_detail' system table for details.",
                                      STR_ARG(objects->table)));
    case LOADED_NO_FILE:
        return fail_copy(ret_fault, "58030", STR("the sandbox cannot keep the records"));
    }
    return true;
}

bool copy_statement_run(struct loaded *loaded, struct str sql, struct str token,
                        struct arena *arena, struct copy_fault *ret_fault)
{
    static const struct str known[] = {STR("public.accounts"), STR("sales.orders")};
    struct loaded_objects objects = {.vendor = STR("Redshift")};
    struct str table;
    bool is_known = false;
    if (!between(sql, "COPY ", " FROM 's3://", &table) ||
        !between(sql, " FROM '", "'", &objects.name) || !str_contains(sql, STR(" MANIFEST ")))
        return fail_copy(ret_fault, "42601",
                         STR("syntax error: the sandbox takes COPY with a manifest"));
    objects.table = table_of(table, arena);
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        is_known |= str_eq(objects.table, known[i]);
    if (!is_known)
        return fail_copy(
            ret_fault, "42P01",
            arena_printf(arena, "relation \"%.*s\" does not exist", STR_ARG(objects.table)));
    if (!read_manifest(loaded, arena, &objects))
        return fail_copy(
            ret_fault, "XX000",
            STR("S3ServiceException:The specified key does not exist.,Status 404,Error "
                "NoSuchKey"));
    objects.is_once = token.len > 0;
    if (objects.is_once)
        objects.name = arena_printf(arena, "%.*s with %.*s", STR_ARG(objects.name), STR_ARG(token));
    return take(loaded, &objects, arena, ret_fault);
}

/* The statement is run at once; its id says what became of it. */
void copy_answer(struct records_exchange *exchange)
{
    struct copy_fault fault;
    struct arena *arena = exchange->arena;
    bool ok = copy_statement_run(exchange->place->loaded, json_text(exchange, "Sql"),
                                 json_text(exchange, "ClientToken"), arena, &fault);
    const char *kind = ok                                         ? "accepted"
                       : strcmp(fault.sqlstate, "42P01") == 0     ? "no-relation"
                       : str_starts(fault.message, STR("S3Serv")) ? "no-object"
                                                                  : "not-loaded";
    exchange->out->body =
        arena_printf(arena,
                     "{\"CreatedAt\":%lld.%03lld,\"Database\":\"dev\",\"Id\":\"sandbox-statement-"
                     "%s-%lld\"}",
                     (long long)exchange->now_ms / 1000, (long long)exchange->now_ms % 1000, kind,
                     (long long)exchange->now_ms);
}

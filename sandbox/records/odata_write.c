/* Writes of OData ("Protocol" 4.01, 11.4; version 2: odata.org, "Operations"): POST to an entity
 * set adds an entity, PATCH of one changes it. Decimals are texts, "12.50", in version 4 since
 * clients ask for IEEE754Compatible=true; so are times, of version 2 "/Date(1700000000000)/". Keys
 * are given by the system; a new entity may name the next one. */
#include "sandbox/records/odata.h"

#include "base/encode.h"
#include "wire/json_value.h"

#include <string.h>

enum { SHOWN_MAX = 100 };

struct odata_change {
    struct records_exchange *exchange;
    int version;
    const struct sample_entity *entity;
    struct str set; /* path of the entity set */
    size_t row;
    bool adds;
    struct written_cell *cells;
    size_t count;
};

static bool refuse(struct odata_change *change, int status, struct str message)
{
    odata_refuse(change->exchange, change->version, status, message);
    return false;
}

static bool refuse_name(struct odata_change *change, int status, const char *what, struct str name)
{
    return refuse(change, status,
                  arena_printf(change->exchange->arena, "%s '%.*s'", what,
                               STR_ARG(utf8_cut(name, SHOWN_MAX))));
}

/* --- which entity --- */

/* The text in quotes: two are one. */
static bool unquote(struct str literal, struct arena *arena, struct str *ret_text)
{
    char *text = arena_alloc(arena, literal.len + 1);
    size_t len = 0;
    if (literal.len < 2 || literal.data[0] != '\'' || literal.data[literal.len - 1] != '\'')
        return false;
    for (size_t i = 1; i + 1 < literal.len; i++) {
        if (literal.data[i] == '\'' && literal.data[++i] != '\'')
            return false;
        text[len++] = literal.data[i];
    }
    *ret_text = (struct str){text, len};
    return true;
}

/* "'1000'", or "A='1',B='2'", where the key that counts is the entity's. No value has a comma. */
static bool read_key(struct odata_change *change, struct str keys)
{
    struct str rest = keys, each, name, literal, key = STR_NULL;
    bool more = true;
    while (more) {
        each = rest;
        more = str_cut(rest, ',', &each, &rest);
        literal = each;
        bool is_named = str_cut(each, '=', &name, &literal);
        if (!is_named || str_eq(name, change->entity->key->name))
            key = literal;
    }
    struct str text;
    if (!unquote(key, change->exchange->arena, &text))
        return refuse(change, 400, STR("Malformed URI literal syntax"));
    return sample_row_of_key(change->entity, text, &change->row) ||
           refuse_name(change, 404, "Resource not found for the key", text);
}

static bool read_path(struct odata_change *change)
{
    struct records_exchange *exchange = change->exchange;
    struct str path, keys, after;
    if (!decode_percent(exchange->arena, exchange->request->path, &path) || !utf8_is_valid(path))
        return refuse(change, 400, STR("Malformed URI"));
    change->adds = str_eq(exchange->request->head->method, STR("POST"));
    bool has_key = str_cut(path, '(', &change->set, &keys);
    if (!has_key)
        change->set = path;
    const char *slash = memrchr(change->set.data, '/', change->set.len);
    struct str name = {slash + 1, change->set.len - (size_t)(slash + 1 - change->set.data)};
    change->entity = sample_find(exchange->set, name);
    if (!change->entity || !change->entity->key || change->entity->refused.data)
        return refuse_name(change, 404, "Resource not found for the segment", name);
    if (has_key == change->adds)
        return refuse(change, 405, STR("Method not allowed for the resource"));
    change->row = sample_row_count(change->entity);
    return change->adds || (str_cut(keys, ')', &keys, &after) && after.len == 0
                                ? read_key(change, keys)
                                : refuse(change, 400, STR("Malformed URI literal syntax")));
}

/* --- values --- */

/* "/Date(1700000000000)/", "/Date(1700000000000+0000)/" */
static bool read_date(struct str text, int64_t *ret_ms)
{
    unsigned long long ms;
    struct str before, number, rest;
    if (!str_starts(text, STR("/Date(")) || !str_ends(text, STR(")/")) ||
        !str_cut(text, '(', &before, &number) || !str_cut(number, ')', &number, &rest))
        return false;
    str_cut(number, '+', &number, &rest);
    bool is_before = str_starts(number, STR("-"));
    number = (struct str){number.data + is_before, number.len - is_before};
    if (!str_to_u64(number, INT64_MAX / 1000, &ms))
        return false;
    *ret_ms = is_before ? -(int64_t)ms : (int64_t)ms;
    return true;
}

static bool fill_cell(const struct odata_change *change, const struct sample_field *field,
                      const struct value *value, struct sample_cell *cell)
{
    bool is_null = !value || value->kind == VALUE_RAW;
    bool is_text = value && value->kind == VALUE_STRING;
    bool is_decimal = field->kind == SAMPLE_DECIMAL;
    bool is_2 = change->version == 2;
    if (!is_null && field->kind == SAMPLE_FLAG && is_text)
        return false;
    if (!is_null && is_decimal && !is_text)
        return false;
    if (!is_null && is_2 && field->kind == SAMPLE_TIME) {
        *cell = (struct sample_cell){.kind = SAMPLE_TIME};
        return is_text && read_date(value->text, &cell->number);
    }
    return (is_null || field->kind != SAMPLE_TEXT || is_text) &&
           cell_of_value(field, value, change->exchange->arena, cell) == CELL_FITS;
}

/* A new entity's key is the next one. */
static bool take_key(struct odata_change *change, const struct value *value)
{
    struct arena *arena = change->exchange->arena;
    const struct sample_entity *entity = change->entity;
    struct sample_cell next = sample_cell(entity, entity->key, change->row, arena);
    struct str given = value->kind == VALUE_STRING ? value->text : STR("");
    size_t row;
    if (!change->adds || str_eq(given, next.text))
        return true;
    if (sample_row_of_key(entity, given, &row))
        return refuse_name(change, 400, "The entity is there already, with the key", given);
    return refuse_name(change, 400, "The number is not in the number range:", given);
}

static bool take_member(struct odata_change *change, struct str name, const struct value *value)
{
    const struct sample_field *field = sample_field_find(change->entity, name);
    struct written_cell *cell = &change->cells[change->count];
    if (!field)
        return refuse_name(change, 400, "Property is invalid:", name);
    if (field == change->entity->key)
        return take_key(change, value);
    if (!(change->adds ? field->creatable : field->updatable))
        return refuse_name(change, 400, "Property cannot be written:", name);
    cell->field = field;
    if (!fill_cell(change, field, value, &cell->cell) ||
        (cell->cell.kind == SAMPLE_NULL && !field->nullable))
        return refuse_name(change, 400, "Invalid value for the property", name);
    change->count++;
    return true;
}

static bool read_body(struct odata_change *change)
{
    struct records_exchange *exchange = change->exchange;
    struct value *body;
    if (!json_parse(exchange->request->body, exchange->arena, &body) ||
        body->kind != VALUE_STRUCTURE)
        return refuse(change, 400, STR("The request body is no JSON object"));
    change->cells = arena_array(exchange->arena, struct written_cell, body->count + 1);
    for (size_t i = 0; i < body->count; i++) {
        if (!take_member(change, body->names[i], body->items[i]))
            return false;
    }
    return true;
}

/* --- the answer --- */

static void print_entity(struct odata_change *change)
{
    struct records_exchange *exchange = change->exchange;
    struct sandbox_response *out = exchange->out;
    struct buf body = buf_in(exchange->arena, SAMPLE_RECORD_MAX);
    const struct sample_entity *entity = sample_find(exchange->set, change->entity->name);
    struct str address = odata_address(exchange, change->set, entity, change->row);
    struct http_header *headers =
        arena_array(exchange->arena, struct http_header, out->header_count + 1);
    buf_add_cstr(&body, change->version == 2 ? "{\"d\":{" : "{\"@odata.context\":\"$metadata\",");
    if (change->version == 2)
        odata_print_metadata(&body, entity, address);
    sample_print_fields(&body, entity, NULL, 0, change->row, exchange->arena);
    buf_add_cstr(&body, change->version == 2 ? "}}" : "}");
    for (size_t i = 0; i < out->header_count; i++)
        headers[i] = out->headers[i];
    headers[out->header_count++] = (struct http_header){STR("Location"), address};
    out->headers = headers;
    out->status = 201;
    out->body = buf_str(&body);
}

static void answer(struct odata_change *change)
{
    const struct written_change written = {change->entity, change->row, false, change->cells,
                                           change->count};
    if (records_write(change->exchange, &written, 1) != WRITTEN) {
        (void)refuse(change, 500, STR("The sandbox keeps no more records"));
        return;
    }
    change->exchange->out->status = 204;
    change->exchange->out->body = STR("");
    if (!change->adds)
        return;
    records_look_again(change->exchange);
    print_entity(change);
}

void odata_write(struct records_exchange *exchange, int version)
{
    struct odata_change change = {.exchange = exchange, .version = version};
    if (read_path(&change) && read_body(&change))
        answer(&change);
}

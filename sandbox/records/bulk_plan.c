/* Checks the records of a call one by one. What the vendor does not let a client set is left out
 * without a word, as it does. */
#include "sandbox/records/bulk.h"
#include "wire/json_members.h"
#include "wire/json_value.h"

#include "base/encode.h"

enum { SHOWN_MAX = 100, MATCHES_MAX = 3 };

/* By what a resource's records are matched, what they need, and what no two of them share. */
struct bulk_rules {
    struct str entity;
    struct str matches[MATCHES_MAX]; /* of create_or_update, the first that is given */
    struct str needed, needed_text;
    struct str unique, unique_text;
    const char *create_error, *update_error;
};

static const struct bulk_rules resources[] = {
    {.entity = STR("tickets"),
     .needed = STR("description"),
     .needed_text = STR("Description: cannot be blank"),
     .create_error = "TicketCreateFailed",
     .update_error = "TicketUpdateFailed"},
    {.entity = STR("users"),
     .matches = {STR("id"), STR("external_id"), STR("email")},
     .needed = STR("name"),
     .needed_text = STR("Name: is too short (minimum is 1 characters)"),
     .unique = STR("email"),
     .unique_text = STR("Email: %.*s is already being used by another user"),
     .create_error = "UserCreateError",
     .update_error = "UserUpdateError"},
    {.entity = STR("organizations"),
     .matches = {STR("id"), STR("external_id"), STR("name")},
     .needed = STR("name"),
     .needed_text = STR("Name: cannot be blank"),
     .unique = STR("name"),
     .unique_text = STR("Name: has already been taken"),
     .create_error = "OrganizationCreateError",
     .update_error = "OrganizationUpdateError"},
    {.entity = STR("leads"),
     .matches = {STR("id"), STR("email")},
     .needed = STR("email"),
     .needed_text = STR("Value for required field 'email' not specified"),
     .create_error = "1003",
     .update_error = "1003"},
};

static const struct bulk_rules *rules_of(const struct sample_entity *entity)
{
    for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
        if (str_eq(resources[i].entity, entity->name))
            return &resources[i];
    return NULL;
}

bool bulk_takes(const struct sample_entity *entity)
{
    return entity->key && rules_of(entity);
}

/* Always false. */
static bool refuse(const struct bulk *bulk, struct bulk_item *item, struct str details)
{
    const struct bulk_rules *rules = rules_of(bulk->entity);
    item->error = item->adds ? rules->create_error : rules->update_error;
    item->details = details;
    return false;
}

/* --- fields --- */

static bool is_choice(const struct sample_field *field, const struct sample_cell *cell)
{
    for (size_t i = 0; i < field->choice_count; i++)
        if (str_eq(field->choices[i], cell->text))
            return true;
    return field->choice_count == 0 || cell->kind != SAMPLE_TEXT;
}

static bool plan_field(const struct bulk *bulk, struct bulk_item *item,
                       const struct sample_field *field, const struct value *value,
                       struct written_cell *cell)
{
    struct arena *arena = bulk->exchange->arena;
    cell->field = field;
    enum cell_fault fault = cell_of_value(field, value, arena, &cell->cell);
    if (fault == CELL_FITS && is_choice(field, &cell->cell))
        return true;
    return refuse(bulk, item, arena_printf(arena, "%.*s: is invalid", STR_ARG(field->label)));
}

/* The first comment of a ticket is its description. */
static struct str comment_text(const struct value *parsed)
{
    const struct value *comment = value_get(parsed, "comment");
    struct str body = value_text(comment, "body");
    return body.len > 0 ? body : value_text(comment, "html_body");
}

static void plan_comment(struct bulk_item *item, const struct sample_entity *entity,
                         const struct value *parsed, struct written_cell *cells)
{
    const struct sample_field *field = sample_field_find(entity, STR("description"));
    struct str text = comment_text(parsed);
    if (item->adds && field && text.len > 0)
        cells[item->count++] = (struct written_cell){field, {.kind = SAMPLE_TEXT, .text = text}};
}

static bool plan_fields(struct bulk *bulk, struct bulk_item *item, const struct value *parsed,
                        struct str record)
{
    struct json_members members = json_members_of(record);
    struct json_text_member member;
    struct arena *arena = bulk->exchange->arena;
    struct written_cell *cells =
        arena_array(arena, struct written_cell, bulk->entity->field_count + 1);
    item->cells = cells;
    while (json_members_next(&members, &member)) {
        const struct sample_field *field = sample_field_find(bulk->entity, member.name);
        if (!field || !(item->adds ? field->creatable : field->updatable))
            continue;
        const struct value *value = value_get(parsed, arena_cstr(arena, member.name));
        if (!plan_field(bulk, item, field, value, &cells[item->count++]))
            return false;
    }
    plan_comment(item, bulk->entity, parsed, cells);
    return true;
}

/* --- the whole record --- */

static const struct written_cell *cell_of(const struct bulk_item *item, struct str name)
{
    for (size_t i = 0; i < item->count; i++)
        if (str_eq(item->cells[i].field->name, name))
            return &item->cells[i];
    return NULL;
}

static bool check_needed(const struct bulk *bulk, struct bulk_item *item)
{
    const struct bulk_rules *rules = rules_of(bulk->entity);
    const struct written_cell *cell = cell_of(item, rules->needed);
    bool is_empty = cell ? cell->cell.text.len == 0 : item->adds;
    return !is_empty || refuse(bulk, item, rules->needed_text);
}

/* Of the call's own records before this one. */
static bool is_taken_before(const struct bulk *bulk, const struct bulk_item *item,
                            const struct written_cell *cell)
{
    for (size_t i = 0; i < bulk->count; i++) {
        const struct written_cell *other = cell_of(&bulk->items[i], cell->field->name);
        if (!bulk->items[i].error && bulk->items[i].row != item->row && other &&
            str_eq_nocase(other->cell.text, cell->cell.text))
            return true;
    }
    return false;
}

static bool check_unique(struct bulk *bulk, struct bulk_item *item)
{
    const struct bulk_rules *rules = rules_of(bulk->entity);
    const struct written_cell *cell = rules->unique.data ? cell_of(item, rules->unique) : NULL;
    struct arena *arena = bulk->exchange->arena;
    struct buf text = buf_in(arena, SAMPLE_TEXT_MAX);
    size_t row = item->row;
    if (!cell || cell->cell.text.len == 0)
        return true;
    bool is_taken =
        value_lookup_find(&bulk->lookup, bulk->entity, cell->field, &cell->cell, &row) > 0 &&
        row != item->row;
    if (!is_taken && !is_taken_before(bulk, item, cell))
        return true;
    buf_add_replaced(&text, rules->unique_text, STR("%.*s"), utf8_cut(cell->cell.text, SHOWN_MAX));
    return refuse(bulk, item, buf_str(&text));
}

/* --- which record --- */

static size_t next_row(const struct bulk *bulk)
{
    size_t row = sample_row_count(bulk->entity);
    for (size_t i = 0; i < bulk->count; i++)
        row += bulk->items[i].adds && !bulk->items[i].error;
    return row;
}

static bool find_by_id(struct bulk *bulk, struct bulk_item *item, const struct value *id)
{
    struct buf text = buf_in(bulk->exchange->arena, SHOWN_MAX);
    if (id && id->kind == VALUE_INTEGER)
        buf_add_i64(&text, id->integer);
    else if (id && id->kind == VALUE_STRING)
        buf_add(&text, id->text);
    item->adds = false;
    return (text.len > 0 && sample_row_of_key(bulk->entity, buf_str(&text), &item->row)) ||
           refuse(bulk, item, STR("RecordNotFound"));
}

/* A record that this call adds, or one that is there. */
static bool find_match(struct bulk *bulk, struct bulk_item *item, const struct value *parsed)
{
    const struct bulk_rules *rules = rules_of(bulk->entity);
    struct arena *arena = bulk->exchange->arena;
    item->adds = true;
    if (value_get(parsed, "id"))
        return find_by_id(bulk, item, value_get(parsed, "id"));
    for (size_t i = 1; i < MATCHES_MAX && rules->matches[i].data && item->adds; i++) {
        const struct sample_field *field = sample_field_find(bulk->entity, rules->matches[i]);
        const struct value *value = value_get(parsed, arena_cstr(arena, rules->matches[i]));
        struct sample_cell cell;
        if (!field || !value || cell_of_value(field, value, arena, &cell) != CELL_FITS)
            continue;
        if (cell.kind == SAMPLE_NULL || cell.text.len == 0) /* nothing to match by */
            continue;
        for (size_t k = 0; k < bulk->count && item->adds; k++) {
            if (bulk->items[k].error)
                continue;
            const struct written_cell *other = cell_of(&bulk->items[k], field->name);
            item->adds = !other || !str_eq_nocase(other->cell.text, cell.text);
            item->row = bulk->items[k].row;
        }
        if (item->adds)
            item->adds =
                value_lookup_find(&bulk->lookup, bulk->entity, field, &cell, &item->row) == 0;
    }
    return true;
}

static bool plan(struct bulk *bulk, struct bulk_item *item, struct str record)
{
    struct value *parsed;
    item->adds = bulk->operation == BULK_CREATE;
    if (!json_parse(record, bulk->exchange->arena, &parsed) || parsed->kind != VALUE_STRUCTURE)
        return refuse(bulk, item, STR("is invalid"));
    if (bulk->operation == BULK_UPDATE && !find_by_id(bulk, item, value_get(parsed, "id")))
        return false;
    if (bulk->operation == BULK_CREATE_OR_UPDATE && !find_match(bulk, item, parsed))
        return false;
    if (item->adds)
        item->row = next_row(bulk);
    return plan_fields(bulk, item, parsed, record) && check_needed(bulk, item) &&
           check_unique(bulk, item);
}

void bulk_plan(struct bulk *bulk, struct str record)
{
    struct bulk_item *item = &bulk->items[bulk->count];
    *item = (struct bulk_item){0};
    (void)plan(bulk, item, record);
    bulk->count++;
}

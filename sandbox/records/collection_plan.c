/* Checks the records of a call one by one: codes and texts of "Status Codes" in the SOAP API guide.
 */
#include "sandbox/records/collection.h"
#include "wire/json_members.h"
#include "wire/json_value.h"

#include "base/encode.h"

enum { ID_LEN = 18, ID_LEN_SHORT = 15, ID_PREFIX_LEN = 3, SHOWN_MAX = 100 };

/* Always false. */
static bool refuse(struct collection_item *item, const char *code, struct str message,
                   struct str field)
{
    item->code = code;
    item->message = message;
    item->field = field;
    return false;
}

static struct arena *arena_of(const struct collection *collection)
{
    return collection->exchange->arena;
}

/* --- ids --- */

static bool refuse_id(const struct collection *collection, struct collection_item *item,
                      const struct sample_field *field, struct str id)
{
    struct str shown = utf8_cut(id, SHOWN_MAX);
    return refuse(item, "MALFORMED_ID",
                  arena_printf(arena_of(collection), "%.*s: id value of incorrect type: %.*s",
                               STR_ARG(field->label), STR_ARG(shown)),
                  field->name);
}

static bool id_is_of(const struct sample_entity *entity, struct str id)
{
    struct str prefix = {entity->ids.data, ID_PREFIX_LEN};
    return (id.len == ID_LEN || id.len == ID_LEN_SHORT) && str_starts(id, prefix);
}

/* Whether there are records with ids. */
static bool can_be_written(const struct sample_entity *entity)
{
    return !entity->refused.data && entity->key && entity->ids.len >= ID_PREFIX_LEN;
}

/* The record that an item is about, which must be there. */
static bool find_by_id(const struct collection *collection, struct collection_item *item,
                       struct str id)
{
    const struct sample_entity *entity = item->entity;
    if (!id_is_of(entity, id))
        return refuse_id(collection, item, entity->key, id);
    if (!sample_row_of_key(entity, id, &item->row))
        return refuse(item, "INVALID_CROSS_REFERENCE_KEY", STR("invalid cross reference id"),
                      STR_NULL);
    bool is_deleted = sample_is_deleted(entity, item->row);
    for (size_t i = 0; i < collection->count && !is_deleted; i++) {
        const struct collection_item *before = &collection->items[i];
        is_deleted = before->deletes && !before->code && before->entity == entity &&
                     before->row == item->row;
    }
    return !is_deleted || refuse(item, "ENTITY_IS_DELETED", STR("entity is deleted"), STR_NULL);
}

/* A key of another record, where its entity has records here. It gets its long form. */
static bool check_reference(const struct collection *collection, struct collection_item *item,
                            const struct sample_field *field, struct sample_cell *cell)
{
    const struct sample_entity *other =
        sample_find(collection->exchange->set, sample_reference(field));
    size_t row;
    if (cell->kind != SAMPLE_TEXT || !other || !can_be_written(other))
        return true;
    if (!id_is_of(other, cell->text))
        return refuse_id(collection, item, field, cell->text);
    if (!sample_row_of_key(other, cell->text, &row))
        return refuse(item, "INVALID_CROSS_REFERENCE_KEY", STR("invalid cross reference id"),
                      field->name);
    *cell = sample_cell(other, other->key, row, arena_of(collection));
    return true;
}

/* --- fields --- */

static bool refuse_value(const struct collection *collection, struct collection_item *item,
                         const struct sample_field *field, enum cell_fault fault, struct str text)
{
    struct arena *arena = arena_of(collection);
    struct str shown = utf8_cut(text, SHOWN_MAX);
    if (fault == CELL_TOO_LONG)
        return refuse(item, "STRING_TOO_LONG",
                      arena_printf(arena, "%.*s: data value too large: %.*s (max length=%d)",
                                   STR_ARG(field->label), STR_ARG(shown), field->length),
                      field->name);
    if (fault == CELL_OUT_OF_RANGE)
        return refuse(item, "NUMBER_OUTSIDE_VALID_RANGE",
                      arena_printf(arena,
                                   "%.*s: value outside of valid range on numeric field: "
                                   "%.*s",
                                   STR_ARG(field->label), STR_ARG(shown)),
                      field->name);
    return refuse(item, "INVALID_TYPE_ON_FIELD_IN_RECORD",
                  arena_printf(arena, "%.*s: value not of required type: %.*s",
                               STR_ARG(field->label), STR_ARG(shown)),
                  field->name);
}

static bool may_write(const struct collection_item *item, const struct sample_field *field)
{
    return item->adds ? field->creatable : field->updatable;
}

static bool plan_field(const struct collection *collection, struct collection_item *item,
                       const struct sample_field *field, const struct value *value, struct str text,
                       struct written_cell *cell)
{
    struct arena *arena = arena_of(collection);
    if (!may_write(item, field))
        return refuse(item, "INVALID_FIELD_FOR_INSERT_UPDATE",
                      arena_printf(arena,
                                   "Unable to create/update fields: %.*s. Please check the "
                                   "security settings of this field and verify that it is "
                                   "read/write for your profile or permission set.",
                                   STR_ARG(field->name)),
                      field->name);
    cell->field = field;
    enum cell_fault fault = cell_of_value(field, value, arena, &cell->cell);
    if (value && value->kind == VALUE_STRING)
        text = value->text;
    if (fault != CELL_FITS)
        return refuse_value(collection, item, field, fault, text);
    if (cell->cell.kind == SAMPLE_TEXT && cell->cell.text.len == 0)
        cell->cell.kind = SAMPLE_NULL; /* the vendor keeps no empty texts */
    if (cell->cell.kind == SAMPLE_NULL && field->kind == SAMPLE_FLAG)
        cell->cell = (struct sample_cell){.kind = SAMPLE_FLAG};
    return check_reference(collection, item, field, &cell->cell);
}

static bool plan_fields(struct collection *collection, struct collection_item *item,
                        const struct value *parsed, struct str record)
{
    struct json_members members = json_members_of(record);
    struct json_text_member member;
    struct arena *arena = arena_of(collection);
    const struct sample_entity *entity = item->entity;
    struct written_cell *cells = arena_array(arena, struct written_cell, entity->field_count);
    item->cells = cells;
    while (json_members_next(&members, &member)) {
        const struct sample_field *field = sample_field_find_nocase(entity, member.name);
        bool is_id = field == entity->key;
        if (str_eq(member.name, STR("attributes")) ||
            (is_id && collection->operation != COLLECTION_INSERT))
            continue;
        if (!field || item->count == entity->field_count)
            return refuse(item, "INVALID_FIELD",
                          arena_printf(arena, "No such column '%.*s' on sobject of type %.*s",
                                       STR_ARG(utf8_cut(member.name, SHOWN_MAX)),
                                       STR_ARG(entity->name)),
                          STR_NULL);
        const struct value *value = value_get(parsed, arena_cstr(arena, member.name));
        if (!plan_field(collection, item, field, value, member.value, &cells[item->count++]))
            return false;
    }
    return true;
}

/* --- the whole record --- */

static const struct written_cell *cell_of(const struct collection_item *item,
                                          const struct sample_field *field)
{
    for (size_t i = 0; i < item->count; i++)
        if (item->cells[i].field == field)
            return &item->cells[i];
    return NULL;
}

static bool check_required(const struct collection *collection, struct collection_item *item)
{
    for (size_t i = 0; i < item->entity->field_count; i++) {
        const struct sample_field *field = &item->entity->fields[i];
        const struct written_cell *cell = cell_of(item, field);
        bool is_needed =
            field->creatable && !field->nullable && !field->defaulted && field->kind != SAMPLE_FLAG;
        bool is_empty = cell ? cell->cell.kind == SAMPLE_NULL : item->adds;
        if (is_needed && is_empty)
            return refuse(item, "REQUIRED_FIELD_MISSING",
                          arena_printf(arena_of(collection), "Required fields are missing: [%.*s]",
                                       STR_ARG(field->name)),
                          field->name);
    }
    return true;
}

static bool cells_are_alike(const struct sample_cell *a, const struct sample_cell *b)
{
    return a->kind == b->kind && a->number == b->number && str_eq_nocase(a->text, b->text);
}

static bool refuse_duplicate(const struct collection *collection, struct collection_item *item,
                             const struct sample_field *field, size_t row)
{
    struct sample_cell key =
        sample_cell(item->entity, item->entity->key, row, arena_of(collection));
    return refuse(item, "DUPLICATE_VALUE",
                  arena_printf(arena_of(collection),
                               "duplicate value found: %.*s duplicates value on record with id: "
                               "%.*s",
                               STR_ARG(field->name), STR_ARG(key.text)),
                  STR_NULL);
}

static bool check_unique(struct collection *collection, struct collection_item *item)
{
    for (size_t i = 0; i < item->count; i++) {
        const struct written_cell *cell = &item->cells[i];
        size_t row;
        if (!cell->field->is_unique || cell->cell.kind == SAMPLE_NULL)
            continue;
        if (value_lookup_find(&collection->lookup, item->entity, cell->field, &cell->cell, &row) >
                0 &&
            (item->adds || row != item->row))
            return refuse_duplicate(collection, item, cell->field, row);
        for (size_t k = 0; k < collection->count; k++) {
            const struct collection_item *before = &collection->items[k];
            const struct written_cell *other = cell_of(before, cell->field);
            if (before->entity == item->entity && !before->code && other &&
                before->row != item->row && cells_are_alike(&other->cell, &cell->cell))
                return refuse_duplicate(collection, item, cell->field, before->row);
        }
    }
    return true;
}

/* --- which record --- */

static size_t next_row(const struct collection *collection, const struct sample_entity *entity)
{
    size_t row = sample_row_count(entity);
    for (size_t i = 0; i < collection->count; i++)
        row += collection->items[i].entity == entity && collection->items[i].adds &&
               !collection->items[i].code;
    return row;
}

static bool plan_upsert(struct collection *collection, struct collection_item *item,
                        const struct value *value)
{
    const struct sample_field *field = collection->external;
    struct arena *arena = arena_of(collection);
    struct sample_cell cell;
    if (field == item->entity->key) {
        item->adds = !value;
        return item->adds ||
               find_by_id(collection, item, value->kind == VALUE_STRING ? value->text : STR(""));
    }
    if (!value || cell_of_value(field, value, arena, &cell) != CELL_FITS ||
        cell.kind == SAMPLE_NULL)
        return refuse(item, "MISSING_ARGUMENT",
                      arena_printf(arena, "%.*s not specified", STR_ARG(field->name)), STR_NULL);
    for (size_t i = 0; i < collection->count; i++) {
        const struct written_cell *before = cell_of(&collection->items[i], field);
        if (before && cells_are_alike(&before->cell, &cell))
            return refuse(item, "DUPLICATE_VALUE", STR("Duplicate external id specified"),
                          field->name);
    }
    size_t found = value_lookup_find(&collection->lookup, item->entity, field, &cell, &item->row);
    item->adds = found == 0;
    return found < 2 ||
           refuse(item, "DUPLICATE_EXTERNAL_ID",
                  STR("Upsert: more than one record found for external id field"), field->name);
}

/* Which of the record's members is the field, whatever the case of its letters. */
static const struct value *member_of(const struct value *parsed, struct str name)
{
    for (size_t i = 0; i < parsed->count; i++)
        if (str_eq_nocase(parsed->names[i], name))
            return parsed->items[i];
    return NULL;
}

static bool find_record(struct collection *collection, struct collection_item *item,
                        const struct value *parsed)
{
    const struct value *id = member_of(parsed, item->entity->key->name);
    item->adds = collection->operation == COLLECTION_INSERT;
    if (collection->operation == COLLECTION_UPSERT)
        return plan_upsert(collection, item, member_of(parsed, collection->external->name));
    if (item->adds)
        return true;
    if (!id || id->kind != VALUE_STRING)
        return refuse(item, "MISSING_ARGUMENT", STR("Id not specified in an update call"),
                      STR_NULL);
    return find_by_id(collection, item, id->text);
}

static bool plan(struct collection *collection, struct collection_item *item, struct str record)
{
    struct value *parsed;
    struct arena *arena = arena_of(collection);
    if (!json_parse(record, arena, &parsed) || parsed->kind != VALUE_STRUCTURE)
        return refuse(item, "JSON_PARSER_ERROR", STR("A record is no JSON object."), STR_NULL);
    struct str type = value_text(value_get(parsed, "attributes"), "type");
    item->entity = collection->entity ? collection->entity
                                      : sample_find_nocase(collection->exchange->set, type);
    bool fits = item->entity && can_be_written(item->entity) &&
                (!type.data || str_eq_nocase(type, item->entity->name));
    if (!fits)
        item->entity = NULL;
    if (!fits)
        return refuse(item, "INVALID_TYPE",
                      arena_printf(arena, "sObject type '%.*s' is not supported.",
                                   STR_ARG(utf8_cut(type.data ? type : STR(""), SHOWN_MAX))),
                      STR_NULL);
    if (!find_record(collection, item, parsed))
        return false;
    if (item->adds)
        item->row = next_row(collection, item->entity);
    return plan_fields(collection, item, parsed, record) && check_required(collection, item) &&
           check_unique(collection, item);
}

void collection_plan(struct collection *collection, struct str record)
{
    struct collection_item *item = &collection->items[collection->count];
    *item = (struct collection_item){0};
    (void)plan(collection, item, record);
    collection->count++;
}

void collection_plan_delete(struct collection *collection, struct str id)
{
    const struct sample_set *set = collection->exchange->set;
    struct collection_item *item = &collection->items[collection->count];
    *item = (struct collection_item){.deletes = true};
    for (size_t i = 0; i < set->entity_count && !item->entity; i++)
        if (can_be_written(&set->entities[i]) && id_is_of(&set->entities[i], id))
            item->entity = &set->entities[i];
    if (!item->entity)
        refuse(item, "MALFORMED_ID",
               arena_printf(arena_of(collection), "malformed id %.*s",
                            STR_ARG(utf8_cut(id, SHOWN_MAX))),
               STR_NULL);
    else
        (void)find_by_id(collection, item, id);
    collection->count++;
}

/* Reads the fields of an entity from the vendor's own description of it, so that records have
 * exactly the fields that a client which asks for the description sees. */
#include "sandbox/records/load_records.h"
#include "sandbox/records/maker.h"

enum { NUMBER_MAX = 1000 * 1000, SCALE_MAX = 15 };

/* What a description calls a member; STR_NULL: it has no such member. */
static const struct value *member(const struct reader *reader, const struct value *item,
                                  const struct value *members, const char *what)
{
    struct str name = value_text(members, what);
    return name.data ? value_get(item, arena_cstr(reader->arena, name)) : NULL;
}

static struct str text_member(const struct reader *reader, const struct value *item,
                              const struct value *members, const char *what)
{
    const struct value *value = member(reader, item, members, what);
    return value && value->kind == VALUE_STRING ? value->text : STR_NULL;
}

/* A flag, or a text that says one. */
static bool flag_member(const struct reader *reader, const struct value *item,
                        const struct value *members, const char *what, bool when_absent)
{
    const struct value *value = member(reader, item, members, what);
    if (value && value->kind == VALUE_BOOLEAN)
        return value->boolean;
    if (value && value->kind == VALUE_STRING)
        return str_eq(value->text, STR("true"));
    return when_absent;
}

static int number_member(const struct reader *reader, const struct value *item,
                         const struct value *members, const char *what)
{
    const struct value *value = member(reader, item, members, what);
    unsigned long long number = 0;
    if (value && value->kind == VALUE_INTEGER && value->integer > 0 && value->integer <= NUMBER_MAX)
        return (int)value->integer;
    if (value && value->kind == VALUE_STRING && !str_to_u64(value->text, NUMBER_MAX, &number))
        return 0;
    return (int)number;
}

/* Values are texts, or objects with a member "value". */
static void read_choices(const struct reader *reader, const struct value *item,
                         const struct value *members, struct sample_field *field)
{
    const struct value *list = member(reader, item, members, "choices");
    size_t count = list && list->kind == VALUE_LIST ? list->count : 0;
    struct str *choices = arena_array(reader->arena, struct str, count);
    for (size_t i = 0; i < count; i++) {
        const struct value *choice = list->items[i];
        struct str text = choice->kind == VALUE_STRING ? choice->text : value_text(choice, "value");
        if (text.data)
            choices[field->choice_count++] = text;
    }
    field->choices = choices;
}

/* The first of a list, or a text. */
static struct str read_refers(const struct reader *reader, const struct value *item,
                              const struct value *members)
{
    const struct value *refers = member(reader, item, members, "refers");
    if (refers && refers->kind == VALUE_LIST && refers->count > 0)
        refers = refers->items[0];
    return refers && refers->kind == VALUE_STRING ? refers->text : STR_NULL;
}

/* What the description does not say no write may do. */
static void read_writes(const struct reader *reader, const struct value *item,
                        const struct value *members, struct sample_field *field)
{
    field->label = text_member(reader, item, members, "label");
    if (!field->label.data)
        field->label = field->name;
    field->creatable = flag_member(reader, item, members, "creatable", false);
    field->updatable = flag_member(reader, item, members, "updatable", false);
    field->defaulted = flag_member(reader, item, members, "defaulted", false);
    field->is_unique = flag_member(reader, item, members, "unique", false);
    field->is_external = flag_member(reader, item, members, "external", false);
}

static const struct value *find_maker(const struct reader *reader, const struct field_rules *rules,
                                      const struct sample_field *field)
{
    const char *name = arena_cstr(reader->arena, field->name);
    const struct value *found = value_get(rules->own, name);
    if (!found)
        found = value_get(rules->common, name);
    return found ? found : value_get(rules->types, arena_cstr(reader->arena, field->type));
}

static bool load_field(const struct reader *reader, struct str where, const struct value *item,
                       const struct field_rules *rules, struct sample_field *field)
{
    const struct value *members = rules->members;
    field->name = text_member(reader, item, members, "name");
    field->type = text_member(reader, item, members, "type");
    if (!field->name.data || !field->type.data)
        return reader_fail(reader, where, "a field has no name or no type.");
    field->nullable = flag_member(reader, item, members, "nullable", false) ||
                      !flag_member(reader, item, members, "required", true);
    field->filterable = flag_member(reader, item, members, "filterable", true);
    field->sortable = flag_member(reader, item, members, "sortable", field->filterable);
    field->length = number_member(reader, item, members, "length");
    field->precision = number_member(reader, item, members, "precision");
    field->scale = number_member(reader, item, members, "scale");
    if (field->scale > SCALE_MAX)
        return reader_fail(reader, where, "a scale is more than %d.", SCALE_MAX);
    field->refers = read_refers(reader, item, members);
    read_writes(reader, item, members, field);
    read_choices(reader, item, members, field);
    struct sample_maker *maker = arena_new(reader->arena, struct sample_maker);
    const struct value *rule = find_maker(reader, rules, field);
    where = reader_in(reader, where, field->name);
    if (!rule)
        return reader_fail(reader, where, "there is no maker for the type \"%.*s\".",
                           STR_ARG(field->type));
    field->maker = maker;
    if (!load_maker(reader, where, rule, maker))
        return false;
    field->kind = maker->gives;
    return true;
}

/* What each record has, whatever its description says. */
static bool is_always_there(const struct sample_maker *maker)
{
    return maker->kind == MAKER_ID || maker->kind == MAKER_CREATED ||
           maker->kind == MAKER_CHANGED || maker->kind == MAKER_DELETED;
}

/* The fields that stand for others have the kind of these. */
static bool settle_fields(const struct reader *reader, struct str where,
                          struct sample_entity *entity, struct sample_field *fields)
{
    for (size_t i = 0; i < entity->field_count; i++) {
        struct sample_field *field = &fields[i];
        field->seed = maker_seed(entity->seed, field->name);
        bool is_key = field->maker->kind == MAKER_ID;
        field->nullable = field->nullable && !is_always_there(field->maker);
        if (is_key)
            entity->key = field;
        field->is_exact = is_key || field->maker->kind == MAKER_REFERENCE;
        if (field->is_exact && entity->set->forms.ids == IDS_NUMBER)
            field->kind = SAMPLE_INTEGER;
        if (field->maker->kind == MAKER_DELETED)
            entity->deleted = field;
        if (field->maker->kind != MAKER_SAME)
            continue;
        const struct sample_field *other = sample_field_find(entity, field->maker->text);
        if (!other || other->maker->kind == MAKER_SAME || other->maker->gives == SAMPLE_NESTED)
            return reader_fail(reader, reader_in(reader, where, field->name),
                               "must name a plain field.");
        field->kind = other->kind;
    }
    return true;
}

/* "fields", or "object/fields". NULL: there is none. */
static const struct value *find_list(const struct reader *reader, const struct value *description,
                                     struct str path)
{
    const struct value *found = path.data ? description : NULL;
    struct str name = path, rest = path;
    while (found && str_cut(rest, '/', &name, &rest))
        found = value_get(found, arena_cstr(reader->arena, name));
    return found ? value_get(found, arena_cstr(reader->arena, rest)) : NULL;
}

bool load_fields(const struct reader *reader, struct str where, const struct value *description,
                 const struct field_rules *rules, struct sample_entity *entity)
{
    const struct value *list = find_list(reader, description, value_text(rules->members, "list"));
    if (!list || list->kind != VALUE_LIST || list->count == 0 || list->count > SAMPLE_FIELDS_MAX)
        return reader_fail(reader, where, "describes no fields, or more than %d.",
                           SAMPLE_FIELDS_MAX);
    struct sample_field *fields = arena_array(reader->arena, struct sample_field, list->count);
    for (size_t i = 0; i < list->count; i++) {
        if (!flag_member(reader, list->items[i], rules->members, "read", true))
            continue;
        if (!load_field(reader, where, list->items[i], rules, &fields[entity->field_count]))
            return false;
        entity->field_count++;
    }
    entity->fields = fields;
    return settle_fields(reader, where, entity, fields);
}

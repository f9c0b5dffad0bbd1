/* Reads the makers of a sandbox file: "name", "reference ENTITY", "same FIELD", "list MAKER", a
 * text with placeholders, a list of values, a number or flag that is always the same, and an object
 * or list of makers. */
#include "sandbox/records/load_records.h"
#include "sandbox/records/maker.h"

enum { DECIMAL_SCALE_MAX = 15 };

static bool load_choices(const struct reader *reader, struct str where, const struct value *value,
                         struct sample_maker *maker)
{
    maker->kind = MAKER_CHOICE;
    maker->gives = SAMPLE_TEXT;
    return reader_texts(reader, where, value, &maker->choices, &maker->count) &&
           (maker->count > 0 || reader_fail(reader, where, "is empty."));
}

static bool load_parts(const struct reader *reader, struct str where, const struct value *value,
                       struct sample_maker *maker)
{
    struct sample_maker *parts = arena_array(reader->arena, struct sample_maker, value->count);
    if (value->count > VENDOR_ITEMS_MAX)
        return reader_fail(reader, where, "has more than %d parts.", VENDOR_ITEMS_MAX);
    for (size_t i = 0; i < value->count; i++)
        if (!load_maker(reader, reader_at(reader, where, i), value->items[i], &parts[i]))
            return false;
    *maker = (struct sample_maker){.kind = MAKER_OBJECT,
                                   .gives = SAMPLE_NESTED,
                                   .names = value->names,
                                   .parts = parts,
                                   .count = value->count};
    return true;
}

static bool load_constant(const struct value *value, struct sample_maker *maker)
{
    bool is_flag = value->kind == VALUE_BOOLEAN;
    *maker = (struct sample_maker){.kind = MAKER_CONSTANT,
                                   .gives = is_flag ? SAMPLE_FLAG : SAMPLE_INTEGER,
                                   .number = is_flag ? value->boolean : value->integer};
    return true;
}

static bool load_list(const struct reader *reader, struct str where, struct str item,
                      struct sample_maker *maker)
{
    struct sample_maker *part = arena_new(reader->arena, struct sample_maker);
    *maker = (struct sample_maker){
        .kind = MAKER_LIST, .gives = SAMPLE_NESTED, .parts = part, .count = 1};
    return load_maker(reader, where, value_string(reader->arena, item), part);
}

static bool load_named(const struct reader *reader, struct str where, struct str text,
                       struct sample_maker *maker)
{
    struct str name = text, argument = STR_NULL;
    str_cut(text, ' ', &name, &argument);
    if (str_contains(text, STR("{"))) {
        *maker = (struct sample_maker){.kind = MAKER_PATTERN, .gives = SAMPLE_TEXT, .text = text};
        return true;
    }
    if (str_eq(name, STR("list")) && argument.data)
        return load_list(reader, where, argument, maker);
    maker->text = argument;
    if (str_eq(name, STR("same")) && argument.data) {
        maker->kind = MAKER_SAME;
        return true;
    }
    if (!maker_kind_from(name, &maker->kind, &maker->gives))
        return reader_fail(reader, where, "there is no maker \"%.*s\".", STR_ARG(name));
    unsigned long long digits;
    if (maker->kind == MAKER_DECIMAL && str_to_u64(argument, DECIMAL_SCALE_MAX, &digits)) {
        maker->number = (int64_t)digits;
        return true;
    }
    return !argument.data || maker->kind == MAKER_REFERENCE ||
           reader_fail(reader, where, "\"%.*s\" is not for it.", STR_ARG(argument));
}

bool load_maker(const struct reader *reader, struct str where, const struct value *value,
                struct sample_maker *maker)
{
    bool is_list = value->kind == VALUE_LIST;
    if (is_list && (value->count == 0 || value->items[0]->kind == VALUE_STRING))
        return load_choices(reader, where, value, maker);
    if (is_list || value->kind == VALUE_STRUCTURE)
        return load_parts(reader, where, value, maker);
    if (value->kind == VALUE_INTEGER || value->kind == VALUE_BOOLEAN)
        return load_constant(value, maker);
    if (value->kind == VALUE_STRING)
        return load_named(reader, where, value->text, maker);
    return reader_fail(reader, where, "must be a maker.");
}

/* Reads how a response of the dialect "pages" is asked for, and what stands around its records. */
#include "sandbox/records/load_records.h"
#include "sandbox/records/pages.h"

static const struct member_rule pages_members[] = {
    {"entity_in", VALUE_STRING, false},      {"back", VALUE_INTEGER, false},
    {"size", VALUE_STRING, false},           {"cursor", VALUE_STRING, false},
    {"fields", VALUE_STRING, false},         {"bounds", VALUE_STRUCTURE, false},
    {"order", VALUE_STRING, false},          {"descending", VALUE_BOOLEAN, false},
    {"without_nulls", VALUE_BOOLEAN, false}, {"before", VALUE_STRING, true},
    {"after", VALUE_STRING, true},           {"after_last", VALUE_STRING, true},
    {"before_lone", VALUE_STRING, false},    {"after_lone", VALUE_STRING, false},
    {"none", VALUE_STRING, false},           {"fault_status", VALUE_INTEGER, false},
    {"no_entity", VALUE_STRING, false},      {"bad_cursor", VALUE_STRING, false},
    {"bad_value", VALUE_STRING, false},      {"offset", VALUE_STRING, false},
    {"selection", VALUE_STRING, false},      {"language", VALUE_STRING, false},
    {"cursor_keeps", VALUE_BOOLEAN, false},
};

static const char *const languages[] = {
    [SELECTION_NONE] = "",
    [SELECTION_CALLS] = "calls",
    [SELECTION_CLAUSE] = "clause",
    [SELECTION_CRITERIA] = "criteria",
};

static const struct {
    const char *sign;
    enum query_operator operator;
} signs[] = {
    {"=", QUERY_EQUAL},   {"<", QUERY_LESS},      {"<=", QUERY_AT_MOST},
    {">", QUERY_GREATER}, {">=", QUERY_AT_LEAST},
};

/* "FIELD SIGN", "FIELD SIGN ms" */
static bool load_bound(const struct reader *reader, struct str where, struct str parameter,
                       struct str text, struct records_bound *bound)
{
    struct str sign, unit = STR("");
    *bound = (struct records_bound){.parameter = parameter};
    if (!str_cut(text, ' ', &bound->field, &sign))
        return reader_fail(reader, where, "must be a field and a sign.");
    str_cut(sign, ' ', &sign, &unit);
    bound->is_ms = str_eq(unit, STR("ms"));
    if (unit.len > 0 && !bound->is_ms)
        return reader_fail(reader, where, "the unit must be ms.");
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
        bound->operator= signs[i].operator;
        if (str_eq(sign, str_from(signs[i].sign)))
            return true;
    }
    return reader_fail(reader, where, "the sign must be =, <, <=, > or >=.");
}

static bool load_bounds(const struct reader *reader, struct str where, const struct value *map,
                        struct records_pages *pages)
{
    if (!map)
        return true;
    struct records_bound *bounds = arena_array(reader->arena, struct records_bound, map->count);
    if (!reader_check_map(reader, where, map, VALUE_STRING))
        return false;
    for (size_t i = 0; i < map->count; i++)
        if (!load_bound(reader, reader_in(reader, where, map->names[i]), map->names[i],
                        map->items[i]->text, &bounds[i]))
            return false;
    pages->bounds = bounds;
    pages->bound_count = map->count;
    return true;
}

bool load_pages(const struct reader *reader, struct str where, const struct value *value,
                const struct records_pages **ret_pages)
{
    struct records_pages *pages = arena_new(reader->arena, struct records_pages);
    *ret_pages = pages;
    if (!value || !READER_CHECK(reader, where, value, pages_members))
        return value || reader_fail(reader, where, "the dialect needs it.");
    *pages = (struct records_pages){
        .entity_in = value_text(value, "entity_in"),
        .back = (size_t)value_integer(value, "back", 0),
        .size = value_text(value, "size"),
        .cursor = value_text(value, "cursor"),
        .fields = value_text(value, "fields"),
        .order = value_text(value, "order"),
        .is_descending = value_flag(value, "descending", false),
        .without_nulls = value_flag(value, "without_nulls", false),
        .before = value_text(value, "before"),
        .after = value_text(value, "after"),
        .after_last = value_text(value, "after_last"),
        .before_lone = value_text(value, "before_lone"),
        .after_lone = value_text(value, "after_lone"),
        .none = value_text(value, "none"),
        .fault_status = (int)value_integer(value, "fault_status", 200),
        .no_entity = value_text(value, "no_entity"),
        .bad_cursor = value_text(value, "bad_cursor"),
        .bad_value = value_text(value, "bad_value"),
        .offset = value_text(value, "offset"),
        .selection = value_text(value, "selection"),
        .cursor_keeps = value_flag(value, "cursor_keeps", false),
    };
    struct str language = value_text(value, "language");
    while (language.data && !str_eq(str_from(languages[pages->language]), language)) {
        if (++pages->language > SELECTION_CRITERIA)
            return reader_fail(reader, where, "there is no such language.");
    }
    return load_bounds(reader, reader_in(reader, where, STR("bounds")), value_get(value, "bounds"),
                       pages);
}

/* Most batches have the columns that the ones before had, in the same order: that is seen by their
 * places, without a look-up. */
#include "flow/run_columns.h"

#include "base/encode.h"
#include "record/parquet_type.h"

#define FAULT_MARK STR("! ")

enum { FIRST_ROOM = 32, ESCAPED_BYTES = 6, ENTRY_BYTES = 4, NAME_SHOWN_MAX = 64 };

void run_columns_init(struct run_columns *self, struct arena *arena)
{
    *self = (struct run_columns){.arena = arena};
}

void run_columns_done(struct run_columns *self)
{
    map_done(&self->by_name);
}

/* --- types --- */

static struct str type_of(const struct run_columns *self, const struct record_field *field,
                          struct arena *arena)
{
    static const struct str names[RECORD_KINDS] = {
        [RECORD_NULL] = STR("string"),         [RECORD_TEXT] = STR("string"),
        [RECORD_INTEGER] = STR("bigint"),      [RECORD_BOOLEAN] = STR("boolean"),
        [RECORD_TIMESTAMP] = STR("timestamp"), [RECORD_DATE] = STR("date"),
        [RECORD_BYTES] = STR("binary"),        [RECORD_NESTED] = STR("string"),
    };
    struct parquet_type type;
    struct error ignored; /* such an object could not be written */
    if (!self->are_typed || !parquet_type_of(field, &type, &ignored))
        return STR("string");
    if (type.kind == RECORD_DECIMAL)
        return arena_printf(arena, "decimal(%u,%u)", type.precision, type.scale);
    return names[type.kind];
}

/* --- adding --- */

/* As JSON at most. */
static size_t size_of(struct str name, struct str type)
{
    size_t size = name.len + type.len + ENTRY_BYTES;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char byte = (unsigned char)name.data[i];
        if (byte < ' ' || byte == '"' || byte == '\\')
            size += ESCAPED_BYTES - 1;
    }
    return size;
}

static void fail_with(struct run_columns *self, struct str fault)
{
    self->fault = arena_copy(self->arena, fault);
}

static void add_column(struct run_columns *self, struct str name, struct str type)
{
    size_t size = size_of(name, type);
    if (self->count >= RECORD_COLUMNS_MAX || size > RUN_COLUMNS_BYTES_MAX - self->bytes) {
        fail_with(self, STR("The records have too many columns for a table, or too long ones. Map "
                            "those that are needed."));
        return;
    }
    if (self->count == self->room) {
        size_t room = self->room > 0 ? 2 * self->room : FIRST_ROOM;
        struct run_column **columns = arena_array(self->arena, struct run_column *, room);
        for (size_t i = 0; i < self->count; i++)
            columns[i] = self->columns[i];
        self->columns = columns;
        self->room = room;
    }
    struct run_column *column = arena_new(self->arena, struct run_column);
    column->link.name = arena_copy(self->arena, name);
    column->type = arena_copy(self->arena, type);
    map_add(&self->by_name, &column->link);
    self->columns[self->count++] = column;
    self->bytes += size;
}

static struct run_column *find(const struct run_columns *self, size_t place, struct str name)
{
    if (place < self->count && str_eq(self->columns[place]->link.name, name))
        return self->columns[place];
    return (struct run_column *)map_find(&self->by_name, name); /* its first member */
}

static void add_field(struct run_columns *self, size_t place, const struct record_field *field,
                      struct arena *scratch)
{
    struct str type = type_of(self, field, scratch);
    const struct run_column *known = find(self, place, field->name);
    struct str shown = utf8_cut(field->name, NAME_SHOWN_MAX);
    if (!known)
        add_column(self, field->name, type);
    else if (!str_eq(known->type, type))
        fail_with(self, arena_printf(scratch,
                                     "The column %.*s is %.*s in some objects and %.*s in others: "
                                     "give it one type in a Map task.",
                                     STR_ARG(shown), STR_ARG(known->type), STR_ARG(type)));
}

static bool are_in_place(const struct run_columns *self, const struct record_fields *fields)
{
    bool same = fields->count == self->count;
    for (size_t i = 0; same && i < fields->count; i++)
        same = str_eq(self->columns[i]->link.name, fields->fields[i].name);
    return same;
}

void run_columns_add(struct run_columns *self, const struct record_fields *fields)
{
    struct arena scratch = arena_beside(self->arena);
    if (!self->fault.data && self->by_place && self->count > 0 && !are_in_place(self, fields))
        fail_with(self,
                  STR("Objects of CSV have different columns, and a table reads them by their "
                      "places. Map the fields one by one, or write JSON or Parquet."));
    for (size_t i = 0; i < fields->count && !self->fault.data; i++)
        add_field(self, i, &fields->fields[i], &scratch);
    arena_done(&scratch);
}

/* --- the checkpoint --- */

struct value *run_columns_value(const struct run_columns *self, struct arena *arena)
{
    struct value *list = value_list(arena);
    for (size_t i = 0; i < self->count; i++) {
        const struct run_column *column = self->columns[i];
        struct str text =
            arena_printf(arena, "%.*s %.*s", STR_ARG(column->type), STR_ARG(column->link.name));
        value_append(arena, list, value_string(arena, text));
    }
    if (self->fault.data)
        value_append(arena, list,
                     value_string(arena, arena_printf(arena, "%.*s%.*s", STR_ARG(FAULT_MARK),
                                                      STR_ARG(self->fault))));
    return list;
}

bool run_columns_read(struct run_columns *self, const struct value *list)
{
    for (size_t i = 0; list && i < list->count; i++) {
        bool is_text = list->items[i]->kind == VALUE_STRING;
        struct str text = is_text ? list->items[i]->text : STR(""), type, name;
        if (!str_cut(text, ' ', &type, &name) || self->fault.data)
            return false;
        if (str_starts(text, FAULT_MARK))
            fail_with(self, name);
        else if (map_find(&self->by_name, name))
            return false;
        else
            add_column(self, name, type);
    }
    return true;
}

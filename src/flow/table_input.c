/* What readers need to know of each format (docs.aws.amazon.com/athena/latest/ug/
 * supported-serdes.html). Names are in small letters, as Hive has them: readers find the members of
 * JSON and the columns of Parquet by them, whatever their letters, and those of CSV by their
 * places. */
#include "flow/table_input.h"

#include "aws/glue.h"
#include "base/encode.h"

#define FLOW_MARK "AppFlowFlowArn" /* a parameter of the table */

struct table_format {
    const char *name; /* parameter "classification" */
    const char *reads, *writes, *serde;
};

#define HIVE_TEXT_OUT "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

static const struct table_format formats[] = {
    [OBJECT_JSON] = {"json", "org.apache.hadoop.mapred.TextInputFormat", HIVE_TEXT_OUT,
                     "org.openx.data.jsonserde.JsonSerDe"},
    [OBJECT_CSV] = {"csv", "org.apache.hadoop.mapred.TextInputFormat", HIVE_TEXT_OUT,
                    "org.apache.hadoop.hive.serde2.OpenCSVSerde"},
    [OBJECT_PARQUET] = {"parquet", "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
};

/* --- what there is --- */

bool table_is_of_flow(const struct value *known, struct str flow_arn)
{
    return str_eq(value_text(value_get(known, "Parameters"), FLOW_MARK), flow_arn);
}

bool table_has_other_keys(const struct value *known, const struct str *keys, size_t key_count)
{
    const struct value *list = value_get(known, "PartitionKeys");
    size_t count = list && list->kind == VALUE_LIST ? list->count : 0;
    bool same = count == key_count;
    for (size_t i = 0; same && i < count; i++)
        same = str_eq(value_text(list->items[i], "Name"), keys[i]);
    return !same;
}

/* --- columns --- */

/* A column of the table; its name is in small letters. */
struct catalog_column {
    struct map_link link;
    struct str shown; /* as the records have it; STR_NULL: it is a partition's key */
};

struct columns_making {
    const struct table_input *input;
    struct arena *arena;
    struct map names;
    struct value *list;
};

static void add_name(struct columns_making *self, struct str lower, struct str shown)
{
    struct catalog_column *column = arena_new(self->arena, struct catalog_column);
    column->link.name = lower;
    column->shown = shown;
    map_add(&self->names, &column->link);
}

static void append(struct columns_making *self, struct str lower, struct str type,
                   const struct field_label *label)
{
    struct value *column = value_structure(self->arena);
    value_put_text(self->arena, column, "Name", lower);
    value_put_text(self->arena, column, "Type", type);
    if (label && label->label.len > 0) {
        struct value *parameters = value_structure(self->arena);
        value_put_text(self->arena, parameters, "AppFlowLabel", label->label);
        if (label->description.len > 0)
            value_put_text(self->arena, parameters, "AppFlowDescription", label->description);
        value_put(self->arena, column, "Parameters", parameters);
    }
    value_append(self->arena, self->list, column);
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.data[i] < ' ')
            return false;
    }
    return name.len > 0 && name.len <= GLUE_NAME_MAX;
}

static bool fail_twice(struct str name, struct error *error)
{
    return fail(error, ERR_VALIDATION,
                "Two columns of the table would be %.*s, since tables know no capital letters. Map "
                "one of them to another name.",
                STR_ARG(name));
}

/* A field that is a partition's key too is read from there. A column of CSV has its place all the
 * same. */
static bool add_column(struct columns_making *self, const struct run_column *column,
                       struct error *error)
{
    struct str shown = column->link.name, lower = arena_lower(self->arena, shown);
    const struct catalog_column *known =
        (const struct catalog_column *)map_find(&self->names, lower);
    if (known && !known->shown.data) {
        if (self->input->format != OBJECT_CSV)
            return true;
        lower = arena_printf(self->arena, "%.*s_value", STR_ARG(lower));
        known = (const struct catalog_column *)map_find(&self->names, lower);
    }
    if (known)
        return fail_twice(lower, error);
    if (!is_name(lower))
        return fail(error, ERR_VALIDATION,
                    "The name of a column has at most %d bytes in a table, and no control "
                    "characters: %.*s has not. Map it to another name.",
                    GLUE_NAME_MAX, STR_ARG(utf8_cut(shown, GLUE_NAME_MAX)));
    add_name(self, lower, shown);
    append(self, lower, column->type, column_labels_find(self->input->labels, shown));
    return true;
}

static bool add_keys(struct columns_making *self, struct error *error)
{
    for (size_t i = 0; i < self->input->key_count; i++) {
        struct str name = self->input->keys[i];
        if (map_find(&self->names, name))
            return fail_twice(name, error);
        if (!is_name(name))
            return fail(error, ERR_VALIDATION,
                        "The name of a partition's key has at most %d bytes in a table, and no "
                        "control characters. Map the field to another name.",
                        GLUE_NAME_MAX);
        add_name(self, name, STR_NULL);
    }
    return true;
}

/* What is not as this server writes it is left out. */
static void add_older(struct columns_making *self)
{
    const struct table_input *input = self->input;
    const struct value *storage = value_get(input->known, "StorageDescriptor");
    const struct value *list = value_get(storage, "Columns");
    if (!list || list->kind != VALUE_LIST || input->format == OBJECT_CSV ||
        !str_eq(value_text(storage, "Location"), input->location))
        return;
    for (size_t i = 0; i < list->count && self->list->count < RECORD_COLUMNS_MAX; i++) {
        struct str name = value_text(list->items[i], "Name");
        struct str type = value_text(list->items[i], "Type");
        if (!is_name(name) || !type.data || map_find(&self->names, name))
            continue;
        add_name(self, name, name);
        append(self, name, type, column_labels_find(input->labels, name));
    }
}

static bool make_columns(const struct table_input *input, struct arena *arena,
                         struct value **ret_list, struct error *error)
{
    struct columns_making making = {.input = input, .arena = arena, .list = value_list(arena)};
    bool ok = add_keys(&making, error);
    for (size_t i = 0; ok && i < input->columns->count; i++)
        ok = add_column(&making, input->columns->columns[i], error);
    if (ok)
        add_older(&making);
    map_done(&making.names);
    *ret_list = making.list;
    return ok;
}

/* --- the table --- */

static struct value *serde_of(enum object_format format, struct arena *arena)
{
    struct value *serde = value_structure(arena), *parameters = value_structure(arena);
    value_put_text(arena, serde, "SerializationLibrary", str_from(formats[format].serde));
    if (format == OBJECT_PARQUET)
        value_put_text(arena, parameters, "serialization.format", STR("1"));
    if (format == OBJECT_CSV) {
        value_put_text(arena, parameters, "separatorChar", STR(","));
        value_put_text(arena, parameters, "quoteChar", STR("\""));
    }
    value_put(arena, serde, "Parameters", parameters);
    return serde;
}

static struct value *storage_of(enum object_format format, struct str location,
                                struct value *columns, struct arena *arena)
{
    struct value *storage = value_structure(arena);
    value_put(arena, storage, "Columns", columns);
    value_put_text(arena, storage, "Location", location);
    value_put_text(arena, storage, "InputFormat", str_from(formats[format].reads));
    value_put_text(arena, storage, "OutputFormat", str_from(formats[format].writes));
    value_put(arena, storage, "SerdeInfo", serde_of(format, arena));
    return storage;
}

static struct value *keys_of(const struct table_input *input, struct arena *arena)
{
    struct value *list = value_list(arena);
    for (size_t i = 0; i < input->key_count; i++) {
        struct value *key = value_structure(arena);
        value_put_text(arena, key, "Name", input->keys[i]);
        value_put_text(arena, key, "Type", STR("string"));
        value_append(arena, list, key);
    }
    return list;
}

bool table_input_make(const struct table_input *input, struct arena *arena,
                      struct value **ret_table, struct error *error)
{
    struct value *table = value_structure(arena), *parameters = value_structure(arena), *columns;
    if (input->name.len > GLUE_NAME_MAX)
        return fail(error, ERR_VALIDATION,
                    "A table has a name of at most %d bytes: tablePrefix, or the name of the flow, "
                    "must be shorter.",
                    GLUE_NAME_MAX);
    if (!make_columns(input, arena, &columns, error))
        return false;
    value_put_text(arena, parameters, "EXTERNAL", STR("TRUE"));
    value_put_text(arena, parameters, "classification", str_from(formats[input->format].name));
    value_put_text(arena, parameters, FLOW_MARK, input->flow_arn);
    if (input->format == OBJECT_CSV)
        value_put_text(arena, parameters, "skip.header.line.count", STR("1"));
    value_put_text(arena, table, "Name", input->name);
    value_put_text(arena, table, "TableType", STR("EXTERNAL_TABLE"));
    value_put(arena, table, "Parameters", parameters);
    value_put(arena, table, "PartitionKeys", keys_of(input, arena));
    value_put(arena, table, "StorageDescriptor",
              storage_of(input->format, input->location, columns, arena));
    *ret_table = table;
    return true;
}

/* --- partitions --- */

static void copy_members(struct arena *arena, struct value *to, const struct value *from,
                         struct str without)
{
    for (size_t i = 0; i < from->count; i++) {
        if (!str_eq(from->names[i], without))
            value_put(arena, to, arena_cstr(arena, from->names[i]), from->items[i]);
    }
}

struct value *table_partition_storage(const struct value *table, struct arena *arena)
{
    const struct value *whole = value_get(table, "StorageDescriptor");
    const struct value *columns = value_get(whole, "Columns");
    struct value *storage = value_structure(arena), *plain = value_list(arena);
    for (size_t i = 0; i < columns->count; i++) {
        struct value *column = value_structure(arena);
        copy_members(arena, column, columns->items[i], STR("Parameters"));
        value_append(arena, plain, column);
    }
    value_put(arena, storage, "Columns", plain);
    for (size_t i = 0; i < whole->count; i++) {
        if (!str_eq(whole->names[i], STR("Columns")) && !str_eq(whole->names[i], STR("Location")))
            value_put(arena, storage, arena_cstr(arena, whole->names[i]), whole->items[i]);
    }
    return storage;
}

struct value *table_partition(const struct value *storage, const struct str *values, size_t count,
                              struct str location, struct arena *arena)
{
    struct value *partition = value_structure(arena), *list = value_list(arena);
    struct value *own = value_structure(arena);
    for (size_t i = 0; i < count; i++)
        value_append(arena, list, value_string(arena, values[i]));
    copy_members(arena, own, storage, STR_NULL);
    value_put_text(arena, own, "Location", location);
    value_put(arena, partition, "Values", list);
    value_put(arena, partition, "StorageDescriptor", own);
    return partition;
}

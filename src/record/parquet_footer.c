/* The numbers are the field ids and enum values of parquet.thrift; each stands beside its name. */
#include "record/parquet_footer.h"

#include "record/parquet_decimal.h"
#include "record/parquet_page.h"
#include "record/thrift.h"

enum {
    FORMAT_VERSION = 1, /* pages of version 1, which every reader knows */
    OPTIONAL = 1,       /* FieldRepetitionType */
    SNAPPY = 1,         /* CompressionCodec */
    /* ConvertedType, which older readers look at */
    CONVERTED_UTF8 = 0,
    CONVERTED_DECIMAL = 5,
    CONVERTED_DATE = 6,
    CONVERTED_TIMESTAMP_MICROS = 10,
    CONVERTED_JSON = 19,
    /* LogicalType: the union's field ids */
    LOGICAL_STRING = 1,
    LOGICAL_DECIMAL = 5,
    LOGICAL_DATE = 6,
    LOGICAL_TIMESTAMP = 8,
    LOGICAL_JSON = 12,
};

static const char created_by[] = "headgate version " HEADGATE_VERSION;

static const struct {
    int converted; /* -1: none */
    int logical;   /* 0: none */
} annotations[RECORD_KINDS] = {
    [RECORD_NULL] = {.converted = -1},
    [RECORD_TEXT] = {CONVERTED_UTF8, LOGICAL_STRING},
    [RECORD_INTEGER] = {.converted = -1},
    [RECORD_DECIMAL] = {CONVERTED_DECIMAL, LOGICAL_DECIMAL},
    [RECORD_BOOLEAN] = {.converted = -1},
    [RECORD_TIMESTAMP] = {CONVERTED_TIMESTAMP_MICROS, LOGICAL_TIMESTAMP},
    [RECORD_DATE] = {CONVERTED_DATE, LOGICAL_DATE},
    [RECORD_BYTES] = {.converted = -1},
    [RECORD_NESTED] = {CONVERTED_JSON, LOGICAL_JSON},
};

static void write_logical_type(struct thrift *thrift, const struct parquet_type *type)
{
    thrift_struct(thrift, 10);                              /* logicalType */
    thrift_struct(thrift, annotations[type->kind].logical); /* the union's one field */
    if (type->kind == RECORD_DECIMAL) {
        thrift_i32(thrift, 1, (int32_t)type->scale);
        thrift_i32(thrift, 2, (int32_t)type->precision);
    } else if (type->kind == RECORD_TIMESTAMP) {
        thrift_bool(thrift, 1, !type->local); /* isAdjustedToUTC */
        thrift_struct(thrift, 2);             /* unit */
        thrift_struct(thrift, 2);             /* MICROS */
        thrift_end(thrift);
        thrift_end(thrift);
    }
    thrift_end(thrift);
    thrift_end(thrift);
}

static void write_schema_element(struct thrift *thrift, const struct parquet_column *column)
{
    const struct parquet_type *type = &column->type;
    /* Readers that know no logical type would take local times for those of UTC. */
    int converted = type->local ? -1 : annotations[type->kind].converted;
    thrift_struct(thrift, 0);
    thrift_i32(thrift, 1, (int32_t)type->physical);
    if (type->physical == PARQUET_FIXED)
        thrift_i32(thrift, 2, (int32_t)type->width); /* type_length */
    thrift_i32(thrift, 3, OPTIONAL);                 /* repetition_type */
    thrift_binary(thrift, 4, column->name);
    if (converted >= 0)
        thrift_i32(thrift, 6, converted);
    if (type->kind == RECORD_DECIMAL) {
        thrift_i32(thrift, 7, (int32_t)type->scale);
        thrift_i32(thrift, 8, (int32_t)type->precision);
    }
    if (annotations[type->kind].logical)
        write_logical_type(thrift, type);
    thrift_end(thrift);
}

static void write_schema(struct thrift *thrift, const struct parquet_column *columns, size_t count)
{
    thrift_list(thrift, 2, THRIFT_STRUCT, count + 1);
    thrift_struct(thrift, 0);
    thrift_binary(thrift, 4, STR("schema")); /* the root's name means nothing */
    thrift_i32(thrift, 5, (int32_t)count);   /* num_children */
    thrift_end(thrift);
    for (size_t i = 0; i < count; i++)
        write_schema_element(thrift, &columns[i]);
}

static struct parquet_limit number_limit(int64_t number, size_t width)
{
    struct parquet_limit limit = {.len = width, .exact = true};
    for (size_t i = 0; i < width; i++)
        limit.bytes[i] = (unsigned char)((uint64_t)number >> 8 * i);
    return limit;
}

static struct parquet_limit wide_limit(__int128 number, size_t width)
{
    struct parquet_limit limit = {.len = width, .exact = true};
    parquet_decimal_put(limit.bytes, number, width);
    return limit;
}

/* False: there is no upper bound that is short enough. */
static bool limits_of(const struct parquet_column *column, struct parquet_limit *ret_low,
                      struct parquet_limit *ret_high)
{
    const struct parquet_statistics *statistics = &column->statistics;
    const struct parquet_type *type = &column->type;
    if (type->physical == PARQUET_BYTE_ARRAY) {
        parquet_statistics_low(statistics, type->utf8, ret_low);
        return parquet_statistics_high(statistics, type->utf8, ret_high);
    }
    if (type->physical == PARQUET_FIXED) {
        *ret_low = wide_limit(statistics->wide_min, type->width);
        *ret_high = wide_limit(statistics->wide_max, type->width);
        return true;
    }
    size_t width = type->physical == PARQUET_BOOLEAN ? 1 : type->width;
    *ret_low = number_limit(statistics->min, width);
    *ret_high = number_limit(statistics->max, width);
    return true;
}

static struct str limit_text(const struct parquet_limit *limit)
{
    return (struct str){(const char *)limit->bytes, limit->len};
}

static void write_statistics(struct thrift *thrift, const struct parquet_column *column)
{
    struct parquet_limit low, high;
    thrift_struct(thrift, 12);
    thrift_i64(thrift, 3, (int64_t)column->nulls); /* null_count */
    if (column->statistics.any) {
        bool has_high = limits_of(column, &low, &high);
        if (has_high)
            thrift_binary(thrift, 5, limit_text(&high)); /* max_value */
        thrift_binary(thrift, 6, limit_text(&low));      /* min_value */
        if (has_high)
            thrift_bool(thrift, 7, high.exact); /* is_max_value_exact */
        thrift_bool(thrift, 8, low.exact);      /* is_min_value_exact */
    }
    thrift_end(thrift);
}

static void write_encoding_stats(struct thrift *thrift, int page_type, int encoding, size_t count)
{
    thrift_struct(thrift, 0);
    thrift_i32(thrift, 1, page_type);
    thrift_i32(thrift, 2, encoding);
    thrift_i32(thrift, 3, (int32_t)count);
    thrift_end(thrift);
}

static void write_column_meta(struct thrift *thrift, const struct parquet_column *column,
                              uint64_t offset)
{
    const struct parquet_chunk *chunk = &column->chunk;
    bool dictionary = chunk->dictionary;
    int encoding = dictionary ? PARQUET_ENCODING_DICTIONARY : PARQUET_ENCODING_PLAIN;
    uint64_t data_offset = offset + (dictionary ? chunk->dictionary->len : 0);
    thrift_struct(thrift, 3); /* ColumnChunk.meta_data */
    thrift_i32(thrift, 1, (int32_t)column->type.physical);
    thrift_list(thrift, 2, THRIFT_I32, dictionary ? 3 : 2); /* encodings */
    thrift_i32(thrift, 0, PARQUET_ENCODING_PLAIN);
    thrift_i32(thrift, 0, PARQUET_ENCODING_RLE);
    if (dictionary)
        thrift_i32(thrift, 0, PARQUET_ENCODING_DICTIONARY);
    thrift_list(thrift, 3, THRIFT_BINARY, 1); /* path_in_schema */
    thrift_binary(thrift, 0, column->name);
    thrift_i32(thrift, 4, SNAPPY);
    thrift_i64(thrift, 5, (int64_t)(column->nulls + column->values)); /* num_values */
    thrift_i64(thrift, 6, (int64_t)chunk->plain_bytes);               /* total_uncompressed_size */
    thrift_i64(thrift, 7, (int64_t)chunk->bytes);                     /* total_compressed_size */
    thrift_i64(thrift, 9, (int64_t)data_offset);                      /* data_page_offset */
    if (dictionary)
        thrift_i64(thrift, 11, (int64_t)offset); /* dictionary_page_offset */
    write_statistics(thrift, column);
    thrift_list(thrift, 13, THRIFT_STRUCT, dictionary ? 2 : 1); /* encoding_stats */
    if (dictionary)
        write_encoding_stats(thrift, PARQUET_DICTIONARY_PAGE, PARQUET_ENCODING_PLAIN, 1);
    write_encoding_stats(thrift, PARQUET_DATA_PAGE, encoding, chunk->page_count);
    thrift_end(thrift);
}

void parquet_footer_add(struct parquet_footer *footer, const struct parquet_column *columns,
                        size_t count, uint64_t rows, uint64_t offset)
{
    struct thrift thrift = {.out = &footer->row_groups};
    uint64_t bytes = 0, plain_bytes = 0, first = offset;
    thrift_list(&thrift, 1, THRIFT_STRUCT, count); /* columns */
    for (size_t i = 0; i < count; i++) {
        thrift_struct(&thrift, 0);
        thrift_i64(&thrift, 2, 0); /* file_offset, which the format has given up */
        write_column_meta(&thrift, &columns[i], offset);
        thrift_end(&thrift);
        offset += columns[i].chunk.bytes;
        bytes += columns[i].chunk.bytes;
        plain_bytes += columns[i].chunk.plain_bytes;
    }
    thrift_i64(&thrift, 2, (int64_t)plain_bytes); /* total_byte_size */
    thrift_i64(&thrift, 3, (int64_t)rows);        /* num_rows */
    thrift_i64(&thrift, 5, (int64_t)first);       /* file_offset */
    thrift_i64(&thrift, 6, (int64_t)bytes);       /* total_compressed_size */
    thrift_end(&thrift);
    footer->row_group_count++;
    footer->rows += rows;
}

/* Statistics are in the order of each column's type: ColumnOrder with its one field. */
static void write_column_orders(struct thrift *thrift, size_t count)
{
    thrift_list(thrift, 7, THRIFT_STRUCT, count);
    for (size_t i = 0; i < count; i++) {
        thrift_struct(thrift, 0);
        thrift_struct(thrift, 1); /* TYPE_ORDER */
        thrift_end(thrift);
        thrift_end(thrift);
    }
}

void parquet_footer_write(const struct parquet_footer *footer, const struct parquet_column *columns,
                          size_t count, struct byte_buffer *out)
{
    struct thrift thrift = {.out = out};
    size_t begin = out->len;
    thrift_i32(&thrift, 1, FORMAT_VERSION);
    write_schema(&thrift, columns, count);
    thrift_i64(&thrift, 3, (int64_t)footer->rows); /* num_rows */
    thrift_list(&thrift, 4, THRIFT_STRUCT, footer->row_group_count);
    byte_buffer_add(out, footer->row_groups.data, footer->row_groups.len);
    thrift_binary(&thrift, 6, str_from(created_by));
    write_column_orders(&thrift, count);
    thrift_end(&thrift);
    uint32_t len = (uint32_t)(out->len - begin);
    byte_buffer_add(out, &len, sizeof(len));
    byte_buffer_add(out, "PAR1", 4);
}

void parquet_footer_done(struct parquet_footer *footer)
{
    byte_buffer_done(&footer->row_groups);
}

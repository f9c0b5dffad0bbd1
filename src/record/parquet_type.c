/* The table of types. */
#include "record/parquet_type.h"

#include "record/parquet_decimal.h"

static const struct parquet_type types[RECORD_KINDS] = {
    [RECORD_TEXT] = {.physical = PARQUET_BYTE_ARRAY, .utf8 = true},
    [RECORD_INTEGER] = {.physical = PARQUET_INT64, .width = 8},
    [RECORD_DECIMAL] = {.physical = PARQUET_INT64, .width = 8},
    [RECORD_BOOLEAN] = {.physical = PARQUET_BOOLEAN},
    [RECORD_TIMESTAMP] = {.physical = PARQUET_INT64, .width = 8},
    [RECORD_DATE] = {.physical = PARQUET_INT32, .width = 4},
    [RECORD_BYTES] = {.physical = PARQUET_BYTE_ARRAY},
    [RECORD_NESTED] = {.physical = PARQUET_BYTE_ARRAY, .utf8 = true},
};

bool parquet_type_of(const struct record_field *field, struct parquet_type *ret_type,
                     struct error *error)
{
    /* A column of which only nulls are known is a text, which has a place for everything. */
    enum record_kind kind = field->kind == RECORD_NULL ? RECORD_TEXT : field->kind;
    if (kind == RECORD_DECIMAL && field->precision == 0) /* no scale holds every value exactly */
        kind = RECORD_TEXT;
    *ret_type = types[kind];
    ret_type->kind = kind;
    ret_type->local = kind == RECORD_TIMESTAMP && field->local;
    if (kind != RECORD_DECIMAL)
        return true;
    ret_type->precision = field->precision;
    ret_type->scale = field->scale;
    if (ret_type->precision > PARQUET_DIGITS_MAX || ret_type->scale > ret_type->precision)
        return fail(
            error, ERR_VALIDATION,
            "The column %.*s cannot be written to Parquet: it is a decimal of %u digits with "
            "%u behind the point, and readers take at most %d digits. Map it to a string.",
            STR_ARG(field->name), ret_type->precision, ret_type->scale, PARQUET_DIGITS_MAX);
    if (ret_type->precision > PARQUET_DIGITS_INT64) {
        ret_type->physical = PARQUET_FIXED;
        ret_type->width = parquet_decimal_width(ret_type->precision); /* readers refuse more */
    }
    return true;
}

/* The names, by what they mean. Names of types that have no kind of their own, such as compound
 * addresses, a time without a day, or references to files, are left out: their values stay. */
#include "flow/data_type.h"

/* What the widest decimal that readers take can have, shared between both sides of the point. */
enum { DECIMAL_DIGITS = 38, DECIMAL_PLACES = 18 };

static const struct {
    const char *name;
    enum record_kind kind;
    bool is_whole; /* an integer that may be past 64 bits */
} types[] = {
    {"string", RECORD_TEXT, false},
    {"text", RECORD_TEXT, false},
    {"id", RECORD_TEXT, false},
    {"reference", RECORD_TEXT, false},
    {"picklist", RECORD_TEXT, false},
    {"multipicklist", RECORD_TEXT, false},
    {"combobox", RECORD_TEXT, false},
    {"textarea", RECORD_TEXT, false},
    {"encryptedstring", RECORD_TEXT, false},
    {"email", RECORD_TEXT, false},
    {"phone", RECORD_TEXT, false},
    {"url", RECORD_TEXT, false},
    {"exactmatchstring", RECORD_TEXT, false},
    {"int", RECORD_INTEGER, false},
    {"integer", RECORD_INTEGER, false},
    {"long", RECORD_INTEGER, false},
    {"longint", RECORD_INTEGER, false},
    {"short", RECORD_INTEGER, false},
    {"byte", RECORD_INTEGER, false},
    {"biginteger", RECORD_DECIMAL, true},
    {"double", RECORD_DECIMAL, false},
    {"float", RECORD_DECIMAL, false},
    {"decimal", RECORD_DECIMAL, false},
    {"bigdecimal", RECORD_DECIMAL, false},
    {"number", RECORD_DECIMAL, false},
    {"currency", RECORD_DECIMAL, false},
    {"percent", RECORD_DECIMAL, false},
    {"boolean", RECORD_BOOLEAN, false},
    {"datetime", RECORD_TIMESTAMP, false},
    {"timestamp", RECORD_TIMESTAMP, false},
    {"glide_date_time", RECORD_TIMESTAMP, false},
    {"date", RECORD_DATE, false},
    {"glide_date", RECORD_DATE, false},
    {"edm.string", RECORD_TEXT, false},
    {"edm.guid", RECORD_TEXT, false},
    {"edm.byte", RECORD_INTEGER, false},
    {"edm.sbyte", RECORD_INTEGER, false},
    {"edm.int16", RECORD_INTEGER, false},
    {"edm.int32", RECORD_INTEGER, false},
    {"edm.int64", RECORD_INTEGER, false},
    {"edm.decimal", RECORD_DECIMAL, false},
    {"edm.double", RECORD_DECIMAL, false},
    {"edm.single", RECORD_DECIMAL, false},
    {"edm.boolean", RECORD_BOOLEAN, false},
    {"edm.datetime", RECORD_TIMESTAMP, false},
    {"edm.datetimeoffset", RECORD_TIMESTAMP, false},
    {"edm.date", RECORD_DATE, false},
    {"bytearray", RECORD_BYTES, false},
    {"struct", RECORD_NESTED, false},
    {"map", RECORD_NESTED, false},
    {"list", RECORD_NESTED, false},
    {"object", RECORD_NESTED, false},
    {"array", RECORD_NESTED, false},
};

struct record_conversion data_type_of(struct str name)
{
    size_t i = 0, count = sizeof(types) / sizeof(*types);
    while (i < count && !(name.data && str_eq_nocase(name, str_from(types[i].name))))
        i++;
    if (i == count)
        return (struct record_conversion){0};
    bool is_decimal = types[i].kind == RECORD_DECIMAL;
    return (struct record_conversion){
        .kind = types[i].kind,
        .precision = is_decimal ? DECIMAL_DIGITS : 0,
        .scale = is_decimal && !types[i].is_whole ? DECIMAL_PLACES : 0,
    };
}

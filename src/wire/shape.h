/* The API as tables. tools/gen_api.py writes them from api/appflow-2020-08-23.json at build time
 * into wire/api_tables.c and wire/api_ids.h (enum api_shape_id API_SHAPE_…, enum api_operation_id
 * API_OP_…; both are indexes into the tables below). Any room may include wire/api_ids.h. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum shape_type {
    SHAPE_STRUCTURE,
    SHAPE_LIST,
    SHAPE_MAP,
    SHAPE_STRING,
    SHAPE_BOOLEAN,
    SHAPE_INTEGER, /* 32 bit */
    SHAPE_LONG,    /* 64 bit */
    SHAPE_DOUBLE,
    SHAPE_TIMESTAMP, /* epoch seconds, may have a fraction */
};

enum member_location {
    LOCATION_BODY,
    LOCATION_PATH,  /* the label in the operation's uri */
    LOCATION_QUERY, /* a parameter of its name; a list has it several times */
};

struct shape_member {
    struct str name;
    uint16_t shape; /* index into api_shapes */
    bool required;
    enum member_location location;
};

struct shape {
    struct str name;
    enum shape_type type;
    bool sensitive; /* with everything beneath; also set for ConnectorProfileCredentials */
    bool has_min, has_max;
    int64_t min, max;   /* length, count or value */
    struct str pattern; /* as the model has it and messages show it; STR_NULL: none */
    uint16_t regex;     /* the same for PCRE2: index into api_regexes; UINT16_MAX: none */
    const struct str *enum_values; /* in the model's order */
    uint16_t enum_count;
    const struct shape_member *members; /* structure, in the model's order */
    uint16_t member_count;
    uint16_t element; /* list's member or map's value */
    uint16_t key;     /* map's key */
};

struct api_operation {
    struct str name;
    struct str method;
    struct str uri;    /* "/update-connector-profile" or "/tags/{resourceArn}" */
    uint16_t input;    /* index into api_shapes */
    uint16_t output;   /* likewise; UINT16_MAX for none */
    const int *errors; /* what the model lists, as codes of wire/errors.h */
    uint8_t error_count;
};

extern const struct shape api_shapes[];
extern const uint16_t api_shape_count;
extern const struct api_operation api_operations[];
extern const uint16_t api_operation_count;
extern const struct str api_regexes[]; /* each pattern of the model once */

/* Whole-value match, as Java's Matcher.matches; `shape` must have a pattern. A value that is not
 * UTF-8 does not match. Any thread. Ends the process on a pattern that does not compile, which a
 * test rules out. */
bool shape_pattern_matches(const struct shape *shape, struct str value);

const struct shape *shape_by_name(struct str name); /* NULL when there is none */

/* A structure's member by its exact name or, failing that, without regard to the case of ASCII
 * letters. NULL when there is none. */
const struct shape_member *shape_find_member(const struct shape *structure, struct str name);

/* The API as tables. tools/gen_api.py writes them from api/appflow-2020-08-23.json at build time
 * into wire/api_tables.c and wire/api_ids.h (enum api_shape_id SHAPE_…, enum api_operation_id OP_…). */
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

struct shape_member {
    struct str name;
    uint16_t shape; /* index into api_shapes */
    bool required;
};

struct shape {
    struct str name;
    enum shape_type type;
    bool sensitive;
    bool has_min, has_max;
    int64_t min, max;             /* length, count or value */
    struct str pattern;           /* PCRE2, matched on the whole value; STR_NULL: none */
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
    struct str uri;      /* "/update-connector-profile" or "/tags/{resourceArn}" */
    uint16_t input;      /* index into api_shapes */
    uint16_t output;     /* likewise; UINT16_MAX for none */
    const enum err *errors; /* what the model lists, as far as enum err knows it */
    uint8_t error_count;
};

extern const struct shape api_shapes[];
extern const uint16_t api_shape_count;
extern const struct api_operation api_operations[];
extern const uint16_t api_operation_count;

/* Compiles every pattern once, before threads. Ends the process on a pattern that does not
 * compile, which a test rules out. */
void shapes_init(void);
/* Whole-value match; `shape` must have a pattern. */
bool shape_pattern_matches(const struct shape *shape, struct str value);

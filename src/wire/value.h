/* A value of the API: what was decoded from a request, or will be encoded into an answer. Lives in
 * an arena; strings point into it. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/shape.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_kind {
    VALUE_STRUCTURE, /* names and items; names are the model's spelling */
    VALUE_MAP,       /* names and items */
    VALUE_LIST,      /* items */
    VALUE_STRING,
    VALUE_BOOLEAN,
    VALUE_INTEGER,
    VALUE_DOUBLE,
    VALUE_TIME_MS, /* written as epoch seconds with three decimals */
    VALUE_RAW,     /* text that is JSON already */
};

enum { VALUE_ITEMS_MAX = (1 << 24) - 1 }; /* in one structure, map or list; JSON's limit is lower */

/* 32 bytes. Look at `kind` before a member of the union is read. */
struct value {
    enum value_kind kind : 8;
    unsigned capacity : 24;    /* of names and items */
    uint32_t count;            /* structure, map, list; else 0 */
    const struct shape *shape; /* NULL when built by hand */
    union {
        struct {
            struct str *names; /* structure and map; NULL for a list */
            struct value **items;
        };
        struct str text; /* string, raw */
        bool boolean;
        int64_t integer; /* integer, time */
        double real;
    };
};

/* Reading. A NULL value reads as absent, so that paths chain: value_text(value_get(v, "a"), "b").
 */
const struct value *value_get(const struct value *structure, const char *name); /* NULL: absent */
struct str value_text(const struct value *structure, const char *name); /* STR_NULL: absent */
bool value_flag(const struct value *structure, const char *name, bool when_absent);
int64_t value_integer(const struct value *structure, const char *name, int64_t when_absent);

/* Building, in the order in which it will be written. A name is put once. */
struct value *value_new(struct arena *arena, enum value_kind kind);
struct value *value_string(struct arena *arena, struct str text); /* by reference */
struct value *value_structure(struct arena *arena);
struct value *value_list(struct arena *arena);
void value_put(struct arena *arena, struct value *structure, const char *name, struct value *item);
void value_put_text(struct arena *arena, struct value *structure, const char *name,
                    struct str text); /* copied by reference; STR_NULL puts nothing */
void value_put_flag(struct arena *arena, struct value *structure, const char *name, bool flag);
void value_put_integer(struct arena *arena, struct value *structure, const char *name,
                       int64_t number);
void value_put_time(struct arena *arena, struct value *structure, const char *name, int64_t ms);
void value_put_raw(struct arena *arena, struct value *structure, const char *name, struct str json);
void value_append(struct arena *arena, struct value *list, struct value *item);

/* Makes room for `capacity` items at once; value_put and value_append grow without it. */
void value_reserve(struct arena *arena, struct value *value, size_t capacity);

/* Compact JSON. Decoded values are written in the model's member order and maps by sorted keys, so
 * equal requests give equal bytes, however they were sent. */
void value_encode(struct buf *out, const struct value *value);

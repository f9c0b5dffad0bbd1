/* The records that a vendor of the sandbox has, as its sandbox.json describes them ("records";
 * docs/sandbox.md). None of these is kept: each cell is a function of its entity, field and row, so
 * that a query, its later pages and `headgate sandbox --records` always see the same ones, also
 * after a restart. What clients write is kept apart (written.h), and is seen through the same
 * functions. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SAMPLE_ROWS_MAX = 100 * 1000,    /* of one entity */
    SAMPLE_FIELDS_MAX = 256,         /* of one entity */
    SAMPLE_TEXT_MAX = 8 * 1024,      /* bytes of one cell */
    SAMPLE_RECORD_MAX = 1024 * 1024, /* bytes of one record's JSON */
};

enum sample_kind {
    SAMPLE_NULL,
    SAMPLE_TEXT,
    SAMPLE_INTEGER, /* `number` */
    SAMPLE_DECIMAL, /* `number` with `scale` digits behind the point */
    SAMPLE_FLAG,    /* `number` is 0 or 1 */
    SAMPLE_TIME,    /* `number` is milliseconds since the epoch */
    SAMPLE_DAY,     /* `number` is days since the epoch */
    SAMPLE_NESTED,  /* `text` is JSON */
};

struct sample_cell {
    enum sample_kind kind;
    struct str text;
    int64_t number;
    int scale;
};

/* How a vendor writes numbers. */
enum sample_numbers {
    NUMBERS_PLAIN,  /* 12.50 */
    NUMBERS_DOUBLE, /* 12.5, and from 10,000,000 on 1.25E7: those of Java's Double.toString */
    NUMBERS_QUOTED, /* decimals as texts, integers plain */
    NUMBERS_TEXT,   /* every value is a text */
};

/* How a vendor's keys look. */
enum sample_ids {
    IDS_CHECKED, /* the prefix, base 62 up to 15 characters, and 3 that tell its letters' cases */
    IDS_NUMBER,  /* numbers from the prefix upwards */
    IDS_HEX,     /* 32 hex digits */
    IDS_DIGITS,  /* the prefix, and digits up to 10 characters */
};

struct sample_forms {
    enum sample_numbers numbers;
    enum sample_ids ids;
    struct str time, day; /* sample_time.h */
};

struct sample_field {
    struct str name;
    struct str type; /* the vendor's */
    const struct sample_maker *maker;
    enum sample_kind kind; /* of cells that are not null */
    bool nullable, filterable, sortable;
    bool is_exact; /* keys: the case of letters counts when they are compared */
    int length;    /* characters of a text; 0: not said */
    int precision; /* digits of a number; 0: not said */
    int scale;
    const struct str *choices; /* of values; none: any */
    size_t choice_count;
    struct str refers; /* entity whose keys it holds; STR_NULL: the description does not say */
    uint64_t seed;
    /* What writes may do with it. */
    struct str label;
    bool creatable, updatable;
    bool defaulted;   /* the vendor fills it in when a new record has none */
    bool is_unique;   /* no two records have the same value, without regard to case */
    bool is_external; /* records can be found by it */
};

struct written_entity;

struct sample_entity {
    struct str name;
    const struct sample_set *set;
    size_t rows; /* that are made; those that clients added come after them */
    const struct written_entity *written; /* what clients changed; NULL: nothing */
    struct str ids;                       /* what its keys begin with */
    const struct sample_field *fields;
    size_t field_count;
    const struct sample_field *key;     /* NULL: none */
    const struct sample_field *deleted; /* the flag of deleted records; NULL: none */
    struct str refused; /* it is listed but has no records: why, in the vendor's words */
    uint64_t seed;
};

struct sample_set {
    struct sample_forms forms;
    const struct sample_entity *entities;
    size_t entity_count;
};

const struct sample_entity *sample_find(const struct sample_set *set, struct str name);
/* ASCII letters in any case, where a vendor allows that. */
const struct sample_entity *sample_find_nocase(const struct sample_set *set, struct str name);
const struct sample_field *sample_field_find(const struct sample_entity *entity, struct str name);
const struct sample_field *sample_field_find_nocase(const struct sample_entity *entity,
                                                    struct str name);

/* Rows that there are, also those of deleted records. */
size_t sample_row_count(const struct sample_entity *entity);
/* The row of the record with this key, as the vendor writes it; of IDS_CHECKED without the last
 * three characters, too. */
bool sample_row_of_key(const struct sample_entity *entity, struct str key, size_t *ret_row);

/* The cell of `row`, below sample_row_count(). Texts live in the arena, or for ever. */
struct sample_cell sample_cell(const struct sample_entity *entity, const struct sample_field *field,
                               size_t row, struct arena *arena);
/* The entity to whose records a reference leads; STR_NULL: it is not known. */
struct str sample_reference(const struct sample_field *field);
bool sample_is_deleted(const struct sample_entity *entity, size_t row);

/* The cell as the vendor writes it in JSON. */
void sample_print(struct buf *out, const struct sample_forms *forms,
                  const struct sample_cell *cell);
/* `"name":value` of each field, with commas between. `fields` NULL: all that there are. */
void sample_print_fields(struct buf *out, const struct sample_entity *entity,
                         const struct sample_field *const *fields, size_t field_count, size_t row,
                         struct arena *arena);

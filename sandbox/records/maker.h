/* What a field's cells are made of: a rule of "makers" in a sandbox.json. */
#pragma once

#include "sandbox/records/sample.h"

enum maker_kind {
    MAKER_NOTHING,   /* null */
    MAKER_ID,        /* the record's key */
    MAKER_REFERENCE, /* the key of a record of `entity` */
    MAKER_SAME,      /* as the field `field` */
    MAKER_PATTERN,   /* `text` with {entity}, {id} and {number} filled in */
    MAKER_CONSTANT,  /* `number` */
    MAKER_OBJECT,    /* members, each with a maker; without names a list */
    MAKER_LIST,      /* none to three of `item` */
    MAKER_CHOICE,    /* one of the field's values */
    MAKER_NAME,      /* a thing at a place, with a number that no other row has */
    MAKER_WORDS,     /* a few words in any script */
    MAKER_PROSE,     /* lines, quotes, tabs; sometimes long */
    MAKER_DIGITS,    /* a number as text, with zeros in front */
    MAKER_PHONE,
    MAKER_EMAIL,
    MAKER_URL,
    MAKER_STREET,
    MAKER_CITY,
    MAKER_COUNTRY,
    MAKER_POSTCODE,
    MAKER_COUNT,   /* a whole number */
    MAKER_BIG,     /* …past 2^53 at times */
    MAKER_DECIMAL, /* of the field's precision and scale, also negative */
    MAKER_LATITUDE,
    MAKER_LONGITUDE,
    MAKER_FLAG,
    MAKER_DELETED, /* the flag of deleted records */
    MAKER_DAY,
    MAKER_TIME,
    MAKER_CREATED,   /* rises with the rows, but for a few that came late */
    MAKER_CHANGED,   /* after MAKER_CREATED */
    MAKER_CHANGED_S, /* …as seconds since the epoch */
};

struct sample_maker {
    enum maker_kind kind;
    enum sample_kind gives;           /* the kind of cells that are not null */
    struct str text;                  /* the pattern, the other field or entity */
    int64_t number;                   /* a constant, or digits behind a decimal's point */
    const struct str *names;          /* of an object's members; NULL: it is a list */
    const struct sample_maker *parts; /* an object's members, or the list's item */
    const struct str *choices;        /* the rule's own */
    size_t count;                     /* of parts or choices */
};

/* A maker by its name in sandbox.json. False: there is none. */
bool maker_kind_from(struct str name, enum maker_kind *ret_kind, enum sample_kind *ret_gives);

/* A number that depends on its arguments alone. */
uint64_t maker_draw(uint64_t seed, uint64_t row, unsigned which);
uint64_t maker_seed(uint64_t seed, struct str name);

/* The number behind a row's key: it rises with the row, and there are gaps. */
uint64_t maker_number(size_t row);
/* The key with that number. */
struct sample_cell maker_key(enum sample_ids ids, struct str prefix, uint64_t seed, uint64_t number,
                             struct arena *arena);

/* Milliseconds since the epoch: MAKER_CREATED, MAKER_CHANGED. */
int64_t maker_created_ms(const struct sample_entity *entity, size_t row);
int64_t maker_changed_ms(const struct sample_entity *entity, size_t row);

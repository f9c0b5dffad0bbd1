/* Reading a structure of a connector's answer that becomes a structure of the API: tables pair the
 * API's members with the contract's, one walker follows them and the API's shapes through the
 * answer. Types, lengths, patterns and enums are the model's. Faults go to the place's check. */
#pragma once

#include "base/arena.h"
#include "connector/custom/contract_reader.h"
#include "wire/shape.h"
#include "wire/value.h"

#include <stddef.h>

enum { CONTRACT_LIST_MAX = 100 }; /* items of any list */

enum contract_member_flag {
    CONTRACT_NEEDED = 1 << 0,   /* absent or empty is a fault */
    CONTRACT_PATTERN = 1 << 1,  /* the model's holds for its texts */
    CONTRACT_TEMPLATE = 1 << 2, /* "{{NAME}}" stands for text of the user's */
};

/* A word of the contract, and the API's for it. */
struct contract_word_row {
    const char *contract;
    const char *api;
};

/* A member of a structure. */
struct contract_member_row {
    const char *api;                       /* its name in the API */
    const char *contract;                  /* in the answer; NULL: the same */
    const char *other;                     /* another spelling there; NULL: none */
    unsigned flags;                        /* enum contract_member_flag */
    const struct contract_word_row *words; /* its texts; NULL: any text, or the model's enum */
    size_t word_count;
    const struct contract_member_row *members; /* of the structure that it is, or has as items */
    size_t member_count;
};

#define CONTRACT_WORDS(array) .words = (array), .word_count = sizeof(array) / sizeof(*(array))
#define CONTRACT_MEMBERS(array) .members = (array), .member_count = sizeof(array) / sizeof(*(array))

/* A structure of the API, by its names; members that the answer does not have are left out. `shape`
 * is the API's. */
struct value *contract_shape_read(struct arena *arena, const struct shape *shape,
                                  const struct contract_member_row *rows, size_t count,
                                  const struct contract_place *place);

/* A fault whose expectation is put together; NULL. */
_printf_(3, 4) struct value *contract_shape_fault(const struct contract_place *place,
                                                  struct arena *arena, const char *format, ...);

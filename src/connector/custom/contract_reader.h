/* Reading what a connector's function returned, member by member. Each reader names a member and
 * says what it has to be; anything else there is a fault: its JSON pointer, what was expected and
 * what was found. An answer is read to its end, so that one run tells the author of a connector all
 * of its faults. A null counts as absent, and unknown members are not looked at: Amazon's SDK for
 * Python writes nulls for what is not set, and newer SDKs have members that older ones have not. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "wire/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONTRACT_FAULTS_MAX = 8,   /* that are named; further ones are counted */
    CONTRACT_FAULT_BYTES = 96, /* of a name or a value that a fault repeats */
};

/* The faults of one answer. */
struct contract_check {
    size_t count;
    struct buf text;
};

struct contract_check contract_check_new(struct arena *arena);

/* A place in an answer. `parent` must live as long as the place is used, so keep both in variables
 * of one function. */
struct contract_place {
    struct contract_check *check;
    const struct value *value;           /* NULL: absent, or not what was asked for */
    const struct contract_place *parent; /* NULL: this is the whole answer */
    struct str name;                     /* in the parent; STR_NULL: `index` is */
    size_t index;
};

/* The whole answer, which is an object. */
struct contract_place contract_whole(struct contract_check *check, const struct value *answer);

/* Members. Absent ones give STR_NULL, `when_absent`, or a place without a value; so do faults. */
struct str contract_text(const struct contract_place *parent, const char *name, size_t bytes_max);
bool contract_flag(const struct contract_place *parent, const char *name, bool when_absent);
/* A number, also one with a point, cut to the bounds. */
int64_t contract_integer(const struct contract_place *parent, const char *name, int64_t min,
                         int64_t max, int64_t when_absent);
struct contract_place contract_object(const struct contract_place *parent, const char *name);
struct contract_place contract_list(const struct contract_place *parent, const char *name,
                                    size_t items_max);

/* As above; absent and empty are faults. */
struct str contract_needed_text(const struct contract_place *parent, const char *name,
                                size_t bytes_max);

/* The index in `words` of the text at a place; -1 when it is absent, or, which is a fault, none of
 * them. */
int contract_word(const struct contract_place *place, const char *const *words, size_t count);

/* Of an object or a list. */
struct contract_place contract_member(const struct contract_place *parent, const char *name);
struct contract_place contract_item(const struct contract_place *list, size_t index);
size_t contract_count(const struct contract_place *list); /* 0: absent */

/* The text at a place; a fault unless it is one of at most `bytes_max`. */
struct str contract_place_text(const struct contract_place *place, size_t bytes_max);

/* Adds a fault: what was expected at the place, such as "a boolean", or a rule across members. */
void contract_fault(const struct contract_place *place, const char *expected);

/* Whether there were no faults. Else ERR_CONNECTOR_SERVER with all of them, behind AppFlow's own
 * beginning of such messages; `function` is the contract's name of what was called. */
_must_use_ bool contract_check_end(const struct contract_check *check, const char *function,
                                   struct error *error);

/* The faults as one text: "/a/b: expected a boolean, found a string; …". */
struct str contract_check_text(const struct contract_check *check, struct arena *arena);

/* The same behind what they are faults of: the answer of `function`, by the contract's name. */
struct str contract_check_message(const struct contract_check *check, const char *function,
                                  struct arena *arena);

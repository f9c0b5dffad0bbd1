/* JSON of no known shape, as a tree of values. json.h is for those who need the library's own. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "wire/value.h"

enum {
    JSON_DEPTH_MAX = 32,
    JSON_ANSWER_NODES_MAX = 50 * 1000, /* values and names in one text */
};

/* Any JSON, with no shape: for vendors' answers. Structures keep the order of the text; numbers
 * that are not integers are VALUE_DOUBLE; null members are left out, and a null elsewhere is
 * VALUE_RAW "null". False when it is not JSON, or not to the strictness of json_read: depth,
 * UTF-8, names that repeat, integers past 64 bits; or when it has more than JSON_ANSWER_NODES_MAX
 * values and names. The tree takes 1 byte for each byte of text, 56 for a member of a structure and
 * 40 for an item of a list. */
bool json_parse(struct str text, struct arena *arena, struct value **ret_value);

enum json_fault {
    JSON_READ,     /* none */
    JSON_UNFIT,    /* not JSON to our strictness */
    JSON_TOO_MANY, /* more than JSON_ANSWER_NODES_MAX values and names */
    JSON_NO_ROOM,  /* the arena has no room for it, see arena_has_room */
};

/* As json_parse, which counts each fault as "not JSON". */
_must_use_ enum json_fault json_parse_answer(struct str text, struct arena *arena,
                                             struct value **ret_value);

/* As json_parse_answer, for a text that may have more values and names, or fewer: one of our own,
 * or one whose length has a limit of its own. */
_must_use_ enum json_fault json_parse_own(struct str text, size_t nodes_max, struct arena *arena,
                                          struct value **ret_value);

/* Whether a text is one JSON object, as RFC 8259 has it: numbers may be of any size, names may
 * repeat, and it may be nested to any depth. False as well with more than JSON_ANSWER_NODES_MAX
 * values and names. Nothing is kept of it. */
bool json_is_object(struct str text);

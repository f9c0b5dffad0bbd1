/* Requests in, answers out, as rest-json speaks: decoding with every constraint of the model. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "wire/shape.h"
#include "wire/value.h"

enum {
    JSON_DEPTH_MAX = 32,
    /* Values and names in one JSON text. A full body of flow tasks has about 15,000, a vendor's
     * answer of the largest size about 60,000. */
    JSON_REQUEST_NODES_MAX = 32 * 1024,
    JSON_ANSWER_NODES_MAX = 128 * 1024,
    VIOLATIONS_SHOWN_MAX = 10, /* the rest is counted, not spelled out */
};

/* Everything here needs shapes_init() first and may be called by any thread.
 *
 * Decodes a body against a structure shape.
 * - No body at all: {} for a shape without required members, else ERR_VALIDATION "The request
 *   object must be non-null".
 * - Not JSON, not an object, too deep, more than JSON_REQUEST_NODES_MAX values and names, a name
 *   twice in one object (also in two spellings that mean one member), a lone surrogate, bad UTF-8:
 *   ERR_SERIALIZATION.
 * - A member of another type than the model's: ERR_SERIALIZATION, naming the member. A number with
 *   a point or an exponent is an integer when its value is one. Numbers beyond the type are
 * refused.
 * - Unknown members and nulls are absent; so is "" in an optional member. In a required member ""
 *   stays and is judged by its constraints. A null in a list or map violates "must not be null".
 * - A name that is no member's exactly is matched without regard to case.
 * - Every violation of a constraint is collected: ERR_VALIDATION in AWS's form, a sentence each.
 *   Values inside connectorProfileCredentials, and of sensitive shapes, are never told.
 * Members are in the model's order, maps in the order of their keys, whatever was sent.
 * `ret_value` lives in the arena, and points neither into `body` nor elsewhere. */
_must_use_ bool restjson_decode(const struct shape *shape, struct str body, struct arena *arena,
                                struct value **ret_value, struct error *error);

/* As above for what the server itself stored: no constraints beyond types, same order and names. */
_must_use_ bool restjson_decode_stored(const struct shape *shape, struct str json,
                                       struct arena *arena, struct value **ret_value,
                                       struct error *error);

/* A member that came with the path or the query, decoded: a string, or a list of them. */
struct restjson_bound {
    struct str name;         /* the model's */
    const struct str *texts; /* at least one */
    size_t count;
};

/* As restjson_decode for an operation whose input is more than its body. Members whose location is
 * not the body come from `bound` alone. Without `has_body` the body is not looked at. */
_must_use_ bool restjson_decode_bound(const struct shape *shape, bool has_body, struct str body,
                                      const struct restjson_bound *bound, size_t bound_count,
                                      struct arena *arena, struct value **ret_value,
                                      struct error *error);

/* Any JSON, with no shape: for vendors' answers. Structures keep the order of the text; numbers
 * that are not integers are VALUE_DOUBLE; null members are left out, and a null elsewhere is
 * VALUE_RAW "null". False when it is not JSON, or not to the same strictness as above: depth,
 * UTF-8, names that repeat, integers past 64 bits; or when it has more than JSON_ANSWER_NODES_MAX
 * values and names. The tree takes 1 byte for each byte of text, 56 for a member of a structure and
 * 40 for an item of a list. */
bool json_parse(struct str text, struct arena *arena, struct value **ret_value);

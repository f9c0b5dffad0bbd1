/* Requests in, answers out, as rest-json speaks: decoding with every constraint of the model. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "wire/json_value.h"
#include "wire/shape.h"
#include "wire/value.h"

/* Values and names in a body. A full one of flow tasks has about 15,000. */
enum { JSON_REQUEST_NODES_MAX = 20 * 1000 };

/* Everything here may be called by any thread.
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
 * - Unknown members and nulls are absent, and take no memory once this returns; so is "" in an
 *   optional member but a task's destinationField, which tools compare with what they sent. In a
 *   required member "" stays and is judged by its constraints. A null in a list or map violates
 *   "must not be null".
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

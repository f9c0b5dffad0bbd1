/* Requests in, answers out, as rest-json speaks: decoding with every constraint of the model. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "wire/shape.h"
#include "wire/value.h"

enum {
    JSON_DEPTH_MAX = 32,
    VIOLATIONS_SHOWN_MAX = 10, /* the rest is counted, not spelled out */
};

/* Decodes a body against a structure shape.
 * - No body at all: ERR_VALIDATION "The request object must be non-null".
 * - Not JSON, not an object, too deep, a name twice in one object (also in two spellings that mean
 *   one member), a lone surrogate, bad UTF-8: ERR_SERIALIZATION.
 * - A member of another type than the model's: ERR_SERIALIZATION.
 * - Unknown members and nulls are absent; so is "" in an optional member.
 * - A name that is no member's exactly is matched without regard to case.
 * - Every violation of a constraint is collected: ERR_VALIDATION in AWS's form, a sentence each.
 *   Values inside connectorProfileCredentials, and of sensitive shapes, are never told.
 * `ret_value` may point into `body`. */
bool restjson_decode(const struct shape *shape, struct str body, struct arena *arena,
                     struct value **ret_value, struct error *error);

/* As above for what the server itself stored: no constraints beyond types, same order and names. */
bool restjson_decode_stored(const struct shape *shape, struct str json, struct arena *arena,
                            struct value **ret_value, struct error *error);

/* Any JSON, with no shape: for vendors' answers. Structures keep the order of the text; numbers
 * that are not integers are VALUE_DOUBLE; null members are left out. False when it is not JSON. */
bool json_parse(struct str text, struct arena *arena, struct value **ret_value);

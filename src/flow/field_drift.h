/* How the fields that a flow's source describes now differ from those that its tasks go by, and
 * what comes of it: fields that are gone, of another type, or new. */
#pragma once

#include "base/arena.h"
#include "profile/context.h"
#include "store/flows.h"
#include "wire/value.h"

enum { DRIFT_UNREAD_MAX = 100 }; /* fields of `unreadFields` */

/* A structure, in the arena, of
 * - `unknownFields`: what tasks read and the source does not describe, each with its `task`, from
 *   1, and `field`. It was renamed or removed at the vendor, is hidden from the user, or is
 *   misspelt: a run reads it as null, or the vendor refuses the query.
 * - `retypedFields`: of Map tasks whose SOURCE_DATA_TYPE means another kind of values than the type
 *   that the source describes: `task`, `field`, `taskType`, `type` and `effect`, which is
 *   "asItComes": written so; "converted": to the task's DESTINATION_DATA_TYPE, where the value can
 *   be; "column": the value must be of the kind of its column. What cannot be leaves its record
 *   out. Types whose kind is not known (flow/data_type.h) are not compared.
 * - `unreadFields`: what can be read, and no task reads, each with its `field` and `type`, the
 *   first DRIFT_UNREAD_MAX; and `unreadCount`, of all. Absent where a task copies all fields.
 *
 * NULL: the source has no profile, or does not say now which fields it has. By the cache of
 * entities, else the vendor is asked: waits. `definition`: DescribeFlow's members; `is_typed`: the
 * destination's columns have types. */
struct value *flow_field_drift(const struct profile_context *context, struct flow_key flow,
                               const struct value *definition, bool is_typed, struct str request_id,
                               struct arena *arena);

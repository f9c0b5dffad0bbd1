/* A replay: a run that writes the records which an earlier run's destination did not take, once
 * what stood in the way is mended. They come from the earlier run's objects of the error bucket
 * (failed_records.h), as the tasks had made them, and go to the destination as it is now.
 *
 * A replay is a run whose definition was rewritten: its source is the error bucket, its tasks give
 * each line's record on. Its own failures go to the error bucket under its own id, so that it can
 * be replayed as well. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "record/batch.h"
#include "wire/value.h"

/* The definition of the run that replays run `run_id` of the flow, as JSON in the arena.
 * `definition`: the flow's, DescribeFlow's members. ERR_VALIDATION: the flow's destination keeps no
 * failed records. */
_must_use_ bool flow_replay_make(const struct value *definition, struct str flow, struct str run_id,
                                 struct arena *arena, struct str *ret_json, struct error *error);

/* Of records that a replay's tasks made: ERR_VALIDATION for one that is no object. Lines of the
 * error bucket may have been edited, and anything else would be something else in the vendor's
 * batch. `page`: as messages name it. */
_must_use_ bool flow_replay_check(const struct record_batch *batch, struct str page,
                                  struct error *error);

/* Whether the definition is one of flow_replay_make. */
bool flow_is_replay(const struct value *definition);

/* A window of the past that a caller names, to run a flow over it once more. */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "flow/schedule.h"

/* From "FROM/TO", two times in the form of RFC 3339, such as
 * "2026-01-31T00:00:00Z/2026-02-01T00:00:00Z"; without a zone they are in UTC, and an empty TO is
 * now. Parts of a second are cut off. ERR_VALIDATION for other texts, for a window without time,
 * and for one that has not passed. */
_must_use_ bool past_window_read(struct str text, int64_t now_ms, struct flow_window *ret_window,
                                 struct error *error);

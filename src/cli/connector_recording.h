/* A connector's traffic as JSON lines, without secrets:
 *
 *     {"request": …, "outcome": "answered", "answer": …}
 *     {"request": …, "outcome": "timed out", "message": "…"}
 *
 * A value of the secret is written as {secret:NAME} in requests, and put back when they are sent
 * again; in answers it becomes [removed], as do its encodings. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "cli/connector_host.h"
#include "wire/value.h"

#include <stdbool.h>
#include <stdio.h>

enum { RECORDING_LINE_MAX = 3 * FUNCTION_PAYLOAD_MAX }; /* bytes: request and answer, escaped */

/* What is answered, without secrets: the JSON that came, or the outcome as {"outcome": …,
 * "message": …}. In the arena. */
struct value *recording_answer(const struct connector_host_call *call, const struct value *secret,
                               struct arena *arena);

/* A text from the connector, without secrets. In the arena. */
struct str recording_text(struct str text, const struct value *secret, struct arena *arena);

/* A line of a recording. ERR_TOO_LARGE past RECORDING_LINE_MAX, ERR_UNAVAILABLE when the file
 * cannot be written. */
_must_use_ bool recording_write(FILE *file, const struct connector_host_call *call,
                                const struct value *secret, struct error *error);

/* The request of a line, with the secret's values in it, and what was answered. ERR_VALIDATION
 * says what is wrong with the line. */
_must_use_ bool recording_read(struct str line, const struct value *secret, struct arena *arena,
                               struct str *ret_request, struct value **ret_answer,
                               struct error *error);

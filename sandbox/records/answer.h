/* Answers of vendors that are made of records, in the languages in which they are asked for. */
#pragma once

#include "sandbox/records/loaded.h"
#include "sandbox/records/written.h"
#include "sandbox/request.h"

/* Whose records are asked for. */
struct records_place {
    struct str vendor;
    const struct sample_set *set;  /* as the sandbox makes it */
    struct written_store *written; /* NULL: writes are refused */
    struct loaded *loaded;         /* NULL: nothing can be loaded */
};

/* What a response with "records" comes to: status, body and headers filled in, all else as it is.
 * In the request's arena. */
const struct sandbox_response *records_answer(const struct records_place *place,
                                              const struct sandbox_response *response,
                                              struct sandbox_request *request, int64_t now_ms);

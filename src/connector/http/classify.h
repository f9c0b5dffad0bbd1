/* What an answer means: the connector's own rules first, then a table common to all. */
#pragma once

#include "base/arena.h"
#include "connector/http/http_connector.h"
#include "connector/http/response.h"

struct classification {
    enum verdict_kind kind;
    enum verdict_step step; /* where it ended: the call's own, or one below it */
    bool renewable;         /* a new access token may help */
    const char *hint;       /* NULL: none */
};

/* `step` is the call's; `needs` a JSON pointer that a good answer has, or NULL. */
struct classification classify(struct arena *arena, const struct connector *connector,
                               enum verdict_step step, const char *needs,
                               const struct vendor_response *response);

/* A vendor's answer, looked at once: its JSON when it is JSON, else whether it is a web page. */
#pragma once

#include "base/arena.h"
#include "net/client.h"
#include "wire/value.h"

#include <stdbool.h>

struct answer {
    struct client_response response;
    struct value *json; /* NULL: not JSON */
    bool html;
};

void answer_read(struct arena *arena, struct answer *answer); /* response is there already */

/* How long the vendor asks to wait (Retry-After in seconds or as a date, RFC 9110, 10.2.3); -1 when
 * it does not say. Vendors' own headers for it will be data of the connector. */
int64_t answer_retry_after_ms(struct arena *arena, const struct answer *answer, int64_t now_ms);

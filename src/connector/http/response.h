/* A vendor's answer, looked at once: its JSON when it is JSON, else whether it is a web page. */
#pragma once

#include "base/arena.h"
#include "connector/http/http_connector.h"
#include "net/client/client.h"
#include "wire/value.h"

#include <stdbool.h>

struct vendor_response {
    struct client_response http;
    struct value *json; /* NULL: not JSON */
    bool html;
};

/* The body's text once more, its values at 16 bytes each (the reader expects one in six bytes), and
 * the tree that is made of them. */
enum { VENDOR_RESPONSE_COPIES = 7 };

void vendor_response_read(struct arena *arena,
                          struct vendor_response *response); /* response is there already */

/* How long the vendor asks to wait: Retry-After in seconds or as a date (RFC 9110, 10.2.3), else,
 * in a refusal, its own header `wait`; -1 when it does not say. */
int64_t vendor_response_retry_after_ms(struct arena *arena, const struct vendor_response *response,
                                       const struct connector_wait *wait, int64_t now_ms);

/* What a header that says how long to wait comes to in milliseconds, whatever the status; -1: it is
 * not there, or makes no sense. */
int64_t vendor_response_wait_ms(const struct vendor_response *response,
                                const struct connector_wait *wait, int64_t now_ms);

/* Sends what was chosen, also late, cut off or not at all. */
#pragma once

#include "net/server/server.h"
#include "sandbox/play.h"

void answer_send(struct play *play, const struct sandbox_response *response,
                 struct http_exchange *exchange);
void answer_unknown_host(const struct sandbox_request *request, struct http_exchange *exchange,
                         const struct str *hosts, size_t host_count);

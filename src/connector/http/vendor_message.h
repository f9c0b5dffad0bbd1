/* The vendor's own message about a failure: extracted from the response, redacted, and sanitized
 * for errors, logs and the audit. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "connector/http/http_connector.h"
#include "connector/http/redact.h"
#include "connector/http/response.h"

enum {
    VENDOR_MESSAGE_RAW_MAX = REDACT_TEXT_MAX
}; /* bytes; what is longer is no message and is left out */

/* Invisible characters dropped, blanks of all kinds and bytes that are no UTF-8 turned into single
 * blanks, secrets removed, cut at VERDICT_MESSAGE_MAX bytes. */
struct str vendor_message_clean(const struct redaction *redaction, struct str text);
/* The same in another arena than the redaction's: for one of many messages. */
struct str vendor_message_clean_in(struct arena *arena, const struct redaction *redaction,
                                   struct str text);

/* What the answer says, by the connector's pointers and then by the usual ones; the plain text
 * of a refusal as it is, the host that a redirect leads to. Of an answer over a private route the
 * last two are left out: what stands at a route's end is inside the operator's network, and text
 * that is no JSON need not be a vendor's. STR_NULL when it says nothing. */
struct str vendor_message_find(const struct redaction *redaction, const struct connector *connector,
                               const struct vendor_response *response, bool is_private);

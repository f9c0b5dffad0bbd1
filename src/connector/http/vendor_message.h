/* The vendor's own message about a failure: extracted from the response, redacted, and sanitized
 * for errors, logs and the audit. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "connector/http/http_connector.h"
#include "connector/http/redact.h"
#include "connector/http/response.h"

enum {
    VENDOR_MESSAGE_RAW_MAX = 16 * 1024
}; /* bytes; what is longer is no message and is left out */

/* Secrets removed, control and formatting characters turned into blanks, bytes that are no UTF-8
 * too, cut at VERDICT_MESSAGE_MAX bytes. */
struct str vendor_message_clean(const struct redaction *redaction, struct str text);

/* What the answer says, by the connector's pointers and then by the usual ones; the plain text
 * of a refusal as it is, the host that a redirect leads to. STR_NULL when it says nothing. */
struct str vendor_message_find(const struct redaction *redaction, const struct connector *connector,
                               const struct vendor_response *response);

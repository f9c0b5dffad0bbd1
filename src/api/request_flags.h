/* Headers of our own that change what an operation does:
 *
 * - X-Headgate-Dry-Run: true, on CreateConnectorProfile and UpdateConnectorProfile, is_dry_run: see
 *   api/dry_run.h.
 * - X-Headgate-Rollback: true, on UpdateConnectorProfile, is_rollback: not what the request has
 *   becomes the profile's configuration, but the previous one (profile/rollback.h). The request's
 *   own must be empty: {"connectorProfileProperties": {}}.
 * - X-Headgate-Quotas: true, on ListFlows, is_quotas: see api/vendor_quotas.h.
 * - X-Headgate-Consent: true, on CreateConnectorProfile and UpdateConnectorProfile, is_consent: see
 *   api/consent_link.h.
 *
 * All must be signed, as sigv4_verify has it: one that is lost on the way must not leave another
 * change behind. */
#pragma once

#include "api/request.h"

/* Sets those of the request. ERR_VALIDATION for another value than "true", for more than one of
 * them, and for an operation that one is not for, since it would be carried out. */
bool request_read_flags(struct api_request *request);

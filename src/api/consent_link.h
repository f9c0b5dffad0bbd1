/* The header X-Headgate-Consent: true, with which CreateConnectorProfile and UpdateConnectorProfile
 * make a link for a person instead of the change. The request is the usual one without a code or a
 * token; it is checked as far as the vendor, nothing of the profile is stored, and the answer has
 * the link in X-Headgate-Consent-Link. Who opens it authorizes at the vendor, and then the change
 * is made with the code that the vendor gives (api/consent_visit.h).
 *
 * X-Headgate-Consent-Scope: scopes to ask for, instead of the connector's own.
 * X-Headgate-Consent-Authorization-Url: which one, of a registered connector that declares several.
 * X-Headgate-Consent-Account: any: the vendor's account may be another than before.
 *
 * Like every header x-headgate-… they must be signed. */
#pragma once

#include "api/request.h"
#include "profile/consent_use.h"

enum { CONSENT_SCOPE_MAX = 1024 }; /* bytes */

/* Sets request->consent, if request_read_flags has found the header. ERR_VALIDATION. */
bool request_read_consent(struct api_request *request);

/* For a change that was checked up to the vendor: sets request->consent_link. */
bool request_make_consent_link(struct api_request *request, const struct profile_change *change);

/* ListFlows with the header X-Headgate-Quotas: true, which `headgate flow quotas` sends: not the
 * flows, but what the vendors of the caller's account have said of their limits to runs of this
 * node (work/call_quota.h), with a forecast for each of the vendor's customers. Nothing is asked
 * for. The answer is {"flows": [], "vendorQuotas": [{
 *     "connectorType", "host", "region", "connectorProfileName"
 *                     (the latter two where the vendor limits a profile's user),
 *     "callsLeft", "asOf", "renewsAt"           as the vendor said last,
 *     "callsAnHour", "endsAt"                   used, by all clients; when none will be left,
 *     "callsInProgress", "callsWaiting", "waitsUntil"   of this node's runs }]}
 * A member that is not known is left out. Times are seconds since the epoch. */
#pragma once

#include "api/request.h"

enum { VENDOR_QUOTAS_MAX = 1000 }; /* in an answer; further ones are left out */

bool vendor_quotas_answer(struct api_request *request);

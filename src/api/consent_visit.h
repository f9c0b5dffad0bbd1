/* Visits of a person's browser: the link, the button, the vendor's answer, the result.
 *
 *   GET  /connect/LINK                 shows what will be connected; sets the browser's cookie
 *   POST /connect/LINK                 the button: sends the browser to the vendor
 *   GET  /connect/callback/TYPE[/LABEL] the vendor's answer: the change is made, then a redirect to
 *   GET  /connect/result/ID            how it ended, with no code in the address
 *
 * None of them is signed. What binds a visit is the link's secret, the cookie and `state`
 * (profile/consent.h). The change runs as the API call that it stands for: the same function, with
 * the account's share of workers, its log and its audit. */
#pragma once

#include "api/request.h"

/* True: the request is for one of these paths and is answered, now or later. On its loop. */
bool consent_visit_begin(struct service *service, struct http_exchange *exchange);

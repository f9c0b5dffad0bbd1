/* The header X-Headgate-Dry-Run: true, with which CreateConnectorProfile and UpdateConnectorProfile
 * check everything, ask the vendor and store nothing (profile/dry_run.h). It must be signed, as
 * sigv4_verify has it: one that is lost on the way must not leave a change behind.
 *
 * The answer has the operation's usual form, and a header X-Headgate-Verification once the vendor
 * was asked: JSON with the members of the table in docs/api.md. */
#pragma once

#include "api/request.h"
#include "profile/change.h"

enum { DRY_RUN_REPORT_MAX = 2048 }; /* bytes: proxies limit what headers have together */

/* Sets request->report, unless the vendor was not asked. */
void request_report_verification(struct api_request *request,
                                 const struct profile_verification *verification);

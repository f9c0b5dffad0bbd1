/* What answers mean where a connector has no rule of its own. */
#include "connector/http/classify.h"

const char classify_hint_url[] = "Check that the profile's properties lead to the vendor's API.";

#define HINT_LATER "Try again later."
#define HINT_APP "Check the OAuth app's client id and secret."
#define OAUTH_ERROR(code) STEP_TOKEN, .at = "/error", .equals = (code)

/* Token endpoints answer errors with 400 or 401 and "/error" (RFC 6749, 5.2), some with 200. */
static const struct connector_rule rules[] = {
    {STEP_TOKEN, .status = 429, .kind = VERDICT_THROTTLED, .hint = HINT_LATER,
     .causes = CAUSE_LIMIT},
    {OAUTH_ERROR("slow_down"), .kind = VERDICT_THROTTLED, .hint = HINT_LATER,
     .causes = CAUSE_LIMIT},
    {OAUTH_ERROR("temporarily_unavailable"), .kind = VERDICT_UNREACHABLE, .hint = HINT_LATER,
     .causes = CAUSE_OUTAGE},
    {OAUTH_ERROR("server_error"), .kind = VERDICT_UNREACHABLE, .hint = HINT_LATER,
     .causes = CAUSE_OUTAGE},
    {STEP_TOKEN, .status = 5, .kind = VERDICT_UNREACHABLE, .hint = HINT_LATER,
     .causes = CAUSE_OUTAGE},
    {OAUTH_ERROR("invalid_grant"), .grants = GRANT_PASSWORD, .kind = VERDICT_REJECTED,
     .hint = "Check the user name and the password.", .causes = CAUSE_CREDENTIAL},
    {OAUTH_ERROR("invalid_grant"), .grants = GRANT_CODE, .kind = VERDICT_REJECTED,
     .hint = "The code is invalid, expired or was used before, or redirectUri is not the one that "
             "it was requested with. Get a new code.",
     .causes = CAUSE_GRANT | CAUSE_REDIRECT},
    {OAUTH_ERROR("invalid_grant"), .grants = GRANT_REFRESH, .kind = VERDICT_REJECTED,
     .hint = "The refresh token is invalid, expired or revoked. Get a new one.",
     .causes = CAUSE_GRANT},
    {OAUTH_ERROR("invalid_grant"), .kind = VERDICT_REJECTED,
     .hint = "The assertion is invalid, expired or was used before. Make a new one.",
     .causes = CAUSE_GRANT},
    {OAUTH_ERROR("invalid_client"), .kind = VERDICT_REJECTED, .hint = HINT_APP,
     .causes = CAUSE_CLIENT},
    {OAUTH_ERROR("unauthorized_client"), .kind = VERDICT_REJECTED,
     .hint = "The OAuth app is not allowed to use this grant type.", .causes = CAUSE_CLIENT},
    {OAUTH_ERROR("invalid_scope"), .kind = VERDICT_REJECTED,
     .hint = "The OAuth app or the grant does not include the scope that was requested.",
     .causes = CAUSE_PERMISSION},
    {OAUTH_ERROR("invalid_request"), .kind = VERDICT_MISCONFIGURED},
    {OAUTH_ERROR("unsupported_grant_type"), .kind = VERDICT_MISCONFIGURED,
     .hint = "The token endpoint does not support this grant type.", .causes = CAUSE_UNSUPPORTED},
    {STEP_TOKEN, .status = 2, .at = "/error", .kind = VERDICT_REJECTED},
    {STEP_TOKEN, .status = 4, .at = "/error", .kind = VERDICT_REJECTED},
    {STEP_TOKEN, .status = 401, .kind = VERDICT_REJECTED, .hint = HINT_APP, .causes = CAUSE_CLIENT},
    {STEP_TOKEN, .status = 404, .kind = VERDICT_MISCONFIGURED, .hint = classify_hint_url,
     .causes = CAUSE_ADDRESS},
    {STEP_TOKEN, .status = 405, .kind = VERDICT_MISCONFIGURED, .hint = classify_hint_url,
     .causes = CAUSE_ADDRESS},

    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .renewable = true},
    {STEP_API, .status = 403, .kind = VERDICT_FORBIDDEN},
    {STEP_API, .status = 408, .kind = VERDICT_UNREACHABLE, .hint = HINT_LATER,
     .causes = CAUSE_OUTAGE},
    {STEP_API, .status = 429, .kind = VERDICT_THROTTLED, .hint = HINT_LATER, .causes = CAUSE_LIMIT},
    {STEP_API, .status = 5, .kind = VERDICT_UNREACHABLE, .hint = HINT_LATER,
     .causes = CAUSE_OUTAGE},
};

struct connector_rules classify_common_rules(void)
{
    return (struct connector_rules)LIST(rules);
}

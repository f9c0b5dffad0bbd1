/* What Salesforce's token endpoint says, which Account Engagement (Pardot) shares. The words are in
 * error_description; the codes of RFC 6749 tell little, since most failures are invalid_grant. */
#pragma once

#include "connector/http/http_connector.h"

#define LOGIN_ERROR(code) STEP_TOKEN, .at = "/error", .equals = (code)
#define LOGIN_SAYS(text) STEP_TOKEN, .at = "/error_description", .contains = (text)

#define LOGIN_HINT_BUSY                                                                            \
    "Another request is using the same refresh token or code at this moment. Try again."
#define LOGIN_HINT_PKCE                                                                            \
    "The app requires PKCE, and this API has no member for a code verifier. Exchange the code "    \
    "yourself and provide accessToken and refreshToken, or turn off \"Require Proof Key for Code " \
    "Exchange (PKCE) Extension\" for the app."
#define LOGIN_HINT_ADDRESS                                                                         \
    "The organization or the connected app does not accept logins from this server's IP address, " \
    "or not at this hour. Ask an administrator to check the login IP ranges, the login hours and " \
    "the app's IP relaxation."
#define LOGIN_HINT_USER                                                                            \
    "The user is inactive or frozen. Activate the user, or log in as another one."
#define LOGIN_HINT_ORG "The organization is inactive, locked or expired."

/* clang-format off */
#define SALESFORCE_LOGIN_RULES                                                                     \
    {LOGIN_SAYS("already being processed"), .kind = VERDICT_BUSY, .hint = LOGIN_HINT_BUSY,         \
     .causes = CAUSE_BUSY},                                                                        \
    /* How the same was said until September 2024. */                                              \
    {LOGIN_SAYS("expired authorization code"), .grants = GRANT_REFRESH, .kind = VERDICT_BUSY,      \
     .hint = LOGIN_HINT_BUSY, .causes = CAUSE_BUSY},                                               \
    {LOGIN_ERROR("rate_limit_exceeded"), .kind = VERDICT_THROTTLED,                                \
     .hint = "Try again in a few minutes.", .causes = CAUSE_LIMIT},                                \
    {LOGIN_SAYS("login rate exceeded"), .kind = VERDICT_THROTTLED, .hint = "Try again in an hour.",\
     .causes = CAUSE_LIMIT},                                                                       \
    {LOGIN_ERROR("unknown_error"), .kind = VERDICT_UNREACHABLE, .hint = "Try again.",              \
     .causes = CAUSE_OUTAGE},                                                                      \
    {LOGIN_SAYS("not supported on this domain"), .kind = VERDICT_MISCONFIGURED,                    \
     .hint = "Set instanceUrl to the organization's My Domain host.", .causes = CAUSE_ADDRESS},    \
    {LOGIN_SAYS("code verifier"), .kind = VERDICT_MISCONFIGURED, .hint = LOGIN_HINT_PKCE,          \
     .causes = CAUSE_UNSUPPORTED},                                                                 \
    {LOGIN_SAYS("authorization code"), .kind = VERDICT_REJECTED,                                   \
     .hint = "An authorization code works once and for about 15 minutes. Get a new one.",          \
     .causes = CAUSE_GRANT},                                                                       \
    {LOGIN_SAYS("expired access/refresh token"), .kind = VERDICT_REJECTED,                         \
     .hint = "The refresh token is expired or revoked; a sixth login of one user to one app "      \
             "revokes the oldest. Get new tokens from a new login.",                               \
     .causes = CAUSE_GRANT},                                                                       \
    {LOGIN_SAYS("approved this consumer"), .kind = VERDICT_REJECTED,                               \
     .hint = "Ask an administrator to approve the connected app for this user in advance.",        \
     .causes = CAUSE_CLIENT},                                                                      \
    {LOGIN_SAYS("audience"), .kind = VERDICT_REJECTED,                                             \
     .hint = "The assertion's aud must be the login host: https://test.salesforce.com when "       \
             "isSandboxEnvironment is true, otherwise https://login.salesforce.com.",              \
     .causes = CAUSE_GRANT},                                                                       \
    {LOGIN_SAYS("ip restricted"), .kind = VERDICT_BLOCKED, .hint = LOGIN_HINT_ADDRESS,             \
     .causes = CAUSE_POLICY},                                                                      \
    {LOGIN_SAYS("inactive user"), .kind = VERDICT_REJECTED, .hint = LOGIN_HINT_USER,               \
     .causes = CAUSE_USER},                                                                        \
    {LOGIN_SAYS("inactive organization"), .kind = VERDICT_REJECTED, .hint = LOGIN_HINT_ORG,        \
     .causes = CAUSE_ACCOUNT},                                                                     \
    {LOGIN_SAYS("authentication failure"), .kind = VERDICT_REJECTED,                               \
     .hint = "Salesforce refused the login. The user's login history in Setup gives the reason: "  \
             "an inactive user, a login policy, or a token that is revoked.",                      \
     .causes = CAUSE_USER | CAUSE_POLICY | CAUSE_GRANT},                                           \
    {LOGIN_ERROR("redirect_uri_mismatch"), .kind = VERDICT_REJECTED,                               \
     .hint = "redirectUri must be the one that the code was requested with.",                      \
     .causes = CAUSE_REDIRECT},                                                                    \
    {LOGIN_ERROR("invalid_client_id"), .kind = VERDICT_REJECTED,                                   \
     .hint = "This login host does not know the app's client id: a sandbox's app differs from "    \
             "production's.",                                                                      \
     .causes = CAUSE_CLIENT | CAUSE_ADDRESS},                                                      \
    {LOGIN_ERROR("inactive_user"), .kind = VERDICT_REJECTED, .hint = LOGIN_HINT_USER,              \
     .causes = CAUSE_USER},                                                                        \
    {LOGIN_ERROR("inactive_org"), .kind = VERDICT_REJECTED, .hint = LOGIN_HINT_ORG,                \
     .causes = CAUSE_ACCOUNT}
/* clang-format on */

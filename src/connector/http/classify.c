/* Judging answers by tables. */
#include "connector/http/classify.h"

#include "base/clock.h"
#include "wire/json_pointer.h"

#include <string.h>
#include <strings.h>
#include <time.h>

/* What to look at when it may not be the vendor's API that answers, or nobody does. */
static const char hint_url[] = "Check that the profile's properties lead to the vendor's API.";
static const char hint_host[] = "Check the host name in the profile's properties.";
static const char hint_own_url[] = "Try again later. If the operator of this server has named an "
                                   "endpoint for this connector, check that it is right.";

struct transport_row {
    enum client_outcome outcome;
    enum verdict_kind kind;
    enum verdict_step step; /* STEP_NONE: the call's own */
    const char *hint;
};

static const struct transport_row transport[] = {
    {CLIENT_BAD_URL, VERDICT_MISCONFIGURED, STEP_NONE, hint_url},
    {CLIENT_RESOLVE, VERDICT_UNREACHABLE, STEP_RESOLVE, hint_host},
    {CLIENT_REFUSED, VERDICT_MISCONFIGURED, STEP_CONNECT,
     "The operator of this server does not allow connections to that address."},
    {CLIENT_CONNECT, VERDICT_UNREACHABLE, STEP_CONNECT, "Try again."},
    {CLIENT_PROXY, VERDICT_UNREACHABLE, STEP_CONNECT,
     "Ask the operator of this server to check its HTTP proxy (--proxy)."},
    {CLIENT_TLS, VERDICT_UNREACHABLE, STEP_TLS,
     "Its certificate is not trusted here, or no TLS is spoken there."},
    {CLIENT_TIMEOUT, VERDICT_UNREACHABLE, STEP_NONE, "Try again."},
    {CLIENT_BROKEN, VERDICT_UNREACHABLE, STEP_NONE, "Try again."},
    {CLIENT_TOO_LARGE, VERDICT_UNREACHABLE, STEP_NONE, hint_url},
    {CLIENT_ABORTED, VERDICT_INTERNAL, STEP_NONE, "Try again."},
    {CLIENT_STOPPED, VERDICT_INTERNAL, STEP_NONE, "The server is stopping. Try again."},
};

#define HINT_LATER "Try again later."
#define HINT_APP "Check the OAuth app's client id and secret."

static const struct connector_rule common[] = {
    {STEP_TOKEN, .status = 429, .kind = VERDICT_THROTTLED, .hint = HINT_LATER},
    {STEP_TOKEN, .at = "/error", .equals = "slow_down", .kind = VERDICT_THROTTLED,
     .hint = HINT_LATER},
    {STEP_TOKEN, .at = "/error", .equals = "temporarily_unavailable", .kind = VERDICT_UNREACHABLE,
     .hint = HINT_LATER},
    {STEP_TOKEN, .at = "/error", .equals = "server_error", .kind = VERDICT_UNREACHABLE,
     .hint = HINT_LATER},
    {STEP_TOKEN, .status = 5, .kind = VERDICT_UNREACHABLE, .hint = HINT_LATER},
    {STEP_TOKEN, .at = "/error", .equals = "invalid_grant", .kind = VERDICT_REJECTED,
     .hint = "The code, refresh token or assertion is spent, expired or revoked. Get a new one."},
    {STEP_TOKEN, .at = "/error", .equals = "invalid_client", .kind = VERDICT_REJECTED,
     .hint = HINT_APP},
    {STEP_TOKEN, .at = "/error", .equals = "unauthorized_client", .kind = VERDICT_REJECTED,
     .hint = "The OAuth app may not use this grant."},
    {STEP_TOKEN, .at = "/error", .equals = "invalid_request", .kind = VERDICT_MISCONFIGURED},
    {STEP_TOKEN, .at = "/error", .equals = "unsupported_grant_type", .kind = VERDICT_MISCONFIGURED},
    {STEP_TOKEN, .status = 2, .at = "/error", .kind = VERDICT_REJECTED},
    {STEP_TOKEN, .status = 4, .at = "/error", .kind = VERDICT_REJECTED},
    {STEP_TOKEN, .status = 401, .kind = VERDICT_REJECTED, .hint = HINT_APP},
    {STEP_TOKEN, .status = 403, .kind = VERDICT_REJECTED},
    {STEP_TOKEN, .status = 404, .kind = VERDICT_MISCONFIGURED, .hint = hint_url},
    {STEP_TOKEN, .status = 405, .kind = VERDICT_MISCONFIGURED, .hint = hint_url},
    {STEP_TOKEN, .status = 4, .kind = VERDICT_UNREACHABLE},

    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .renewable = true},
    {STEP_API, .status = 403, .kind = VERDICT_FORBIDDEN},
    {STEP_API, .status = 408, .kind = VERDICT_UNREACHABLE, .hint = HINT_LATER},
    {STEP_API, .status = 429, .kind = VERDICT_THROTTLED, .hint = HINT_LATER},
    {STEP_API, .status = 4, .kind = VERDICT_MISCONFIGURED, .hint = hint_url},
    {STEP_API, .status = 5, .kind = VERDICT_UNREACHABLE, .hint = HINT_LATER},
};

static bool status_matches(int wanted, int status)
{
    return wanted == 0 || wanted == status || (wanted < 10 && wanted == status / 100);
}

static bool contains_nocase(struct str text, const char *part)
{
    size_t len = strlen(part);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (strncasecmp(text.data + i, part, len) == 0)
            return true;
    }
    return false;
}

static bool text_matches(const struct connector_rule *rule, struct str text)
{
    if (rule->equals)
        return str_eq(text, str_from(rule->equals));
    if (rule->contains)
        return text.data && contains_nocase(text, rule->contains);
    return true;
}

/* "2020-11-12T08:15:30.001Z" (RFC 3339, in UTC); the fraction is not looked at. */
static bool time_is_past(struct arena *arena, struct str text)
{
    struct tm tm = {0};
    if (!text.data)
        return false;
    const char *end = strptime(arena_cstr(arena, text), "%Y-%m-%dT%H:%M:%S", &tm);
    bool is_time = end && (*end == '.' || *end == 'Z') && str_ends(text, STR("Z"));
    return is_time && (int64_t)timegm(&tm) * 1000 <= clock_wall_ms();
}

static bool rule_matches(struct arena *arena, const struct connector_rule *rule,
                         enum verdict_step step, const struct vendor_response *response)
{
    if ((rule->step != step && rule->step != STEP_NONE) || (rule->page && !response->html) ||
        !status_matches(rule->status, response->http.status))
        return false;
    if (rule->header) {
        const struct str *value = client_header(&response->http, str_from(rule->header));
        return value && text_matches(rule, *value);
    }
    if (!rule->at)
        return text_matches(rule, response->http.body);
    if (!response->json)
        return false;
    if (rule->absent)
        return pointer_is_missing(arena, response->json, rule->at);
    if (rule->past)
        return time_is_past(arena, pointer_text(arena, response->json, rule->at));
    return pointer_find(response->json, rule->at) &&
           text_matches(rule, pointer_text(arena, response->json, rule->at));
}

static const struct connector_rule *find_rule(struct arena *arena,
                                              const struct connector_rule *rules, size_t count,
                                              enum verdict_step step,
                                              const struct vendor_response *response)
{
    for (size_t i = 0; i < count; i++) {
        if (rule_matches(arena, &rules[i], step, response))
            return &rules[i];
    }
    return NULL;
}

static struct classification classify_transport(enum verdict_step step,
                                                const struct client_response *response)
{
    struct classification classification = {VERDICT_UNREACHABLE, step, false, NULL};
    for (size_t i = 0; i < sizeof(transport) / sizeof(*transport); i++) {
        if (transport[i].outcome != response->outcome)
            continue;
        classification.kind = transport[i].kind;
        classification.hint = transport[i].hint;
        if (transport[i].step != STEP_NONE)
            classification.step = transport[i].step;
    }
    if (response->outcome == CLIENT_TIMEOUT && !response->connected)
        classification.step = STEP_CONNECT;
    return classification;
}

/* Who gives no address in the properties cannot have given a wrong one. */
static bool takes_address(const struct connector *connector)
{
    for (size_t i = 0; i < connector->http->api.count; i++) {
        if (connector->http->api.rows[i].url && strchr(connector->http->api.rows[i].url, '{'))
            return true;
    }
    return false;
}

static const char *hint_for(const struct connector *connector, const char *hint)
{
    bool of_address = hint == hint_url || hint == hint_host;
    return of_address && !takes_address(connector) ? hint_own_url : hint;
}

/* Something else than the vendor's API seems to have answered. */
static struct classification classify_stranger(struct arena *arena,
                                               const struct connector *connector,
                                               enum verdict_kind kind, enum verdict_step step,
                                               const char *what)
{
    struct str hint = arena_printf(arena, "%s %s", what, hint_for(connector, hint_url));
    return (struct classification){kind, step, false, hint.data};
}

/* No rule speaks against it: is it an answer at all? */
static struct classification classify_good(struct arena *arena, const struct connector *connector,
                                           enum verdict_step step, const char *needs,
                                           const struct vendor_response *response)
{
    if (response->html)
        return classify_stranger(arena, connector, VERDICT_MISCONFIGURED, step,
                                 "It answered with a web page.");
    if (!response->json)
        return (struct classification){VERDICT_UNREACHABLE, step, false,
                                       "The answer is not the JSON that was expected."};
    if (needs && !pointer_find(response->json, needs))
        return classify_stranger(arena, connector, VERDICT_UNREACHABLE, step,
                                 "The answer lacks what it should have.");
    return (struct classification){VERDICT_ACCEPTED, step, false, NULL};
}

static struct classification classify_response(struct arena *arena,
                                               const struct connector *connector,
                                               enum verdict_step step, const char *needs,
                                               const struct vendor_response *response)
{
    int status = response->http.status;
    const struct connector_rule *rule =
        find_rule(arena, connector->http->rules.rows, connector->http->rules.count, step, response);
    if (!rule)
        rule = find_rule(arena, common, sizeof(common) / sizeof(*common), step, response);
    if (rule && (rule->kind != VERDICT_ACCEPTED || rule->enough))
        return (struct classification){rule->kind, step, rule->renewable, rule->hint};
    if (rule || status / 100 == 2)
        return classify_good(arena, connector, step, needs, response);
    if (status / 100 == 3)
        return classify_stranger(arena, connector, VERDICT_MISCONFIGURED, step,
                                 "It answered with a redirect, which is not followed.");
    return (struct classification){VERDICT_UNREACHABLE, step, false, HINT_LATER};
}

struct classification classify(struct arena *arena, const struct connector *connector,
                               enum verdict_step step, const char *needs,
                               const struct vendor_response *response)
{
    struct classification classification =
        response->http.outcome == CLIENT_OK
            ? classify_response(arena, connector, step, needs, response)
            : classify_transport(step, &response->http);
    classification.hint = hint_for(connector, classification.hint);
    return classification;
}

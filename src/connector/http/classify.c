/* Classifying answers by tables. */
#include "connector/http/classify.h"

#include "base/clock.h"
#include "connector/http/vendor_time.h"
#include "wire/json_pointer.h"

#include <string.h>
#include <strings.h>

/* Where to look when the vendor's API may not be what answers at this address. */
static const char hint_host[] = "Check the host name in the profile's properties.";
static const char hint_own_url[] =
    "Try again later. If the operator of this server set an endpoint "
    "for this connector, check that it is correct.";

struct transport_row {
    enum client_outcome outcome;
    enum verdict_kind kind;
    enum verdict_step step; /* STEP_NONE: the call's own */
    const char *hint;
};

static const struct transport_row transport[] = {
    {CLIENT_BAD_URL, VERDICT_MISCONFIGURED, STEP_NONE, classify_hint_url},
    {CLIENT_RESOLVE, VERDICT_UNREACHABLE, STEP_RESOLVE, hint_host},
    {CLIENT_BUSY, VERDICT_THROTTLED, STEP_RESOLVE, "Try again."},
    {CLIENT_REFUSED, VERDICT_MISCONFIGURED, STEP_CONNECT,
     "The operator of this server does not allow connections to that address."},
    {CLIENT_CONNECT, VERDICT_UNREACHABLE, STEP_CONNECT, "Try again."},
    {CLIENT_PROXY, VERDICT_UNREACHABLE, STEP_CONNECT,
     "Ask the operator of this server to check its HTTP proxy (--proxy)."},
    {CLIENT_TLS, VERDICT_UNREACHABLE, STEP_TLS,
     "This server does not trust the certificate, or the port does not speak TLS."},
    {CLIENT_TIMEOUT, VERDICT_UNREACHABLE, STEP_NONE, "Try again."},
    {CLIENT_BROKEN, VERDICT_UNREACHABLE, STEP_NONE, "Try again."},
    {CLIENT_TOO_LARGE, VERDICT_UNREACHABLE, STEP_NONE, classify_hint_url},
    {CLIENT_NO_MEMORY, VERDICT_INTERNAL, STEP_NONE,
     "Requests hold as much memory as the operator of this server allows. Try again."},
    {CLIENT_ABORTED, VERDICT_INTERNAL, STEP_NONE, "Try again."},
    {CLIENT_STOPPED, VERDICT_INTERNAL, STEP_NONE, "The server is stopping. Try again."},
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

static bool time_is_past(struct str text)
{
    int64_t at_ms;
    return vendor_time_parse(text, &at_ms) && at_ms <= clock_wall_ms();
}

/* Whether the answer has the form of the vendor's errors: a JSON pointer or a header of theirs. */
static bool has_form(const struct connector_texts *errors, const struct vendor_response *response)
{
    for (size_t i = 0; i < errors->count; i++) {
        const char *row = errors->rows[i];
        bool there = row[0] == '/' ? response->json && pointer_find(response->json, row)
                                   : client_header(&response->http, str_from(row)) != NULL;
        if (there)
            return true;
    }
    return false;
}

/* Whether the status may be taken for the vendor's word on the credentials. A firewall answers 403
 * with a page or with JSON of its own; 401 without a body means credentials wherever it comes from
 * (RFC 9110, 15.5.2). */
static bool speaks_for_vendor(const struct connector *connector, enum verdict_step step,
                              const struct vendor_response *response)
{
    static const char *const oauth2[] = {"/error"};
    static const struct connector_texts oauth2_errors = LIST(oauth2);
    if (has_form(&connector->http->errors, response) ||
        (step == STEP_TOKEN && has_form(&oauth2_errors, response)))
        return true;
    bool foreign = (response->html || response->json) && connector->http->errors.count > 0;
    return response->http.status == 401 && !foreign;
}

/* Whether the rule concludes something about the credentials from the status alone. */
static bool trusts_status(const struct connector_rule *rule)
{
    return !rule->at && !rule->header && !rule->equals && !rule->contains && !rule->page &&
           (rule->kind == VERDICT_REJECTED || rule->kind == VERDICT_FORBIDDEN);
}

struct question {
    struct arena *arena;
    const struct connector *connector;
    const struct call_context *call;
    const struct vendor_response *response;
};

static bool is_for(const struct question *question, const struct connector_rule *rule)
{
    const struct call_context *call = question->call;
    const struct vendor_response *response = question->response;
    return (rule->step == call->step || rule->step == STEP_NONE) &&
           (!rule->grants || (rule->grants & call->grant)) && (!rule->page || response->html) &&
           status_matches(rule->status, response->http.status) &&
           (!trusts_status(rule) || speaks_for_vendor(question->connector, call->step, response));
}

static bool rule_matches(const struct question *question, const struct connector_rule *rule)
{
    struct arena *arena = question->arena;
    const struct vendor_response *response = question->response;
    if (!is_for(question, rule))
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
        return time_is_past(pointer_text(arena, response->json, rule->at));
    return pointer_find(response->json, rule->at) &&
           text_matches(rule, pointer_text(arena, response->json, rule->at));
}

static const struct connector_rule *find_rule(const struct question *question,
                                              const struct connector_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (rule_matches(question, &rules->rows[i]))
            return &rules->rows[i];
    }
    return NULL;
}

static struct classification classify_transport(enum verdict_step step,
                                                const struct client_response *response)
{
    struct classification classification = {.kind = VERDICT_UNREACHABLE, .step = step};
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

static bool from_properties(const struct connector_urls *urls)
{
    for (size_t i = 0; i < urls->count; i++) {
        if (urls->rows[i].url && strchr(urls->rows[i].url, '{'))
            return true;
    }
    return false;
}

/* A profile whose properties hold no address cannot have a wrong one. */
static bool takes_address(const struct connector *connector)
{
    for (size_t i = 0; i < connector->http->auth.count; i++) {
        const struct connector_oauth2 *oauth2 = connector->http->auth.rows[i].oauth2;
        if (oauth2 && from_properties(&oauth2->token_urls))
            return true;
    }
    return from_properties(&connector->http->api);
}

static const char *hint_for(const struct connector *connector, const char *hint)
{
    bool of_address = hint == classify_hint_url || hint == hint_host;
    return of_address && !takes_address(connector) ? hint_own_url : hint;
}

/* Something else than the vendor's API seems to have answered. */
static struct classification classify_stranger(const struct question *question,
                                               enum verdict_kind kind, const char *what)
{
    struct str hint = arena_printf(question->arena, "%s %s", what,
                                   hint_for(question->connector, classify_hint_url));
    return (struct classification){.kind = kind,
                                   .step = question->call->step,
                                   .hint = hint.data,
                                   .causes = CAUSE_ADDRESS | CAUSE_GATEWAY};
}

/* 401 or 403 in a form that the vendor's errors do not have: nothing is known of the credentials.
 * A new access token may help against a 401 all the same. */
static struct classification classify_gateway(const struct question *question)
{
    static const char hint_foreign[] =
        "The response does not have the form of the vendor's errors: a firewall, a proxy or a "
        "content delivery network in between may have sent it. Ask your network's administrator, "
        "and check which host the profile leads to.";
    static const char hint_unknown[] =
        "The vendor, or a firewall, a proxy or a content delivery network in between, refused the "
        "request; the response does not tell which, or why.";
    return (struct classification){
        .kind = VERDICT_BLOCKED,
        .step = question->call->step,
        .renewable = question->call->step == STEP_API && question->response->http.status == 401,
        .hint = question->connector->http->errors.count > 0 ? hint_foreign : hint_unknown,
        .causes = CAUSE_GATEWAY,
    };
}

/* No rule speaks against it: is it a usable answer? */
static struct classification classify_good(const struct question *question)
{
    const struct vendor_response *response = question->response;
    const char *needs = question->call->needs;
    if (response->html)
        return classify_stranger(question, VERDICT_MISCONFIGURED, "The response is a web page.");
    if (!response->json)
        return (struct classification){.kind = VERDICT_UNREACHABLE,
                                       .step = question->call->step,
                                       .hint = "The response is not the JSON that was expected."};
    if (needs && !pointer_find(response->json, needs))
        return classify_stranger(question, VERDICT_UNREACHABLE,
                                 "The response lacks a member that it should have.");
    return (struct classification){.kind = VERDICT_ACCEPTED, .step = question->call->step};
}

static struct classification classify_unruled(const struct question *question)
{
    int status = question->response->http.status;
    if (status / 100 == 2)
        return classify_good(question);
    if (status == 401 || status == 403)
        return classify_gateway(question);
    if (status / 100 == 3)
        return classify_stranger(question, VERDICT_MISCONFIGURED,
                                 "The response is a redirect, which is not followed.");
    if (status / 100 == 4 && question->call->step == STEP_API)
        return (struct classification){.kind = VERDICT_MISCONFIGURED,
                                       .step = STEP_API,
                                       .hint = classify_hint_url,
                                       .causes = CAUSE_ADDRESS};
    return (struct classification){.kind = VERDICT_UNREACHABLE,
                                   .step = question->call->step,
                                   .hint = "Try again later.",
                                   .causes = CAUSE_OUTAGE};
}

static struct classification classify_response(const struct question *question)
{
    struct connector_rules common = classify_common_rules();
    const struct connector_rule *rule = find_rule(question, &question->connector->http->rules);
    struct classification classification;
    if (!rule)
        rule = find_rule(question, &common);
    if (!rule)
        return classify_unruled(question);
    if (rule->kind == VERDICT_ACCEPTED && !rule->enough)
        classification = classify_good(question);
    else
        classification = (struct classification){.kind = rule->kind,
                                                 .step = question->call->step,
                                                 .renewable = rule->renewable,
                                                 .hint = rule->hint,
                                                 .causes = rule->causes};
    classification.rule = rule;
    return classification;
}

struct classification classify(struct arena *arena, const struct connector *connector,
                               const struct call_context *call,
                               const struct vendor_response *response)
{
    const struct question question = {arena, connector, call, response};
    struct classification classification = response->http.outcome == CLIENT_OK
                                               ? classify_response(&question)
                                               : classify_transport(call->step, &response->http);
    classification.hint = hint_for(connector, classification.hint);
    return classification;
}

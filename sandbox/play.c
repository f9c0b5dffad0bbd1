/* Finds the route, looks at the credential, picks the response. */
#include "sandbox/play.h"

#include "sandbox/glob.h"
#include "sandbox/issued.h"
#include "sandbox/records/answer.h"
#include "sandbox/template.h"

#include <inttypes.h>

const struct vendor_rule *rules_find(const struct vendor_rules *rules, struct str text)
{
    for (size_t i = 0; i < rules->count; i++)
        if (glob_match(rules->items[i].pattern, text))
            return &rules->items[i];
    return NULL;
}

enum vendor_outcome rule_outcome(struct play *play, const struct vendor_rule *rule, struct str text)
{
    if (rule->step_count == 1)
        return rule->steps[0];
    uint32_t before = memory_use(play->memory, play->vendor->name, text);
    return rule->steps[before < rule->step_count ? before : rule->step_count - 1];
}

static bool route_matches(struct sandbox_request *request, const struct vendor_route *route)
{
    if (!str_eq(request->head->method, route->method) ||
        !glob_match_path(route->path, request->path))
        return false;
    for (size_t i = 0; i < route->match_count; i++) {
        struct str text = request_part(request, &route->matches[i].part);
        if (!text.data || !glob_match(route->matches[i].pattern, text))
            return false;
    }
    return true;
}

static enum vendor_outcome judge(struct play *play, const struct vendor_route *route)
{
    struct str credential = request_credential(play->request, route->parts, route->part_count);
    if (!credential.data)
        return OUTCOME_ANONYMOUS;
    const struct vendor_rule *rule = rules_find(&route->rules, credential);
    if (rule)
        return rule_outcome(play, rule, credential);
    return issued_check(play->vendor->issuer, ISSUED_ACCESS, credential) ? OUTCOME_ACCEPTED
                                                                         : OUTCOME_REJECTED;
}

static const struct sandbox_response *choose(struct play *play)
{
    const struct vendor *vendor = play->vendor;
    struct sandbox_request *request = play->request;
    bool is_post = str_eq(request->head->method, STR("POST"));
    bool is_page = vendor->oauth && vendor->oauth->authorize &&
                   str_eq(request->path, vendor->oauth->authorize->path);
    if (vendor->oauth && is_post && str_eq(request->path, vendor->oauth->path))
        return oauth_answer(play);
    if (is_page && (is_post || str_eq(request->head->method, STR("GET"))))
        return authorize_answer(play);
    for (size_t i = 0; i < vendor->route_count; i++) {
        const struct vendor_route *route = &vendor->routes[i];
        if (route_matches(request, route))
            return route->answer ? route->answer : route->answers[judge(play, route)];
    }
    return vendor->not_found;
}

const struct sandbox_response *play_choose(struct play *play)
{
    const struct sandbox_response *response = choose(play);
    const struct records_place place = {play->vendor->name, play->vendor->records, play->written,
                                        play->loaded};
    return response->records ? records_answer(&place, response, play->request, play->now_ms)
                             : response;
}

/* https://HOST as the client knows it. */
static struct str origin(const struct sandbox_request *request, struct arena *arena)
{
    return arena_printf(arena, "%s://%.*s", request->over_tls ? "https" : "http",
                        STR_ARG(request->authority));
}

static struct str instance_url(const struct play *play, struct arena *arena)
{
    const struct vendor_oauth *oauth = play->vendor->oauth;
    for (size_t i = 0; oauth && i < oauth->instance_url_count; i++)
        if (glob_match_nocase(oauth->instance_urls[i].pattern, play->request->host))
            return oauth->instance_urls[i].part.name;
    return origin(play->request, arena);
}

static bool look_up(void *context, struct str name, struct arena *arena, struct str *ret_text)
{
    const struct play *play = context;
    struct str issuer = play->vendor->issuer;
    if (!vendor_is_response_placeholder(name))
        return false;
    if (str_eq(name, STR("access_token")))
        *ret_text = issued_make(arena, issuer, ISSUED_ACCESS);
    else if (str_eq(name, STR("refresh_token")))
        *ret_text = !play->refreshable
                        ? STR_NULL
                        : issued_make(arena, issuer,
                                      play->rotating ? ISSUED_REFRESH_ROTATING : ISSUED_REFRESH);
    else if (str_eq(name, STR("instance_url")))
        *ret_text = instance_url(play, arena);
    else if (str_eq(name, STR("origin")))
        *ret_text = origin(play->request, arena);
    else if (str_eq(name, STR("host")))
        *ret_text = play->request->host;
    else if (str_eq(name, STR("now_s")))
        *ret_text = arena_printf(arena, "%" PRId64, play->now_ms / 1000);
    else
        *ret_text = arena_printf(arena, "%" PRId64, play->now_ms);
    return true;
}

struct str play_body(struct play *play, const struct sandbox_response *response)
{
    if (!response->template)
        return response->body;
    struct arena *arena = play->request->arena;
    struct template template = {.arena = arena, .lookup = look_up, .context = play};
    const struct value *filled = template_expand(&template, response->template);
    struct buf body = buf_in(arena, VENDOR_TEXT_MAX);
    if (filled)
        value_encode(&body, filled);
    return buf_str(&body);
}

/* The vendors' token endpoint (RFC 6749, RFC 7523, RFC 7636), driven by the vendor's file. */
#include "base/encode.h"
#include "sandbox/code.h"
#include "sandbox/glob.h"
#include "sandbox/issued.h"
#include "sandbox/jwt.h"
#include "sandbox/play.h"

/* Owners of what memory.h counts, so that a code and a refresh token of one text differ. */
#define CODES STR("code")
#define REFRESH_TOKENS STR("refresh token")

struct token_request {
    struct play *play;
    const struct vendor_oauth *oauth;
    bool json;
    struct str grant_type;
    const struct vendor_client *client;
};

static struct str parameter(const struct token_request *token, const char *name)
{
    struct request_part part = {token->json ? PART_JSON : PART_FORM, str_from(name)};
    return request_part(token->play->request, &part);
}

/* False: in no form that the vendor takes. */
static bool read_kind(struct token_request *token)
{
    const struct str *type = http_find_header(token->play->request->head, STR("Content-Type"));
    struct str media = type ? *type : STR(""), rest;
    str_cut(media, ';', &media, &rest);
    media = str_trim(media);
    token->json = str_eq_nocase(media, STR("application/json"));
    return token->json ? token->oauth->takes_json
                       : token->oauth->takes_form &&
                             str_eq_nocase(media, STR("application/x-www-form-urlencoded"));
}

static const struct vendor_client *find_client(const struct vendor_oauth *oauth, struct str id)
{
    for (size_t i = 0; i < oauth->client_count; i++)
        if (str_eq(oauth->clients[i].id, id))
            return &oauth->clients[i];
    return NULL;
}

/* RFC 6749 2.3.1: both are form-encoded inside of HTTP Basic. */
static void read_client(const struct token_request *token, struct str *ret_id,
                        struct str *ret_secret)
{
    struct request_part basic = {PART_BASIC, STR("")};
    struct arena *arena = token->play->request->arena;
    *ret_id = parameter(token, "client_id");
    *ret_secret = parameter(token, "client_secret");
    if (!token->oauth->takes_basic || ret_secret->data)
        return;
    struct str named = *ret_id;
    struct str pair = request_part(token->play->request, &basic), id, secret;
    if (!pair.data)
        return;
    if (!str_cut(pair, ':', &id, &secret) || !decode_percent(arena, id, ret_id) ||
        !decode_percent(arena, secret, ret_secret) || (named.data && !str_eq(named, *ret_id)))
        *ret_id = STR_NULL;
}

static enum vendor_outcome check_client(struct token_request *token)
{
    struct str id, secret;
    read_client(token, &id, &secret);
    if (!id.data)
        return OUTCOME_BAD_REQUEST;
    token->client = find_client(token->oauth, id);
    if (!token->client)
        return OUTCOME_UNKNOWN_CLIENT;
    return str_eq(token->client->secret, secret) ? OUTCOME_ACCEPTED : OUTCOME_WRONG_SECRET;
}

static bool is_for(const struct token_request *token, const struct vendor_rule *rule)
{
    return !rule->client.data || str_eq(rule->client, token->client->id);
}

static bool any_matches(const struct str *patterns, size_t count, struct str text)
{
    for (size_t i = 0; i < count; i++)
        if (glob_match(patterns[i], text))
            return true;
    return false;
}

/* Of a code that the file lists. */
static enum vendor_outcome listed_code(struct token_request *token, struct str code,
                                       struct str redirect_uri)
{
    const struct vendor_rule *rule = rules_find(&token->oauth->codes, code);
    if (!rule)
        return OUTCOME_UNKNOWN_CODE;
    if (!is_for(token, rule))
        return OUTCOME_WRONG_CLIENT;
    enum vendor_outcome outcome = rule_outcome(token->play, rule, code);
    bool gives = outcome == OUTCOME_ACCEPTED || outcome == OUTCOME_ROTATING;
    return gives && !any_matches(token->oauth->redirect_uris, token->oauth->redirect_uri_count,
                                 redirect_uri)
               ? OUTCOME_WRONG_REDIRECT_URI
               : outcome;
}

/* Of one that the vendor's page gave out. */
static enum vendor_outcome issued_code(const struct token_request *token, struct str code,
                                       struct str redirect_uri)
{
    static const enum vendor_outcome outcomes[] = {
        [CODE_UNKNOWN] = OUTCOME_UNKNOWN_CODE,
        [CODE_EXPIRED] = OUTCOME_EXPIRED_CODE,
        [CODE_OTHER_CLIENT] = OUTCOME_WRONG_CLIENT,
        [CODE_OTHER_REDIRECT_URI] = OUTCOME_WRONG_REDIRECT_URI,
        [CODE_OTHER_VERIFIER] = OUTCOME_WRONG_VERIFIER,
    };
    const struct play *play = token->play;
    struct arena *arena = play->request->arena;
    struct code_binding binding = {
        .client_id = token->client->id,
        .redirect_uri = redirect_uri,
        .challenge = code_challenge(arena, parameter(token, "code_verifier")),
    };
    enum code_verdict verdict =
        code_check(arena, play->vendor->issuer, code, &binding, play->now_ms / 1000);
    return verdict == CODE_GOOD ? token->oauth->authorize->outcome : outcomes[verdict];
}

/* A code is used up by the first request that has everything else right. */
static enum vendor_outcome grant_code(struct token_request *token)
{
    struct play *play = token->play;
    struct str code = parameter(token, "code"), redirect_uri = parameter(token, "redirect_uri");
    if (code.len == 0 || redirect_uri.len == 0)
        return OUTCOME_BAD_REQUEST;
    enum vendor_outcome outcome = listed_code(token, code, redirect_uri);
    if (outcome == OUTCOME_UNKNOWN_CODE && token->oauth->authorize)
        outcome = issued_code(token, code, redirect_uri);
    if (outcome != OUTCOME_ACCEPTED && outcome != OUTCOME_ROTATING)
        return outcome;
    play->refreshable = true;
    play->rotating = outcome == OUTCOME_ROTATING;
    struct str owner = arena_printf(play->request->arena, "%.*s %.*s", STR_ARG(CODES),
                                    STR_ARG(play->vendor->issuer));
    return memory_use(play->memory, owner, code) == 0 ? outcome : OUTCOME_USED_CODE;
}

static enum vendor_outcome refresh_token_outcome(const struct token_request *token,
                                                 struct str refresh_token)
{
    struct str issuer = token->play->vendor->issuer;
    const struct vendor_rule *rule = rules_find(&token->oauth->refresh_tokens, refresh_token);
    if (rule)
        return is_for(token, rule) ? rule_outcome(token->play, rule, refresh_token)
                                   : OUTCOME_WRONG_CLIENT;
    if (issued_check(issuer, ISSUED_REFRESH, refresh_token))
        return OUTCOME_ACCEPTED;
    return issued_check(issuer, ISSUED_REFRESH_ROTATING, refresh_token)
               ? OUTCOME_ROTATING
               : OUTCOME_UNKNOWN_REFRESH_TOKEN;
}

static enum vendor_outcome grant_refresh(struct token_request *token)
{
    struct play *play = token->play;
    struct str refresh_token = parameter(token, "refresh_token");
    if (refresh_token.len == 0)
        return OUTCOME_BAD_REQUEST;
    enum vendor_outcome outcome = refresh_token_outcome(token, refresh_token);
    if (outcome != OUTCOME_ROTATING)
        return outcome;
    play->refreshable = true;
    play->rotating = true;
    struct str owner = arena_printf(play->request->arena, "%.*s %.*s", STR_ARG(REFRESH_TOKENS),
                                    STR_ARG(play->vendor->issuer));
    return memory_use(play->memory, owner, refresh_token) == 0 ? OUTCOME_ROTATING
                                                               : OUTCOME_USED_REFRESH_TOKEN;
}

static enum vendor_outcome grant_client_credentials(struct token_request *token)
{
    const struct vendor_oauth *oauth = token->oauth;
    struct str host = token->play->request->host;
    for (size_t i = 0; i < oauth->client_host_count; i++)
        if (glob_match_nocase(oauth->client_hosts[i], host))
            return OUTCOME_ACCEPTED;
    return oauth->client_host_count == 0 ? OUTCOME_ACCEPTED : OUTCOME_WRONG_HOST;
}

static enum vendor_outcome grant_password(struct token_request *token)
{
    struct play *play = token->play;
    struct str username = parameter(token, "username"), password = parameter(token, "password");
    if (username.len == 0 || password.len == 0)
        return OUTCOME_BAD_REQUEST;
    struct str pair =
        arena_printf(play->request->arena, "%.*s:%.*s", STR_ARG(username), STR_ARG(password));
    const struct vendor_rule *rule = rules_find(&token->oauth->users, pair);
    play->refreshable = token->oauth->grants_refresh;
    return rule ? rule_outcome(play, rule, pair) : OUTCOME_UNKNOWN_USER;
}

/* The assertion names the client itself; no secret goes with it (RFC 7523 2.1). */
static enum vendor_outcome grant_jwt(struct token_request *token)
{
    const struct vendor_oauth *oauth = token->oauth;
    struct jwt_claims claims;
    struct str assertion = parameter(token, "assertion");
    if (assertion.len == 0)
        return OUTCOME_BAD_REQUEST;
    if (!jwt_read(token->play->request->arena, assertion, &claims))
        return OUTCOME_BAD_ASSERTION;
    token->client = find_client(oauth, claims.issuer);
    if (!token->client)
        return OUTCOME_UNKNOWN_CLIENT;
    if (!any_matches(oauth->audiences, oauth->audience_count, claims.audience))
        return OUTCOME_WRONG_AUDIENCE;
    if (claims.expires_at_s <= token->play->now_ms / 1000)
        return OUTCOME_EXPIRED_ASSERTION;
    const struct vendor_rule *rule = rules_find(&oauth->subjects, claims.subject);
    return rule ? rule_outcome(token->play, rule, claims.subject) : OUTCOME_UNKNOWN_SUBJECT;
}

struct grant {
    struct str type;
    bool has_client_secret;
    enum vendor_outcome (*decide)(struct token_request *token);
};

static const struct grant grants[] = {
    {STR("authorization_code"), true, grant_code},
    {STR("refresh_token"), true, grant_refresh},
    {STR("client_credentials"), true, grant_client_credentials},
    {STR("urn:ietf:params:oauth:grant-type:jwt-bearer"), false, grant_jwt},
    {STR("password"), true, grant_password},
};

static bool is_given(const struct vendor_oauth *oauth, size_t grant)
{
    const bool given[] = {oauth->grants_code, oauth->grants_refresh, oauth->grants_client,
                          oauth->grants_jwt, oauth->grants_password};
    return given[grant];
}

static enum vendor_outcome decide(struct token_request *token)
{
    if (!read_kind(token))
        return OUTCOME_BAD_REQUEST;
    token->grant_type = parameter(token, "grant_type");
    if (!token->grant_type.data)
        token->grant_type = token->oauth->default_grant;
    if (!token->grant_type.data)
        return OUTCOME_BAD_REQUEST;
    for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++) {
        if (!str_eq(grants[i].type, token->grant_type) || !is_given(token->oauth, i))
            continue;
        enum vendor_outcome client =
            grants[i].has_client_secret ? check_client(token) : OUTCOME_ACCEPTED;
        return client == OUTCOME_ACCEPTED ? grants[i].decide(token) : client;
    }
    return OUTCOME_UNKNOWN_GRANT;
}

const struct sandbox_response *oauth_answer(struct play *play)
{
    struct token_request token = {.play = play, .oauth = play->vendor->oauth};
    return token.oauth->answers[decide(&token)];
}

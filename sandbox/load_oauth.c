/* Reads the OAuth server's part of a sandbox file. */
#include "sandbox/reader.h"

static const struct member_rule oauth_members[] = {
    {"path", VALUE_STRING, true},           {"body", VALUE_LIST, true},
    {"basic", VALUE_BOOLEAN, false},        {"default_grant", VALUE_STRING, false},
    {"clients", VALUE_LIST, true},          {"redirect_uris", VALUE_LIST, false},
    {"codes", VALUE_STRUCTURE, false},      {"refresh_tokens", VALUE_STRUCTURE, false},
    {"assertions", VALUE_STRUCTURE, false}, {"client_credentials", VALUE_STRUCTURE, false},
    {"users", VALUE_STRUCTURE, false},      {"instance_urls", VALUE_STRUCTURE, false},
    {"answers", VALUE_STRUCTURE, true},     {"authorize", VALUE_STRUCTURE, false},
};

static const struct member_rule authorize_members[] = {
    {"path", VALUE_STRING, true},
    {"callbacks", VALUE_LIST, true},
    {"pkce", VALUE_BOOLEAN, false},
    {"issuer", VALUE_STRING, false},
    {"scope_parameter", VALUE_STRING, false},
    {"denied", VALUE_STRING, false},
    {"outcome", VALUE_STRING, false},
};

static const struct member_rule client_members[] = {
    {"id", VALUE_STRING, true},
    {"secret", VALUE_STRING, true},
};

static const struct member_rule assertion_members[] = {
    {"audiences", VALUE_LIST, true},
    {"subjects", VALUE_STRUCTURE, true},
};

static const struct member_rule client_credentials_members[] = {
    {"hosts", VALUE_LIST, false},
};

static bool load_clients(const struct reader *reader, const struct value *list,
                         struct vendor_oauth *oauth)
{
    struct str where = STR("oauth.clients");
    if (list->count < 1 || list->count > VENDOR_ITEMS_MAX)
        return reader_fail(reader, where, "must have 1 to %d items.", VENDOR_ITEMS_MAX);
    struct vendor_client *clients = arena_array(reader->arena, struct vendor_client, list->count);
    for (size_t i = 0; i < list->count; i++) {
        struct str at = reader_at(reader, where, i);
        if (!READER_CHECK(reader, at, list->items[i], client_members))
            return false;
        clients[i].id = value_text(list->items[i], "id");
        clients[i].secret = value_text(list->items[i], "secret");
        if (clients[i].id.len == 0 || clients[i].secret.len == 0)
            return reader_fail(reader, at, "id and secret must not be empty.");
    }
    oauth->clients = clients;
    oauth->client_count = list->count;
    return true;
}

static bool load_body(const struct reader *reader, const struct value *list,
                      struct vendor_oauth *oauth)
{
    const struct str *kinds;
    size_t count;
    struct str where = STR("oauth.body");
    if (!reader_texts(reader, where, list, &kinds, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (str_eq(kinds[i], STR("form")))
            oauth->takes_form = true;
        else if (str_eq(kinds[i], STR("json")))
            oauth->takes_json = true;
        else
            return reader_fail(reader, where, "may hold form and json.");
    }
    return count > 0 || reader_fail(reader, where, "is empty.");
}

static bool load_assertions(struct reader *reader, const struct value *value,
                            struct vendor_oauth *oauth)
{
    struct str where = STR("oauth.assertions");
    if (!value)
        return true;
    oauth->grants_jwt = true;
    return READER_CHECK(reader, where, value, assertion_members) &&
           reader_texts(reader, STR("oauth.assertions.audiences"), value_get(value, "audiences"),
                        &oauth->audiences, &oauth->audience_count) &&
           load_rules(reader, STR("oauth.assertions.subjects"), value_get(value, "subjects"),
                      &oauth->subjects);
}

static bool load_client_credentials(const struct reader *reader, const struct value *value,
                                    struct vendor_oauth *oauth)
{
    struct str where = STR("oauth.client_credentials");
    if (!value)
        return true;
    oauth->grants_client = true;
    return READER_CHECK(reader, where, value, client_credentials_members) &&
           reader_texts(reader, where, value_get(value, "hosts"), &oauth->client_hosts,
                        &oauth->client_host_count);
}

static bool load_authorize(struct reader *reader, const struct value *value,
                           struct vendor_oauth *oauth)
{
    struct str where = STR("oauth.authorize"), callbacks = STR("oauth.authorize.callbacks");
    struct vendor_authorize *page = arena_new(reader->arena, struct vendor_authorize);
    if (!value)
        return true;
    if (!oauth->grants_code)
        return reader_fail(reader, where, "needs codes.");
    if (!READER_CHECK(reader, where, value, authorize_members) ||
        !reader_texts(reader, callbacks, value_get(value, "callbacks"), &page->callbacks,
                      &page->callback_count))
        return false;
    struct str scope = value_text(value, "scope_parameter"), outcome = value_text(value, "outcome");
    page->path = value_text(value, "path");
    page->takes_pkce = value_flag(value, "pkce", false);
    page->issuer = value_text(value, "issuer");
    page->scope_parameter = scope.data ? scope : STR("scope");
    page->denied = value_text(value, "denied");
    if (!str_starts(page->path, STR("/")))
        return reader_fail(reader, where, "path must begin with '/'.");
    for (size_t i = 0; i < page->callback_count; i++) {
        if (!str_starts(page->callbacks[i], STR("/")))
            return reader_fail(reader, reader_at(reader, callbacks, i), "must begin with '/'.");
    }
    oauth->authorize = page;
    return !outcome.data || reader_outcome(reader, where, outcome, &page->outcome);
}

static bool load_instance_urls(const struct reader *reader, const struct value *map,
                               struct vendor_oauth *oauth)
{
    if (!map)
        return true;
    if (!reader_check_map(reader, STR("oauth.instance_urls"), map, VALUE_STRING))
        return false;
    struct vendor_match *urls = arena_array(reader->arena, struct vendor_match, map->count);
    for (size_t i = 0; i < map->count; i++)
        urls[i] = (struct vendor_match){.pattern = map->names[i], .part.name = map->items[i]->text};
    oauth->instance_urls = urls;
    oauth->instance_url_count = map->count;
    return true;
}

/* Which refusals a grant can end in; each needs the vendor's answer. */
static bool check_refusals(const struct reader *reader, const struct vendor_oauth *oauth)
{
    const struct {
        bool possible;
        enum vendor_outcome outcome;
    } refusals[] = {
        {true, OUTCOME_ACCEPTED},
        {true, OUTCOME_BAD_REQUEST},
        {true, OUTCOME_UNKNOWN_GRANT},
        {true, OUTCOME_UNKNOWN_CLIENT},
        {true, OUTCOME_WRONG_SECRET},
        {oauth->grants_code || oauth->grants_refresh, OUTCOME_WRONG_CLIENT},
        {oauth->grants_code, OUTCOME_UNKNOWN_CODE},
        {oauth->grants_code, OUTCOME_USED_CODE},
        {oauth->grants_code, OUTCOME_WRONG_REDIRECT_URI},
        {oauth->grants_refresh, OUTCOME_UNKNOWN_REFRESH_TOKEN},
        {oauth->grants_refresh, OUTCOME_USED_REFRESH_TOKEN},
        {oauth->grants_jwt, OUTCOME_BAD_ASSERTION},
        {oauth->grants_jwt, OUTCOME_EXPIRED_ASSERTION},
        {oauth->grants_jwt, OUTCOME_WRONG_AUDIENCE},
        {oauth->grants_jwt, OUTCOME_UNKNOWN_SUBJECT},
        {oauth->grants_password, OUTCOME_UNKNOWN_USER},
        {oauth->client_host_count > 0, OUTCOME_WRONG_HOST},
    };
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (refusals[i].possible && !oauth->answers[refusals[i].outcome])
            return reader_fail(reader, STR("oauth.answers"), "%.*s is missing.",
                               STR_ARG(reader->vendor->outcomes[refusals[i].outcome]));
    return true;
}

static bool check_grants(const struct reader *reader, struct vendor_oauth *oauth)
{
    struct str where = STR("oauth");
    if (!oauth->grants_code && !oauth->grants_refresh && !oauth->grants_jwt &&
        !oauth->grants_client && !oauth->grants_password)
        return reader_fail(reader, where, "no grant is given.");
    if (oauth->grants_code && oauth->redirect_uri_count == 0)
        return reader_fail(reader, where, "codes need redirect_uris.");
    if (!oauth->answers[OUTCOME_ROTATING])
        oauth->answers[OUTCOME_ROTATING] = oauth->answers[OUTCOME_ACCEPTED];
    if (!oauth->answers[OUTCOME_EXPIRED_CODE])
        oauth->answers[OUTCOME_EXPIRED_CODE] = oauth->answers[OUTCOME_UNKNOWN_CODE];
    if (!oauth->answers[OUTCOME_WRONG_VERIFIER])
        oauth->answers[OUTCOME_WRONG_VERIFIER] = oauth->answers[OUTCOME_UNKNOWN_CODE];
    if (oauth->authorize && !oauth->answers[oauth->authorize->outcome])
        return reader_fail(reader, STR("oauth.authorize"), "there is no answer for its outcome.");
    return check_refusals(reader, oauth) &&
           check_answered(reader, STR("oauth.codes"), &oauth->codes, oauth->answers) &&
           check_answered(reader, STR("oauth.refresh_tokens"), &oauth->refresh_tokens,
                          oauth->answers) &&
           check_answered(reader, STR("oauth.assertions"), &oauth->subjects, oauth->answers) &&
           check_answered(reader, STR("oauth.users"), &oauth->users, oauth->answers);
}

bool load_oauth(struct reader *reader, const struct value *value,
                const struct sandbox_response *const defaults[OUTCOMES_MAX])
{
    struct str where = STR("oauth");
    if (!value)
        return true;
    struct vendor_oauth *oauth = arena_new(reader->arena, struct vendor_oauth);
    if (!READER_CHECK(reader, where, value, oauth_members))
        return false;
    oauth->path = value_text(value, "path");
    if (!str_starts(oauth->path, STR("/")))
        return reader_fail(reader, where, "path must begin with '/'.");
    oauth->takes_basic = value_flag(value, "basic", false);
    oauth->default_grant = value_text(value, "default_grant");
    oauth->grants_code = value_get(value, "codes") != NULL;
    oauth->grants_refresh = value_get(value, "refresh_tokens") != NULL;
    oauth->grants_password = value_get(value, "users") != NULL;
    if (!load_body(reader, value_get(value, "body"), oauth) ||
        !load_clients(reader, value_get(value, "clients"), oauth) ||
        !reader_texts(reader, STR("oauth.redirect_uris"), value_get(value, "redirect_uris"),
                      &oauth->redirect_uris, &oauth->redirect_uri_count) ||
        !load_rules(reader, STR("oauth.codes"), value_get(value, "codes"), &oauth->codes) ||
        !load_rules(reader, STR("oauth.refresh_tokens"), value_get(value, "refresh_tokens"),
                    &oauth->refresh_tokens) ||
        !load_rules(reader, STR("oauth.users"), value_get(value, "users"), &oauth->users) ||
        !load_assertions(reader, value_get(value, "assertions"), oauth) ||
        !load_client_credentials(reader, value_get(value, "client_credentials"), oauth) ||
        !load_authorize(reader, value_get(value, "authorize"), oauth) ||
        !load_instance_urls(reader, value_get(value, "instance_urls"), oauth) ||
        !load_answers(reader, STR("oauth.answers"), value_get(value, "answers"), oauth->answers))
        return false;
    for (size_t i = OUTCOME_OWN; i < OUTCOMES_MAX; i++)
        if (!oauth->answers[i])
            oauth->answers[i] = defaults[i];
    reader->vendor->oauth = oauth;
    return check_grants(reader, oauth);
}

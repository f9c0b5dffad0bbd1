/* Forms in which an address can be written, at every place where one enters: each is refused, or
 * means what the egress policy judges. A form that one reader takes for a name and another for an
 * address inside the network would lead there; so each form's verdict is written down here, and
 * what passes is resolved as the system does and judged as at a connection. No name is looked up.
 */
#include "address_forms.h"
#include "client_fixture.h"

#include "connector/http/internal.h"
#include "connectors/redshift/jdbc_url.h"
#include "net/private_routes.h"

#include <netdb.h>
#include <netinet/in.h>

static struct arena arena;
static struct egress *egress;

/* --- where each place leads --- */

static struct str around(const char *before, struct str form, const char *after)
{
    struct buf text = buf_in(&arena, 1024); /* a form may hold NUL */
    buf_add_cstr(&text, before);
    buf_add(&text, form);
    buf_add_cstr(&text, after);
    return buf_str(&text);
}

/* The API's host, or with `token` that of the token URL; STR_NULL when the form is refused. */
static struct str host_in(const char *type, const struct value *properties, bool token)
{
    static const struct connector_env env;
    struct target target;
    struct target_source source = {
        .connector = connector_by_type(str_from(type)), .env = &env, .properties = properties};
    target_resolve(&target, &source, &arena);
    if (target.fault)
        return STR_NULL;
    const struct endpoint *endpoint = &target.http->api;
    for (size_t i = 0; token && i < source.connector->http->auth.count; i++) {
        if (source.connector->http->auth.rows[i].oauth2)
            endpoint = &target.http->tokens[i];
    }
    return endpoint_check(endpoint, NULL) ? endpoint->url.host : STR_NULL;
}

static struct str host_of_text(const char *type, const char *member, struct str text)
{
    struct value *properties = value_structure(&arena);
    value_put_text(&arena, properties, member, text);
    return host_in(type, properties, false);
}

static struct str host_of_sap(struct str url, struct str token_url)
{
    struct value *properties = value_structure(&arena), *oauth = value_structure(&arena);
    value_put_text(&arena, properties, "applicationHostUrl", url);
    value_put_text(&arena, properties, "applicationServicePath", STR("/catalog"));
    value_put_text(&arena, oauth, "tokenUrl", token_url);
    value_put(&arena, properties, "oAuthProperties", oauth);
    return host_in("SAPOData", properties, token_url.data != NULL);
}

static struct str host_of_custom(struct str token_url)
{
    struct value *properties = value_structure(&arena), *oauth = value_structure(&arena);
    value_put_text(&arena, oauth, "tokenUrl", token_url);
    value_put(&arena, properties, "oAuth2Properties", oauth);
    return host_in("CustomConnector", properties, true);
}

static struct str host_of_jdbc(struct str text)
{
    struct jdbc_url url;
    return jdbc_url_parse(&arena, text, &url, NULL) ? url.host : STR_NULL;
}

static struct str host_at(enum place place, struct str form)
{
    switch (place) {
    case INSTANCE_URL:
        return host_of_text("Zendesk", "instanceUrl", around("https://", form, ""));
    case BARE_INSTANCE:
        return host_of_text("Zendesk", "instanceUrl", form);
    case BASE_PATH:
        return host_of_text("Dynatrace", "instanceUrl", around("https://", form, "/e/x"));
    case SAP_HOST:
        return host_of_sap(around("https://", form, ""), STR_NULL);
    case TOKEN_URL:
        return host_of_sap(STR("https://sap.example"), around("https://", form, "/token"));
    case CUSTOM_TOKEN_URL:
        return host_of_custom(around("https://", form, "/token?x=1"));
    case JDBC_REDSHIFT:
        return host_of_jdbc(around("jdbc:redshift://", form, ":5439/dev"));
    case JDBC_POSTGRESQL:
        return host_of_jdbc(around("jdbc:postgresql://", form, "/dev"));
    case EGRESS_ALLOW:
    case ROUTE_HOST:
    case PLACES:
        break;
    }
    return STR_NULL;
}

static bool operator_may_say(enum place place, struct str form)
{
    struct egress *own = NULL;
    struct private_routes *routes = NULL;
    const char *text = arena_cstr(&arena, around("a=", form, ":443"));
    bool taken = !memchr(form.data, '\0', form.len) && form.len > 0 &&
                 (place == EGRESS_ALLOW
                      ? egress_new(&(struct egress_config){.allowed = text + 2}, &own, NULL)
                      : private_routes_new(&text, 1, STR("*"), &routes, NULL));
    egress_free(own);
    private_routes_free(routes);
    return taken;
}

/* --- verdicts --- */

/* As curl and the resolver read a host: without brackets and the root's dot. */
static struct addrinfo *literal_of(struct str host)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    if (str_ends(host, STR(".")))
        host.len--;
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        host = (struct str){host.data + 1, host.len - 2};
    return getaddrinfo(arena_cstr(&arena, host), "443", &hints, &list) == 0 ? list : NULL;
}

/* An IPv6 address as a URL has it. */
static struct str in_brackets(struct str host)
{
    bool bare = memchr(host.data, ':', host.len) && host.data[0] != '[';
    return bare ? around("[", host, "]") : host;
}

static char verdict_on(struct str host)
{
    if (!host.data)
        return 'F';
    struct addrinfo *list = literal_of(host);
    bool by_name = egress_allows_host(egress, in_brackets(host), 443);
    if (!list)
        return by_name ? 'N' : 'n';
    bool allowed = egress_allows(egress, list->ai_addr);
    freeaddrinfo(list);
    assert_int_equal(allowed, by_name); /* a proxy in between changes nothing */
    return allowed ? 'P' : 'C';
}

static char verdict_at(enum place place, struct str form)
{
    if (place == EGRESS_ALLOW || place == ROUTE_HOST)
        return operator_may_say(place, form) ? 'A' : 'F';
    return verdict_on(host_at(place, form));
}

static void each_form_has_its_verdict_at_each_place(void **state)
{
    (void)state;
    int wrong = 0;
    assert_true(FORMS >= 200);
    for (size_t i = 0; i < FORMS; i++) {
        char verdicts[PLACES + 1] = "";
        for (int place = 0; place < PLACES; place++)
            verdicts[place] = verdict_at((enum place)place, forms[i].form);
        if (strcmp(verdicts, forms[i].verdicts) != 0) {
            print_error("form %zu, \"%.*s\": %s instead of %s\n", i, STR_ARG(forms[i].form),
                        verdicts, forms[i].verdicts);
            wrong++;
        }
        arena_done(&arena);
    }
    assert_int_equal(wrong, 0);
}

/* An instance_url in a token's answer is one of the vendor's hosts or is dropped. */
static void no_form_is_a_vendors_host(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        static const struct connector_env env;
        struct target target;
        struct url url;
        struct target_source source = {.connector = connector_by_type(STR("Salesforce")),
                                       .env = &env,
                                       .properties = value_structure(&arena)};
        target_resolve(&target, &source, &arena);
        if (target_trusts(&target, around("https://", forms[i].form, ""), &url) ||
            target_trusts(&target, forms[i].form, &url))
            fail_msg("%.*s", STR_ARG(forms[i].form));
        arena_done(&arena);
    }
}

/* What is closed is not connected to, however it is written. */
static void closed_forms_are_not_called(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_client(&f, NULL, NULL);
    for (size_t i = 0; i < FORMS; i++) {
        if (forms[i].verdicts[INSTANCE_URL] != 'C')
            continue;
        struct str url = arena_printf(&f.arena, "https://%.*s/", STR_ARG(forms[i].form));
        enum client_outcome outcome = call_within(&f, "GET", url, STR_NULL, LONG_MS);
        if (outcome != CLIENT_REFUSED || f.response.connected)
            fail_msg("%.*s: %d, %s", STR_ARG(forms[i].form), (int)outcome, f.response.detail);
    }
    close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_has_its_verdict_at_each_place),
        cmocka_unit_test(no_form_is_a_vendors_host),
        cmocka_unit_test(closed_forms_are_not_called),
    };
    assert_true(egress_new(&(struct egress_config){.closes_own = true}, &egress, NULL));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    egress_free(egress);
    arena_done(&arena);
    return failed;
}

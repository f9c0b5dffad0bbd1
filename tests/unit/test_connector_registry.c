/* Every connector's descriptor against the API's model: names, templates, and that it is whole. */
#include "cmocka_all.h"

#include "connector/http/template.h"
#include "connector/http/write_source.h"
#include "wire/api_ids.h"

#include <stdio.h>
#include <string.h>

static const struct shape_member *member_of(const struct shape *shape, struct str name)
{
    for (size_t i = 0; shape && i < shape->member_count; i++) {
        if (str_eq(shape->members[i].name, name))
            return &shape->members[i];
    }
    return NULL;
}

static const struct shape *union_part(uint16_t shape, const struct connector *connector)
{
    const struct shape_member *member = member_of(&api_shapes[shape], connector->key);
    return member ? &api_shapes[member->shape] : NULL;
}

static void every_type_has_a_connector_in_order(void **state)
{
    (void)state;
    const struct shape *types = &api_shapes[API_SHAPE_ConnectorType];
    const struct shape *properties = &api_shapes[API_SHAPE_ConnectorProfileProperties];
    assert_int_equal(connector_count(), types->enum_count);
    for (size_t i = 0; i < types->enum_count; i++)
        assert_non_null(connector_by_type(types->enum_values[i]));
    for (size_t i = 0; i < properties->member_count; i++)
        assert_false(connector_by_key(properties->members[i].name)->without_profiles);
    for (size_t i = 1; i < connector_count(); i++)
        assert_true(str_compare(connector_at(i - 1)->type, connector_at(i)->type) < 0);
    assert_null(connector_by_key(STR("Servicenow")));
    assert_null(connector_by_type(STR("ServiceNow")));
    assert_ptr_equal(connector_by_key(STR("ServiceNow")), connector_by_type(STR("Servicenow")));
}

static void names_are_the_models(void **state)
{
    (void)state;
    const struct shape *types = &api_shapes[API_SHAPE_ConnectorType];
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        bool known = false;
        for (size_t j = 0; j < types->enum_count; j++)
            known = known || str_eq(types->enum_values[j], connector->type);
        assert_true(known);
        assert_int_equal(union_part(API_SHAPE_ConnectorProfileProperties, connector) == NULL,
                         connector->without_profiles);
        assert_int_equal(union_part(API_SHAPE_ConnectorProfileCredentials, connector) == NULL,
                         connector->without_profiles);
        assert_int_equal(connector_is_built(connector), !connector->without_profiles);
    }
}

static void roles_are_the_models(void **state)
{
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        bool source = union_part(API_SHAPE_SourceConnectorProperties, connector);
        bool destination = union_part(API_SHAPE_DestinationConnectorProperties, connector);
        assert_int_equal(!!(connector->roles & ROLE_SOURCE), source);
        assert_int_equal(!!(connector->roles & ROLE_DESTINATION), destination);
    }
}

static void what_has_a_way_to_authenticate_is_built(void **state)
{
    (void)state;
    static const struct connector shapes_only = {.type = STR("Shapes")};
    assert_true(connector_is_built(connector_by_type(STR("Salesforce"))));
    assert_true(connector_is_built(connector_by_type(STR("Zendesk"))));
    assert_true(connector_is_built(connector_by_type(STR("Amplitude"))));
    assert_false(connector_is_built(&shapes_only));
}

/* The real service's list. */
static void five_can_be_private(void **state)
{
    (void)state;
    static const char *const types[] = {"SAPOData", "Salesforce", "Singular", "Snowflake",
                                        "Trendmicro"};
    size_t found = 0;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        if (!connector->http)
            continue;
        const struct shape *shape = union_part(API_SHAPE_ConnectorProfileProperties, connector);
        const char *members[] = {connector->http->private_service, connector->http->private_tokens};
        for (size_t k = 0; k < 2; k++)
            assert_true(!members[k] || member_of(shape, str_from(members[k])));
        assert_int_equal(connector->http->private_service != NULL,
                         member_of(shape, STR("privateLinkServiceName")) != NULL);
        if (connector->modes & MODE_PRIVATE)
            assert_string_equal(connector->type.data, types[found++]);
    }
    assert_int_equal(found, 5);
}

static bool has_session(const struct connector *connector)
{
    for (size_t i = 0; i < connector->http->auth.count; i++) {
        if (connector->http->auth.rows[i].session)
            return true;
    }
    return false;
}

static void path_exists(void *context, struct str path)
{
    const struct connector *connector = context;
    const struct shape *shape = union_part(API_SHAPE_ConnectorProfileProperties, connector);
    struct str name, rest = path;
    if (str_eq(path, STR("credentials")) || str_eq(path, STR("random.uuid")) ||
        (str_starts(path, STR("derived.")) && connector->http->derive) ||
        (connector->http->entities &&
         (str_starts(path, STR("entity.")) || str_starts(path, STR("page.")) ||
          str_starts(path, STR("item.")))) ||
        (connector->http->writes &&
         (str_starts(path, STR("write.")) || str_starts(path, STR("destination.")))) ||
        (str_eq(path, STR("session.token")) && has_session(connector)))
        return;
    if (str_starts(path, STR("credentials."))) {
        shape = union_part(API_SHAPE_ConnectorProfileCredentials, connector);
        str_cut(rest, '.', &name, &rest);
    }
    for (bool more = true; more;) {
        more = str_cut(rest, '.', &name, &rest);
        const struct shape_member *member = member_of(shape, more ? name : rest);
        if (!member)
            fail_msg("%.*s: no member %.*s", STR_ARG(connector->type), STR_ARG(path));
        shape = &api_shapes[member->shape];
    }
}

static void check_path(const struct connector *connector, const char *path)
{
    if (path)
        path_exists((void *)(uintptr_t)connector, str_from(path));
}

static void check_template(const struct connector *connector, const char *template)
{
    if (template)
        template_placeholders(template, path_exists, (void *)(uintptr_t)connector);
}

static void check_headers(const struct connector *connector, const struct connector_headers *list)
{
    for (size_t i = 0; list && i < list->count; i++)
        check_template(connector, list->rows[i].value);
}

static void check_call(const struct connector *connector, const struct connector_call *call)
{
    assert_true(call->method && call->path && call->path[0] == '/');
    assert_true(!call->body || call->content_type);
    assert_true(!call->needs || call->needs[0] == '/');
    assert_true(!call->account_at == !call->account);
    check_template(connector, call->path);
    check_template(connector, call->body);
    for (size_t i = 0; i < call->query.count; i++) {
        check_path(connector, call->query.rows[i].given);
        check_path(connector, call->query.rows[i].flag);
        check_template(connector, call->query.rows[i].value);
    }
    check_headers(connector, &call->headers);
}

static void check_writes(const struct connector *connector, const struct write_source *row)
{
    check_call(connector, &row->call);
    check_template(connector, row->before);
    check_template(connector, row->after);
    check_template(connector, row->members);
    assert_true(row->operations != 0 && row->limits.records > 0 && row->limits.bytes > 0);
    assert_true(row->limits.records <= WRITE_RECORDS_MAX && row->limits.bytes <= WRITE_BYTES_MAX);
    assert_true(!row->call.body && row->results.good.at);
    assert_int_equal(row->key == WRITE_KEY_OWN, row->key_field != NULL);
    if (row->job) {
        check_call(connector, &row->job->call);
        assert_true(strstr(row->job->call.path, "{write.job}") && row->job->ended.count > 0);
        assert_true(row->job->id[0] == '/' && row->job->state[0] == '/');
    }
    assert_true(!row->results.is_lone || row->limits.records == 1);
    for (size_t i = 0; i < row->group_count; i++)
        assert_true(row->groups[i].prefix[0] && row->groups[i].member && row->groups[i].close);
    assert_true(row->form != WRITE_IDS || strstr(row->call.path, "{write.ids}"));
    assert_true(row->form != WRITE_BODY || (row->before && row->after && row->call.content_type));
}

static void check_urls(const struct connector *connector, const struct connector_urls *urls)
{
    for (size_t i = 0; i < urls->count; i++) {
        const struct connector_url *row = &urls->rows[i];
        check_path(connector, row->given);
        check_path(connector, row->flag);
        check_template(connector, row->url);
        assert_true(!row->vendor_hosts_only || connector->http->hosts.count > 0);
        assert_true(!row->closed || (strchr(row->url, '{') == NULL && !row->given && !row->flag));
        assert_true(!row->label || connector->http->domains.count > 0);
        if (row->probe)
            check_call(connector, row->probe);
    }
}

static void check_way(const struct connector *connector, const struct connector_auth *auth)
{
    assert_int_equal(!!auth->basic + !!auth->headers + !!auth->oauth2 + !!auth->session +
                         !!auth->signed_request,
                     1);
    check_path(connector, auth->given);
    check_headers(connector, auth->headers);
    if (auth->basic) {
        check_template(connector, auth->basic->user);
        check_template(connector, auth->basic->password);
    }
    if (auth->signed_request) {
        check_template(connector, auth->signed_request->key_id);
        check_template(connector, auth->signed_request->secret);
        check_template(connector, auth->signed_request->user);
        check_headers(connector, &auth->signed_request->headers);
        assert_true(auth->signed_request->scheme && auth->signed_request->date_header);
    }
    if (auth->session) {
        check_call(connector, &auth->session->login);
        check_call(connector, &auth->session->end);
        check_headers(connector, &auth->session->headers);
        assert_true(auth->session->login.body && auth->session->token[0] == '/');
    }
    if (auth->oauth2) {
        check_path(connector, auth->oauth2->members);
        check_path(connector, auth->oauth2->grant_type);
        check_urls(connector, &auth->oauth2->token_urls);
        assert_true(auth->oauth2->grants != 0);
    }
}

static void templates_name_members_of_the_model(void **state)
{
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        if (!connector->http)
            continue;
        check_urls(connector, &connector->http->api);
        for (size_t j = 0; j < connector->http->auth.count; j++)
            check_way(connector, &connector->http->auth.rows[j]);
        for (size_t j = 0; connector->http->writes && j < connector->http->writes->count; j++) {
            const struct write_source *row = &connector->http->writes->rows[j];
            check_path(connector, row->given);
            if (!row->refusal)
                check_writes(connector, row);
        }
        for (size_t j = 0; j < connector->http->probes.count; j++)
            check_call(connector, &connector->http->probes.rows[j]);
    }
}

/* An app's secret is the operator's: a profile's own host must not be able to ask for it. */
static void secrets_of_apps_stay_at_vendors(void **state)
{
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        for (size_t j = 0; connector->http && j < connector->http->auth.count; j++) {
            const struct connector_oauth2 *oauth2 = connector->http->auth.rows[j].oauth2;
            for (size_t k = 0; oauth2 && k < oauth2->token_urls.count; k++) {
                const struct connector_url *row = &oauth2->token_urls.rows[k];
                bool own = strchr(row->url, '{') == NULL || row->vendor_hosts_only;
                assert_true(own || oauth2->client == CLIENT_IN_CREDENTIALS);
            }
        }
    }
}

static void rules_can_match(void **state)
{
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        if (!connector_at(i)->http)
            continue;
        const struct connector_rules *rules = &connector_at(i)->http->rules;
        for (size_t j = 0; j < rules->count; j++) {
            const struct connector_rule *rule = &rules->rows[j];
            assert_true(rule->step == STEP_NONE || rule->step == STEP_TOKEN ||
                        rule->step == STEP_API);
            assert_true(!rule->header || !rule->at);
            assert_true(!rule->enough || rule->kind == VERDICT_ACCEPTED);
            assert_true(!rule->at || rule->at[0] == '/');
            assert_true(rule->at || rule->header || !rule->equals);
            assert_true(!rule->absent || (rule->at && !rule->equals && !rule->contains));
            assert_true(!rule->past || (rule->at && !rule->absent && !rule->equals));
            assert_true((rule->status >= 0 && rule->status < 6) ||
                        (rule->status >= 100 && rule->status < 600));
            assert_int_not_equal(rule->kind, VERDICT_INTERNAL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_a_connector_in_order),
        cmocka_unit_test(names_are_the_models),
        cmocka_unit_test(roles_are_the_models),
        cmocka_unit_test(what_has_a_way_to_authenticate_is_built),
        cmocka_unit_test(five_can_be_private),
        cmocka_unit_test(templates_name_members_of_the_model),
        cmocka_unit_test(secrets_of_apps_stay_at_vendors),
        cmocka_unit_test(rules_can_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

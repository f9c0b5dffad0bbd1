/* One question a resource: action, ARN, and what is known of the request. */
#include "api/authorize.h"

#include "api/access_limits.h"
#include "api/authorize_tags.h"
#include "base/clock.h"
#include "flow/definition.h"
#include "profile/arn.h"
#include "store/profiles.h"

#include <string.h>

enum { FACTS = 9, NUMBER_SIZE = 24 };

/* A question with the values that its facts point to. */
struct asking {
    struct api_request *request;
    const struct policy *policy;
    bool is_of_session; /* the policy is the session's, not the access key's */
    bool is_untagged;   /* the question is of a resource other than that which the tags are of */
    struct policy_question question;
    struct policy_fact facts[FACTS];
    struct str values[FACTS]; /* one each */
    char now[CLOCK_TEXT_SIZE], now_s[NUMBER_SIZE];
};

/* What is not known is a fact that is absent. */
static void add_fact(struct asking *asking, struct str key, struct str value)
{
    if (value.len == 0)
        return;
    size_t at = asking->question.fact_count++;
    asking->values[at] = value;
    asking->facts[at] = (struct policy_fact){key, &asking->values[at], 1};
}

static struct str yes_or_no(bool yes)
{
    return yes ? STR("true") : STR("false");
}

static void add_facts(struct asking *asking)
{
    struct api_request *request = asking->request;
    const struct http_head *head = &request->exchange->head;
    const struct str *agent = http_find_header(head, STR("User-Agent"));
    int64_t now_ms = clock_wall_ms();
    clock_text(now_ms, asking->now);
    snprintf(asking->now_s, sizeof(asking->now_s), "%lld", (long long)(now_ms / 1000));
    add_fact(asking, STR("aws:SourceIp"), request->client_host);
    add_fact(asking, STR("aws:CurrentTime"), str_from(asking->now));
    add_fact(asking, STR("aws:EpochTime"), str_from(asking->now_s));
    add_fact(asking, STR("aws:SecureTransport"), yes_or_no(request->exchange->over_tls));
    add_fact(asking, STR("aws:RequestedRegion"), request->caller.region);
    add_fact(asking, STR("aws:PrincipalAccount"), request->caller.account);
    add_fact(asking, STR("aws:UserAgent"), agent ? *agent : STR_NULL);
    add_fact(asking, STR("headgate:Sandbox"),
             yes_or_no(request->service->config.sandbox_url.len > 0));
}

/* --- which connector --- */

static bool find_stored(struct api_request *request, struct str name, struct profile *ret_profile,
                        bool *ret_found)
{
    struct profile_key key = {request->caller.account, request->caller.region, name};
    struct store *store = request->service->config.store;
    struct store_reader *reader = request->reader;
    if (!reader && !store_reader_take(store, &reader, &request->error))
        return false;
    bool ok = profile_find(reader, request->arena, key, ret_profile, ret_found, &request->error);
    if (!request->reader)
        store_reader_put(store, reader);
    return ok;
}

/* What a create or a list names, else the stored profile's. */
static bool find_connector(struct api_request *request, struct str profile, struct str *ret_type)
{
    struct profile stored;
    bool found = false;
    *ret_type = value_text(request->input, "connectorType");
    if (ret_type->len > 0 || profile.len == 0)
        return true;
    if (!find_stored(request, profile, &stored, &found))
        return false;
    *ret_type = found ? stored.connector_type : STR_NULL;
    return true;
}

/* --- asking --- */

struct str request_caller_arn(struct api_request *request)
{
    const struct session_token *session = request->session;
    struct str account = request->caller.account;
    if (request->function)
        return arena_printf(request->arena, "arn:aws:sts::%.*s:assumed-role/connector/%.*s",
                            STR_ARG(account), STR_ARG(request->caller.access_key_id));
    if (!session || session->role.len == 0)
        return arena_printf(request->arena, "arn:aws:iam::%.*s:root", STR_ARG(account));
    return arena_printf(request->arena, "arn:aws:sts::%.*s:assumed-role/%.*s/%.*s",
                        STR_ARG(account), STR_ARG(session->role), STR_ARG(session->name));
}

static bool deny(const struct asking *asking, enum policy_answer answer)
{
    static const char *const reasons[2][2] = {
        {"because no identity-based policy allows the action",
         "with an explicit deny in an identity-based policy"},
        {"because no session policy allows the action",
         "with an explicit deny in a session policy"},
    };
    struct api_request *request = asking->request;
    const struct policy_question *question = &asking->question;
    struct str caller = request_caller_arn(request);
    request->is_denied = true;
    return fail(&request->error, ERR_ACCESS_DENIED,
                "User: %.*s (access key %.*s) is not authorized to perform: %.*s on resource: "
                "%.*s %s",
                STR_ARG(caller), STR_ARG(request->caller.access_key_id), STR_ARG(question->action),
                STR_ARG(question->resource),
                reasons[asking->is_of_session][answer == POLICY_DENIES]);
}

/* The question with what is known of tags as well. */
static bool ask_with_tags(const struct asking *asking, enum policy_answer *ret_answer)
{
    struct arena *arena = asking->request->arena;
    struct policy_question question = asking->question;
    struct policy_fact *tags;
    size_t count;
    if (!tag_facts(asking->request, asking->policy, &tags, &count))
        return false;
    struct policy_fact *all = arena_array(arena, struct policy_fact, question.fact_count + count);
    memcpy(all, question.facts, question.fact_count * sizeof(*all));
    memcpy(all + question.fact_count, tags, count * sizeof(*all));
    question.facts = all;
    question.fact_count += count;
    *ret_answer = policy_ask(asking->policy, &question);
    return true;
}

static bool ask_policy(const struct asking *asking, enum policy_answer *ret_answer)
{
    if (!asking->is_untagged)
        return ask_with_tags(asking, ret_answer);
    *ret_answer = policy_ask(asking->policy, &asking->question);
    return true;
}

static bool ask(struct asking *asking, struct str resource, struct str profile)
{
    struct policy_question *question = &asking->question;
    size_t known = question->fact_count;
    enum policy_answer answer;
    question->resource = resource;
    if (policy_mentions(asking->policy, STR("headgate:ConnectorType"))) {
        struct str type;
        if (!find_connector(asking->request, profile, &type))
            return false;
        add_fact(asking, STR("headgate:ConnectorType"), type);
    }
    bool asked = ask_policy(asking, &answer);
    question->fact_count = known;
    if (!asked)
        return false;
    return answer == POLICY_ALLOWS || deny(asking, answer);
}

/* The input's member that names a resource, and the kind of its ARN. Without a name (a connector
 * that is no registered one, or a list) the ARN ends in a star: all of the kind. */
static const struct {
    const char *member;
    const char *kind; /* NULL: the member is an ARN */
} resource_kinds[] = {
    {"connectorProfileName", "connectorprofile"},
    {"connectorLabel", "connector"},
    {"flowName", "flow"},
    {"resourceArn", NULL},
};

static struct str arn_of(struct api_request *request, const char *kind, struct str name)
{
    return arena_printf(request->arena, "arn:aws:appflow:%.*s:%.*s:%s/%.*s",
                        STR_ARG(request->caller.region), STR_ARG(request->caller.account), kind,
                        STR_ARG(name));
}

/* A list of profiles: each that it names, or all of them. */
static bool ask_of_names(struct asking *asking)
{
    struct api_request *request = asking->request;
    const struct value *names = value_get(request->input, "connectorProfileNames");
    if (!names || names->count == 0)
        return ask(asking, arn_of(request, "connectorprofile", STR("*")), STR_NULL);
    for (size_t i = 0; i < names->count; i++) {
        struct str name = names->items[i]->text;
        if (!ask(asking, arn_of(request, "connectorprofile", name), name))
            return false;
    }
    return true;
}

static bool ask_of_resource(struct asking *asking)
{
    struct api_request *request = asking->request;
    const char *member = request->operation->resource;
    struct str name = request_resource(request);
    if (!member)
        return ask(asking, STR("*"), STR_NULL);
    if (strcmp(member, "connectorProfileNames") == 0)
        return ask_of_names(asking);
    for (size_t i = 0; i < sizeof(resource_kinds) / sizeof(*resource_kinds); i++) {
        if (strcmp(member, resource_kinds[i].member) != 0)
            continue;
        const char *kind = resource_kinds[i].kind;
        bool is_profile = i == 0;
        if (!kind)
            return ask(asking, name, STR_NULL);
        struct str asked = name.len > 0 ? name : STR("*");
        return ask(asking, arn_of(request, kind, asked), is_profile ? name : STR_NULL);
    }
    return ask(asking, STR("*"), STR_NULL);
}

/* The same about another action. */
static bool ask_action(struct asking *asking, struct str action, struct str resource,
                       struct str profile)
{
    struct str own = asking->question.action;
    asking->question.action = action;
    bool ok = ask(asking, resource, profile);
    asking->question.action = own;
    return ok;
}

/* Connector profiles have no tags: those of the flow and of the request say nothing of them. */
static bool ask_of_end(struct asking *asking, const struct flow_end *end)
{
    if (!end->profile.data || !end->connector || end->connector->without_profiles)
        return true;
    asking->is_untagged = true;
    bool ok = ask_action(asking, STR("appflow:UseConnectorProfile"),
                         arn_of(asking->request, "connectorprofile", end->profile), end->profile);
    asking->is_untagged = false;
    return ok;
}

/* A flow's definition also uses connector profiles, and may give tags (Service Authorization
 * Reference, "Amazon AppFlow"). */
static bool ask_of_flow(struct asking *asking)
{
    const struct value *input = asking->request->input, *tags = value_get(input, "tags");
    struct flow_definition definition;
    if (!ask_of_resource(asking))
        return false;
    if (!value_get(input, "sourceFlowConfig"))
        return true;
    flow_definition_read(input, &definition);
    return ask_of_end(asking, &definition.source) && ask_of_end(asking, &definition.destination) &&
           (!tags || tags->count == 0 ||
            ask_action(asking, STR("appflow:TagResource"),
                       arn_of(asking->request, "flow", request_resource(asking->request)),
                       STR_NULL));
}

typedef bool ask_fn(struct asking *asking);

/* The access key's policy, NULL: none, then each of the session's: all must allow the request. */
static bool ask_policies(struct asking *asking, const struct policy *of_key, struct str of_session,
                         ask_fn *ask_one)
{
    struct api_request *request = asking->request;
    struct str text;
    asking->policy = of_key;
    if (of_key && !ask_one(asking))
        return false;
    asking->is_of_session = true;
    while (session_next_policy(&of_session, &text)) {
        if (!policy_read(text, request->arena, &asking->policy, &request->error) ||
            !ask_one(asking))
            return false;
    }
    return true;
}

static struct asking *asking_new(struct api_request *request, const char *service)
{
    struct asking *asking = arena_new(request->arena, struct asking);
    asking->request = request;
    asking->question.action =
        arena_printf(request->arena, "%s:%.*s", service, STR_ARG(request->operation->name));
    asking->question.facts = asking->facts;
    add_facts(asking);
    return asking;
}

/* --- secrets --- */

static bool refuse_secret(struct api_request *request, struct str arn, const char *because)
{
    request->is_denied = true;
    return fail(&request->error, ERR_ACCESS_DENIED,
                "User: %.*s (access key %.*s) is not authorized to perform: secretsmanager:%.*s on "
                "resource: %.*s because %s",
                STR_ARG(request_caller_arn(request)), STR_ARG(request->caller.access_key_id),
                STR_ARG(request->operation->name), STR_ARG(arn), because);
}

static bool ask_of_secret(struct asking *asking)
{
    asking->question.by_name = !asking->is_of_session;
    enum policy_answer answer = policy_ask(asking->policy, &asking->question);
    return answer == POLICY_ALLOWS || deny(asking, answer);
}

bool request_authorize_secret(struct api_request *request, struct str arn,
                              struct str connector_type)
{
    struct access_limits limits = {0};
    if (request->function)
        return str_eq(request->function->secret_arn, arn) ||
               refuse_secret(request, arn,
                             "it is not the secret of the call that the connector works on");
    if (!str_eq(str_field(arn, ':', 4), request->caller.account))
        return refuse_secret(request, arn, "it is not a secret of the caller's account");
    if (request->limits.len > 0 &&
        !access_limits_read(request->limits, request->arena, &limits, &request->error))
        return false;
    if (!limits.policy)
        return refuse_secret(request, arn,
                             "the access key has no policy that names this action: secrets are "
                             "readable only where the operator has allowed it");
    struct asking *asking = asking_new(request, "secretsmanager");
    asking->question.resource = arn;
    add_fact(asking, STR("headgate:ConnectorType"), connector_type);
    return ask_policies(asking, limits.policy,
                        request->session ? request->session->policies : STR_NULL, ask_of_secret);
}

/* --- every operation --- */

/* A connector's process may read its own secret, which secrets.c decides, and nothing else. */
static bool refuse_function(struct api_request *request)
{
    request->is_denied = true;
    return fail(&request->error, ERR_ACCESS_DENIED,
                "User: %.*s (access key %.*s) is not authorized to perform: %.*s:%.*s: these are "
                "credentials of a connector's process, which may read its own secret and nothing "
                "else",
                STR_ARG(request_caller_arn(request)), STR_ARG(request->caller.access_key_id),
                STR_ARG(request->caller.service), STR_ARG(request->operation->name));
}

bool request_authorize(struct api_request *request)
{
    if (request->function && !(request->operation->flags & OPERATION_READS_SECRET))
        return refuse_function(request);
    struct str of_session = request->session ? request->session->policies : STR_NULL;
    struct access_limits limits;
    if ((request->limits.len == 0 && of_session.len == 0) || !request->route)
        return true;
    if (!access_limits_read(request->limits, request->arena, &limits, &request->error))
        return false;
    if (!limits.policy && of_session.len == 0)
        return true;
    return ask_policies(asking_new(request, "appflow"), limits.policy, of_session, ask_of_flow);
}

/* Five steps with one Salesforce profile, each checked, not only shown; then those of a flow. */
#include "cli/demo_steps.h"

#include "base/buf.h"
#include "base/random.h"
#include "cli/demo_flow.h"
#include "wire/restjson.h"

#include <stdio.h>

enum { BODY_MAX = 256 * 1024, LIST_MAX = 4 * 1024 * 1024 };

struct profile_steps {
    struct demo *demo;
    const struct sandbox *sandbox;
    struct value *configs; /* of the sandbox, by connector type and outcome */
    struct str repeated_body;
    struct str repeated_answer;
};

/* A body for create (with connectorType) or update, with one of the sandbox's configurations. */
static struct str body_with(struct profile_steps *steps, const char *outcome, bool create)
{
    char token[UUID_SIZE];
    const struct value *config = value_get(value_get(steps->configs, "Salesforce"), outcome);
    struct buf body = buf_in(steps->demo->arena, BODY_MAX);
    random_uuid(token);
    buf_printf(&body,
               "{\"connectorProfileName\":\"" DEMO_PROFILE "\",\"connectionMode\":\"Public\","
               "\"clientToken\":\"%s\",%s\"connectorProfileConfig\":",
               token, create ? "\"connectorType\":\"Salesforce\"," : "");
    value_encode(&body, config);
    buf_add_char(&body, '}');
    return buf_str(&body);
}

static bool describe(struct profile_steps *steps, struct api_answer *ret_answer,
                     const struct value **ret_detail)
{
    if (!demo_post(steps->demo, "/describe-connector-profiles",
                   STR("{\"connectorProfileNames\":[\"" DEMO_PROFILE "\"]}"), ret_answer))
        return false;
    const struct value *details = value_get(ret_answer->json, "connectorProfileDetails");
    *ret_detail = details && details->count == 1 ? details->items[0] : NULL;
    return *ret_detail || demo_unexpected(steps->demo, "describe", ret_answer);
}

static bool create(struct profile_steps *steps)
{
    struct api_answer answer;
    /* What an earlier demo made is replaced; that there is none is fine, too. */
    if (!demo_flow_delete(steps->demo) ||
        !demo_post(steps->demo, "/delete-connector-profile",
                   STR("{\"connectorProfileName\":\"" DEMO_PROFILE "\"}"), &answer) ||
        !demo_post(steps->demo, "/create-connector-profile", body_with(steps, "accepted", true),
                   &answer))
        return false;
    if (answer.status != 200)
        return demo_unexpected(steps->demo, "create", &answer);
    demo_print_step(steps->demo, "create a Salesforce profile", &answer,
                    value_text(answer.json, "connectorProfileArn"));
    return true;
}

static bool update(struct profile_steps *steps)
{
    struct api_answer answer;
    steps->repeated_body = body_with(steps, "accepted-code", false);
    if (!demo_post(steps->demo, "/update-connector-profile", steps->repeated_body, &answer))
        return false;
    if (answer.status != 200)
        return demo_unexpected(steps->demo, "update", &answer);
    steps->repeated_answer = answer.body;
    demo_print_step(steps->demo, "update it with new credentials", &answer,
                    value_text(answer.json, "connectorProfileArn"));
    demo_print_note(
        "The authorization code was exchanged for tokens, and the access token was verified.");
    return true;
}

static bool update_wrongly(struct profile_steps *steps)
{
    struct api_answer before, answer, after;
    const struct value *old_detail, *new_detail;
    if (!describe(steps, &before, &old_detail) ||
        !demo_post(steps->demo, "/update-connector-profile", body_with(steps, "rejected", false),
                   &answer) ||
        !describe(steps, &after, &new_detail))
        return false;
    if (answer.status != 401 || !str_eq(before.body, after.body))
        return demo_unexpected(steps->demo, "an update with a wrong token", &answer);
    demo_print_step(steps->demo, "try to update it with a wrong token", &answer, answer.exception);
    printf("   %.*s\n", STR_ARG(value_text(answer.json, "message")));
    demo_print_note("Nothing changed: the profile is described exactly as before.");
    return true;
}

static bool repeat(struct profile_steps *steps)
{
    struct api_answer answer;
    size_t before = sandbox_request_count(steps->sandbox, STR("Salesforce"));
    if (!demo_post(steps->demo, "/update-connector-profile", steps->repeated_body, &answer))
        return false;
    size_t calls = sandbox_request_count(steps->sandbox, STR("Salesforce")) - before;
    if (answer.status != 200 || calls != 0 || !str_eq(answer.body, steps->repeated_answer))
        return demo_unexpected(steps->demo, "repeating the update", &answer);
    demo_print_step(steps->demo, "repeat step 2 with the same client token", &answer,
                    value_text(answer.json, "connectorProfileArn"));
    demo_print_note("The same answer, without a call to the vendor.");
    return true;
}

/* True when any text inside `value` of some length stands in `text`. */
static bool shows_any(struct str text, const struct value *value)
{
    if (value->kind == VALUE_STRING)
        return value->text.len >= 8 && str_contains(text, value->text);
    for (size_t i = 0; i < value->count; i++) {
        if (shows_any(text, value->items[i]))
            return true;
    }
    return false;
}

static bool describe_safely(struct profile_steps *steps)
{
    struct api_answer answer;
    const struct value *detail;
    struct value *sent;
    if (!describe(steps, &answer, &detail) ||
        !json_parse(steps->repeated_body, steps->demo->arena, &sent))
        return false;
    const struct value *secrets =
        value_get(value_get(sent, "connectorProfileConfig"), "connectorProfileCredentials");
    if (answer.status != 200 || shows_any(answer.body, secrets))
        return demo_unexpected(steps->demo, "describe", &answer);
    demo_print_step(steps->demo, "describe it", &answer, value_text(detail, "credentialsArn"));
    demo_print_note("No secret in it: the answer was searched for every secret that was sent.");
    return true;
}

static bool load_configs(struct profile_steps *steps)
{
    struct buf list = buf_in(steps->demo->arena, LIST_MAX);
    sandbox_list_json(&list);
    return json_parse(buf_str(&list), steps->demo->arena, &steps->configs) ||
           fail(steps->demo->error, ERR_INTERNAL, "The list of test credentials cannot be read.");
}

bool demo_link(struct api_client *api, struct arena *arena, struct str *ret_link,
               struct error *error)
{
    static const struct http_header header = {STR("X-Headgate-Consent"), STR("true")};
    struct api_answer answer;
    if (!api_call_with(api, arena, "/update-connector-profile",
                       STR("{\"connectorProfileName\":\"" DEMO_PROFILE
                           "\",\"connectionMode\":\"Public\",\"connectorProfileConfig\":"
                           "{\"connectorProfileProperties\":{\"Salesforce\":{\"instanceUrl\":"
                           "\"https://acme.my.salesforce.com\"}}}}"),
                       &header, 1, &answer, error))
        return false;
    *ret_link = answer.link;
    return answer.link.data || api_fail_answer(&answer, error);
}

bool demo_steps(struct api_client *api, const struct sandbox *sandbox, const char *objects,
                struct error *error)
{
    struct arena arena = {0};
    struct demo demo = {.api = api, .arena = &arena, .error = error};
    struct profile_steps steps = {.demo = &demo, .sandbox = sandbox};
    bool ok = load_configs(&steps) && create(&steps) && update(&steps) && update_wrongly(&steps) &&
              repeat(&steps) && describe_safely(&steps) && demo_flow_steps(&demo, objects);
    arena_done(&arena);
    return ok;
}

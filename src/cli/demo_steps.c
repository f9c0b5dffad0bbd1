/* Five steps with one Salesforce profile, each checked, not only shown. */
#include "cli/demo_steps.h"

#include "base/buf.h"
#include "base/random.h"
#include "wire/restjson.h"

#include <stdio.h>

enum { BODY_MAX = 256 * 1024, LIST_MAX = 4 * 1024 * 1024 };

struct demo {
    struct api_client *api;
    const struct sandbox *sandbox;
    struct arena *arena;
    struct error *error;
    int step;
    struct value *configs; /* of the sandbox, by connector type and outcome */
    struct str repeated_body;
    struct str repeated_answer;
};

static void print_step(struct demo *demo, const char *what, const struct api_answer *answer,
                       struct str outcome)
{
    printf("%d  %-46s %d  %.*s\n", ++demo->step, what, answer->status, STR_ARG(outcome));
    fflush(stdout);
}

static void print_note(const char *note)
{
    printf("   %s\n", note);
}

static bool unexpected(struct demo *demo, const char *what, const struct api_answer *answer)
{
    return fail(demo->error, ERR_INTERNAL, "The demo failed: %s was answered with %d %.*s", what,
                answer->status, STR_ARG(answer->body));
}

/* A body for create (with connectorType) or update, with one of the sandbox's configurations. */
static struct str body_with(struct demo *demo, const char *outcome, bool create)
{
    char token[UUID_SIZE];
    const struct value *config = value_get(value_get(demo->configs, "Salesforce"), outcome);
    struct buf body = buf_in(demo->arena, BODY_MAX);
    random_uuid(token);
    buf_printf(&body,
               "{\"connectorProfileName\":\"" DEMO_PROFILE "\",\"connectionMode\":\"Public\","
               "\"clientToken\":\"%s\",%s\"connectorProfileConfig\":",
               token, create ? "\"connectorType\":\"Salesforce\"," : "");
    value_encode(&body, config);
    buf_add_char(&body, '}');
    return buf_str(&body);
}

static bool post(struct demo *demo, const char *path, struct str body,
                 struct api_answer *ret_answer)
{
    return api_call(demo->api, demo->arena, path, body, ret_answer, demo->error);
}

static bool describe(struct demo *demo, struct api_answer *ret_answer,
                     const struct value **ret_detail)
{
    if (!post(demo, "/describe-connector-profiles",
              STR("{\"connectorProfileNames\":[\"" DEMO_PROFILE "\"]}"), ret_answer))
        return false;
    const struct value *details = value_get(ret_answer->json, "connectorProfileDetails");
    *ret_detail = details && details->count == 1 ? details->items[0] : NULL;
    return *ret_detail || unexpected(demo, "describe", ret_answer);
}

static bool create(struct demo *demo)
{
    struct api_answer answer;
    /* A profile of an earlier demo is replaced; that there is none is fine, too. */
    if (!post(demo, "/delete-connector-profile",
              STR("{\"connectorProfileName\":\"" DEMO_PROFILE "\"}"), &answer) ||
        !post(demo, "/create-connector-profile", body_with(demo, "accepted", true), &answer))
        return false;
    if (answer.status != 200)
        return unexpected(demo, "create", &answer);
    print_step(demo, "create a Salesforce profile", &answer,
               value_text(answer.json, "connectorProfileArn"));
    return true;
}

static bool update(struct demo *demo)
{
    struct api_answer answer;
    demo->repeated_body = body_with(demo, "accepted-code", false);
    if (!post(demo, "/update-connector-profile", demo->repeated_body, &answer))
        return false;
    if (answer.status != 200)
        return unexpected(demo, "update", &answer);
    demo->repeated_answer = answer.body;
    print_step(demo, "update it with new credentials", &answer,
               value_text(answer.json, "connectorProfileArn"));
    print_note(
        "The authorization code was exchanged for tokens, and the access token was verified.");
    return true;
}

static bool update_wrongly(struct demo *demo)
{
    struct api_answer before, answer, after;
    const struct value *old_detail, *new_detail;
    if (!describe(demo, &before, &old_detail) ||
        !post(demo, "/update-connector-profile", body_with(demo, "rejected", false), &answer) ||
        !describe(demo, &after, &new_detail))
        return false;
    if (answer.status != 401 || !str_eq(before.body, after.body))
        return unexpected(demo, "an update with a wrong token", &answer);
    print_step(demo, "try to update it with a wrong token", &answer, answer.exception);
    printf("   %.*s\n", STR_ARG(value_text(answer.json, "message")));
    print_note("Nothing changed: the profile is described exactly as before.");
    return true;
}

static bool repeat(struct demo *demo)
{
    struct api_answer answer;
    size_t before = sandbox_request_count(demo->sandbox, STR("Salesforce"));
    if (!post(demo, "/update-connector-profile", demo->repeated_body, &answer))
        return false;
    size_t calls = sandbox_request_count(demo->sandbox, STR("Salesforce")) - before;
    if (answer.status != 200 || calls != 0 || !str_eq(answer.body, demo->repeated_answer))
        return unexpected(demo, "repeating the update", &answer);
    print_step(demo, "repeat step 2 with the same client token", &answer,
               value_text(answer.json, "connectorProfileArn"));
    print_note("The same answer, without a call to the vendor.");
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

static bool describe_safely(struct demo *demo)
{
    struct api_answer answer;
    const struct value *detail;
    struct value *sent;
    if (!describe(demo, &answer, &detail) || !json_parse(demo->repeated_body, demo->arena, &sent))
        return false;
    const struct value *secrets =
        value_get(value_get(sent, "connectorProfileConfig"), "connectorProfileCredentials");
    if (answer.status != 200 || shows_any(answer.body, secrets))
        return unexpected(demo, "describe", &answer);
    print_step(demo, "describe it", &answer, value_text(detail, "credentialsArn"));
    print_note("No secret in it: the answer was searched for every secret that was sent.");
    return true;
}

static bool load_configs(struct demo *demo)
{
    struct buf list = buf_in(demo->arena, LIST_MAX);
    sandbox_list_json(&list);
    return json_parse(buf_str(&list), demo->arena, &demo->configs) ||
           fail(demo->error, ERR_INTERNAL, "The list of test credentials cannot be read.");
}

bool demo_steps(struct api_client *api, const struct sandbox *sandbox, struct error *error)
{
    struct arena arena = {0};
    struct demo demo = {.api = api, .sandbox = sandbox, .arena = &arena, .error = error};
    bool ok = load_configs(&demo) && create(&demo) && update(&demo) && update_wrongly(&demo) &&
              repeat(&demo) && describe_safely(&demo);
    arena_done(&arena);
    return ok;
}

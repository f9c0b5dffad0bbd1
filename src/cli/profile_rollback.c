/* headgate profile rollback: an update over the server's API, with an access key, that puts the
 * previous credentials back. */
#include "cli/api_client.h"
#include "cli/command.h"
#include "cli/profile_name.h"
#include "cli/profile_report.h"
#include "cli/values.h"

#include "base/buf.h"
#include "base/random.h"
#include "vault/secret.h"
#include "wire/restjson.h"

#define ROLLBACK "X-Headgate-Rollback"

enum { REQUEST_MAX = 8 * 1024 };

static const struct option rollback_table[] = {
    PROFILE_NAME_OPTION,
    {.name = "json", .kind = OPTION_FLAG, .heading = "Output", .help = "Print one JSON object"},
    SERVER_OPTIONS,
    {0},
};

/* Mode and configuration are those of the previous credentials; the API's model wants members. */
static struct str request_body(struct arena *arena, struct str name)
{
    char token[UUID_SIZE];
    struct buf body = buf_in(arena, REQUEST_MAX);
    struct value *request = value_structure(arena), *config = value_structure(arena);
    random_uuid(token);
    value_put(arena, config, "connectorProfileProperties", value_structure(arena));
    value_put_text(arena, request, "connectorProfileName", name);
    value_put_text(arena, request, "connectionMode", STR("Public"));
    value_put(arena, request, "connectorProfileConfig", config);
    value_put_text(arena, request, "clientToken", str_from(token));
    value_encode(&body, request);
    return buf_str(&body);
}

static int roll_back(const struct options *options, struct arena *arena, struct error *error)
{
    struct api_client api;
    struct api_answer answer;
    struct str name = profile_name(options);
    const struct api_client_config config = {
        .endpoint = options_text(options, "server"),
        .region = options_text(options, "region"),
        .credentials_path = options_text(options, "credentials"),
        .ca_path = options_text(options, "ca"),
    };
    bool ok = api_client_start(&api, &config, error) &&
              api_check_flag(&api, arena, ROLLBACK, "rollback", error) &&
              api_call_flagged(&api, arena, ROLLBACK, "/update-connector-profile",
                               request_body(arena, name), &answer, error);
    int code = ok ? profile_report_print(arena, name, &answer, options_flag(options, "json"))
                  : command_failed(error);
    api_client_stop(&api);
    return code;
}

static int run(const struct options *options)
{
    struct arena arena = {0};
    struct error error = {0};
    secret_init();
    int code = roll_back(options, &arena, &error);
    arena_done(&arena);
    return !code || error.code != ERR_UNAVAILABLE ? code : EXIT_UNDECIDED;
}

const struct command profile_rollback_command = {
    .name = "profile rollback",
    .summary = "Put the credentials back that a profile had before its last update",
    .about =
        "A server keeps credentials that new ones replaced for some time (--previous-credentials), "
        "with the properties that they belong to. This verifies them with the vendor and, if it "
        "accepts them, swaps them with those in use: a second rollback swaps them back. If the "
        "vendor does not accept them, or there are none, nothing changes. Sends the server an "
        "UpdateConnectorProfile with X-Headgate-Rollback, signed with an access key, which needs "
        "the permission for UpdateConnectorProfile. Prints the verdict, the time of each step, and "
        "what the vendor said; the audit has an entry.\n"
        "Exits with 0 if the credentials were put back, 1 if there are none, the vendor does not "
        "accept them or the request is refused, 2 for an invalid option, 3 if there is no verdict: "
        "the server or the vendor could not be reached, is busy, or limits requests.",
    .examples = "headgate profile rollback crm --credentials headgate-data/credentials\n"
                "headgate profile rollback crm --json",
    .options = rollback_table,
    .run = run,
};

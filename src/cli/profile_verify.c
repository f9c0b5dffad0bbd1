/* headgate profile verify: a dry run of an update over the server's API, with an access key. So the
 * policies of access keys, the limits, the log and the audit are those of the operation itself. */
#include "cli/command.h"
#include "cli/profile_name.h"
#include "cli/profile_report.h"
#include "cli/profile_request.h"
#include "cli/values.h"

#include "vault/secret.h"

static const struct option verify_table[] = {
    PROFILE_NAME_OPTION,
    {.name = "with",
     .argument = "FILE",
     .help = "Verify what is in FILE instead of what is stored: the JSON of a "
             "connectorProfileConfig, or of a whole UpdateConnectorProfile or "
             "CreateConnectorProfile request; \"-\" reads standard input"},
    {.name = "json", .kind = OPTION_FLAG, .heading = "Output", .help = "Print one JSON object"},
    SERVER_OPTIONS,
    {0},
};

#define DRY_RUN "X-Headgate-Dry-Run"

static int verify_profile(struct profile_request *request)
{
    struct api_answer answer;
    bool ok = profile_request_make(request) &&
              api_check_flag(&request->api, request->arena, DRY_RUN, "dry runs", request->error) &&
              api_call_flagged(&request->api, request->arena, DRY_RUN, request->path, request->body,
                               &answer, request->error);
    int code = ok ? profile_report_print(request->arena, profile_name(request->options), &answer,
                                         options_flag(request->options, "json"))
                  : command_failed(request->error);
    api_client_stop(&request->api);
    return code;
}

static int run(const struct options *options)
{
    struct arena arena = {0};
    struct error error = {0};
    struct profile_request request = {
        .options = options,
        .with = options_text(options, "with"),
        .arena = &arena,
        .error = &error,
    };
    secret_init();
    int code = verify_profile(&request);
    arena_done(&arena);
    return !code || error.code != ERR_UNAVAILABLE ? code : EXIT_UNDECIDED;
}

const struct command profile_verify_command = {
    .name = "profile verify",
    .summary = "Ask a profile's vendor whether its credentials work, and store nothing",
    .about =
        "Sends the server a dry run (X-Headgate-Dry-Run) with an access key, which needs the "
        "permission for UpdateConnectorProfile, and for DescribeConnectorProfiles unless --with "
        "has a whole request. Prints the verdict, the time of each step, and what the vendor said; "
        "the audit has an entry.\n"
        "The profile does not change, but OAuth tokens that are renewed on the way are kept, since "
        "a vendor may take the old refresh token only once. Those of stored credentials are stored "
        "in the profile. Those of a refresh token in --with are kept sealed for 30 days for the "
        "update that sends the same refresh token. Only requests for the same profile name "
        "continue from it: do not try a refresh token that another profile uses. An authorization "
        "code or assertion in --with is not used, as it works only once. A registered connector's "
        "function is called as by an update.\n"
        "A server without dry runs (an older version) is sent nothing.\n"
        "Exits with 0 if the vendor accepts the credentials, 1 if it does not or the request is "
        "refused, 2 for an invalid option or file, 3 if there is no verdict: the server or the "
        "vendor could not be reached, is busy, or limits requests.",
    .examples = "headgate profile verify crm --credentials headgate-data/credentials\n"
                "headgate profile verify crm --with new-config.json --json",
    .options = verify_table,
    .run = run,
};

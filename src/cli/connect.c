/* headgate connect: asks a server for a link on which a person authorizes at the vendor. */
#include "cli/command.h"
#include "cli/examples.h"
#include "cli/profile_name.h"
#include "cli/profile_request.h"
#include "cli/terminal.h"
#include "cli/values.h"

#include "vault/secret.h"

#include <stdio.h>

#define CONSENT "X-Headgate-Consent"

static const struct option connect_table[] = {
    PROFILE_NAME_OPTION,
    {.name = "connector",
     .argument = "TYPE",
     .check = check_connector,
     .help = "The profile is new, for this connector"},
    {.name = "label", .argument = "LABEL", .help = "With CustomConnector: the registered one"},
    {.name = "with",
     .argument = "FILE",
     .help = "Properties and OAuth client: the JSON of a connectorProfileConfig without tokens, or "
             "of a whole UpdateConnectorProfile or CreateConnectorProfile request; \"-\" reads "
             "standard input. Without it, what is stored"},
    {.name = "scope",
     .argument = "SCOPES",
     .help = "Scopes to ask the vendor for, instead of the connector's own"},
    {.name = "authorization-url",
     .argument = "URL",
     .help = "Where to authorize, of a registered connector that declares several such URLs"},
    {.name = "any-account",
     .kind = OPTION_FLAG,
     .help = "The vendor's account may be another than the profile had before"},
    SERVER_OPTIONS,
    {0},
};

static bool check_options(const struct options *options, struct error *error)
{
    return !options_text(options, "label") || options_text(options, "connector") ||
           fail(error, ERR_VALIDATION, "--label needs --connector CustomConnector.");
}

static bool ask(struct profile_request *request, struct str *ret_link)
{
    const char *scope = options_text(request->options, "scope");
    const char *url = options_text(request->options, "authorization-url");
    struct http_header headers[API_HEADERS_MAX] = {{STR(CONSENT), STR("true")}};
    size_t count = 1;
    struct api_answer answer;
    if (scope)
        headers[count++] = (struct http_header){STR("X-Headgate-Consent-Scope"), str_from(scope)};
    if (url)
        headers[count++] = (struct http_header){STR(CONSENT "-Authorization-Url"), str_from(url)};
    if (options_flag(request->options, "any-account"))
        headers[count++] = (struct http_header){STR("X-Headgate-Consent-Account"), STR("any")};
    if (!profile_request_make(request) ||
        !api_check_flag(&request->api, request->arena, CONSENT, "links to authorize on",
                        request->error) ||
        !api_call_with(&request->api, request->arena, request->path, request->body, headers, count,
                       &answer, request->error))
        return false;
    *ret_link = answer.link;
    return answer.link.data || api_fail_answer(&answer, request->error);
}

static int run(const struct options *options)
{
    struct arena arena = {0};
    struct error error = {0};
    struct profile_request request = {
        .options = options,
        .with = options_text(options, "with"),
        .connector = options_text(options, "connector"),
        .label = options_text(options, "label"),
        .arena = &arena,
        .error = &error,
    };
    struct str link;
    secret_init();
    bool ok = ask(&request, &link);
    api_client_stop(&request.api);
    if (ok) {
        fprintf(stderr, "Open this link within 10 minutes, in one browser:\n");
        terminal_print(stdout, link, 0);
        fputc('\n', stdout);
    }
    int code = ok ? EXIT_OK : command_failed(&error);
    arena_done(&arena);
    return !code || error.code != ERR_UNAVAILABLE ? code : EXIT_UNDECIDED;
}

const struct command connect_command = {
    .name = "connect",
    .summary = "Print a link on which a person authorizes at the vendor, for a profile",
    .about =
        "Asks the server for a link, with an access key that may update the profile (or create it, "
        "with --connector or a request in --with), and prints it on standard output. The page "
        "shows what is going to be connected. The person authorizes on the vendor's page and "
        "comes back to a page of this server, which exchanges the vendor's code, verifies what "
        "came, and updates "
        "or creates the profile: the same change as by the API, with its audit. Nothing is stored "
        "before.\n"
        "A link works once, for ten minutes, in one browser. The vendor's app must have the "
        "redirect URL SERVER/connect/callback/TYPE; --public-url of \"headgate serve\" says where "
        "browsers reach the server, if that is not the address that this command uses.\n"
        "Exits with 0 if there is a link, 1 if the server refuses, 2 for an invalid option or "
        "file, 3 if the server cannot be reached or is busy.",
    .examples = "headgate connect crm --credentials headgate-data/credentials\n"
                "headgate connect crm --connector " EXAMPLE_TYPE " --credentials "
                "headgate-data/credentials\n"
                "headgate connect help-desk --connector " EXAMPLE_FORM_TYPE " --with desk.json",
    .options = connect_table,
    .check = check_options,
    .run = run,
};

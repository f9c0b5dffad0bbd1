/* Options that the `connector` commands share, and what they give: a host for the command, its
 * secret, and what goes into requests. */
#pragma once

#include "cli/connector_host.h"
#include "cli/options.h"
#include "connector/custom/contract.h"

/* How the connector is run. */
#define CONNECTOR_HOST_OPTIONS                                                                     \
    {.name = "command",                                                                            \
     .argument = "COMMAND",                                                                        \
     .heading = "Connector",                                                                       \
     .required = true,                                                                             \
     .help = "Command that speaks the Lambda Runtime API; a shell runs it in this directory"},     \
        {.name = "secret-file",                                                                    \
         .argument = "FILE",                                                                       \
         .help = "Secret that the connector may read: a JSON object such as {\"apiKey\": \"…\"}"}, \
        {.name = "secret-variable",                                                                \
         .argument = "NAME",                                                                       \
         .help = "Instead of --secret-file: the environment variable that holds it"},              \
    {                                                                                              \
        .name = "debug", .kind = OPTION_FLAG,                                                      \
        .help = "Leave all time limits off, and wait for a debugger before the first request"      \
    }

/* What requests are about. */
#define CONNECTOR_REQUEST_OPTIONS                                                                  \
    {.name = "authentication",                                                                     \
     .argument = "TYPE",                                                                           \
     .heading = "Requests",                                                                        \
     .check = check_authentication,                                                                \
     .help = "BASIC, OAUTH2, APIKEY or CUSTOM; without it the first that the connector has"},      \
        {.name = "settings",                                                                       \
         .argument = "JSON",                                                                       \
         .help = "Runtime settings as a JSON object, or @FILE"},                                   \
        {.name = "api-version",                                                                    \
         .argument = "VERSION",                                                                    \
         .help = "Without it the first that the connector has"},                                   \
        {.name = "entity",                                                                         \
         .argument = "NAME",                                                                       \
         .help = "Entity to describe, read and write; without it the first that is listed"},       \
        {.name = "path", .argument = "PATH", .help = "Parent of the entities to list"},            \
        {.name = "fields",                                                                         \
         .kind = OPTION_LIST,                                                                      \
         .argument = "NAMES",                                                                      \
         .help = "Fields to read, separated by commas; without it all that can be"},               \
        {.name = "filter", .argument = "EXPRESSION", .help = "Filter expression for QueryData"},   \
        {.name = "id-field",                                                                       \
         .argument = "NAME",                                                                       \
         .help = "Field that --ids are values of; without it the primary key"},                    \
        {.name = "ids",                                                                            \
         .kind = OPTION_LIST,                                                                      \
         .argument = "IDS",                                                                        \
         .help = "Records for RetrieveData; without it those of the first page"},                  \
        {.name = "operation",                                                                      \
         .argument = "NAME",                                                                       \
         .check = check_operation,                                                                 \
         .help = "INSERT, UPDATE, UPSERT or DELETE, for WriteData"},                               \
    {                                                                                              \
        .name = "records", .argument = "JSON",                                                     \
        .help = "Records for WriteData as a JSON list of objects, or @FILE"                        \
    }

_must_use_ bool check_authentication(const char *text, struct error *expected);
_must_use_ bool check_operation(const char *text, struct error *expected);

/* Rules across CONNECTOR_HOST_OPTIONS: a command's `check`. */
_must_use_ bool connector_options_check(const struct options *options, struct error *error);

/* The text of an option, or the content of FILE for "@FILE". STR_NULL: it is not given.
 * ERR_VALIDATION names option and file. In the arena. */
_must_use_ bool connector_option_text(const struct options *options, const char *name,
                                      struct arena *arena, struct str *ret_text,
                                      struct error *error);
/* The same as JSON of this kind; NULL: it is not given. */
_must_use_ bool connector_option_json(const struct options *options, const char *name,
                                      enum value_kind kind, struct arena *arena,
                                      const struct value **ret_value, struct error *error);
/* A list of texts; NULL: it is not given. */
const struct value *connector_option_list(const struct options *options, const char *name,
                                          struct arena *arena);

/* Before anything else of a command's run. */
void connector_prepare_process(void);

/* The secret as it is given, and the host of the command, which waits for a debugger if it is to.
 * NULL for the secret: none is given. Both live as long as the arena, the host until it is stopped.
 */
_must_use_ bool connector_options_start(const struct options *options, struct arena *arena,
                                        const struct value **ret_secret,
                                        struct connector_host **ret_host, struct error *error);

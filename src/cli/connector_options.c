/* From options to a connector's host. Nothing of a secret is in a message. */
#include "cli/connector_options.h"

#include "base/buf.h"
#include "cli/option_file.h"
#include "connector/custom/secret_text.h"
#include "wire/json_value.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool check_authentication(const char *text, struct error *expected)
{
    return contract_authentication_type(str_from(text)).data ||
           fail(expected, ERR_VALIDATION, "BASIC, OAUTH2, APIKEY or CUSTOM");
}

bool check_operation(const char *text, struct error *expected)
{
    static const char *const names[] = {"INSERT", "UPDATE", "UPSERT", "DELETE"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(text, names[i]) == 0)
            return true;
    }
    return fail(expected, ERR_VALIDATION, "INSERT, UPDATE, UPSERT or DELETE");
}

bool connector_options_check(const struct options *options, struct error *error)
{
    const char *variable = options_text(options, "secret-variable");
    if (variable && options_text(options, "secret-file"))
        return fail(error, ERR_VALIDATION,
                    "--secret-file and --secret-variable cannot both be given.");
    return !variable || getenv(variable) ||
           fail(error, ERR_VALIDATION,
                "--secret-variable: there is no environment variable %.100s.", variable);
}

/* --- texts and JSON --- */

bool connector_option_text(const struct options *options, const char *name, struct arena *arena,
                           struct str *ret_text, struct error *error)
{
    const char *text = options_text(options, name);
    if (text && text[0] == '@')
        return option_file_read(name, text + 1, FUNCTION_PAYLOAD_MAX, arena, ret_text, error);
    *ret_text = str_from(text);
    return true;
}

static bool parse(const char *name, enum value_kind kind, struct str text, struct arena *arena,
                  const struct value **ret_value, struct error *error)
{
    struct value *value;
    if (!json_parse(text, arena, &value) || value->kind != kind)
        return fail(error, ERR_VALIDATION, "--%s must hold a JSON %s.", name,
                    kind == VALUE_LIST ? "list" : "object");
    *ret_value = value;
    return true;
}

bool connector_option_json(const struct options *options, const char *name, enum value_kind kind,
                           struct arena *arena, const struct value **ret_value, struct error *error)
{
    struct str text;
    *ret_value = NULL;
    if (!connector_option_text(options, name, arena, &text, error))
        return false;
    return !text.data || parse(name, kind, text, arena, ret_value, error);
}

const struct value *connector_option_list(const struct options *options, const char *name,
                                          struct arena *arena)
{
    const struct option_value *given = options_list(options, name);
    struct value *list = value_list(arena);
    for (int i = 0; i < given->count; i++)
        value_append(arena, list, value_string(arena, str_from(given->texts[i])));
    return given->count > 0 ? list : NULL;
}

/* --- the host --- */

static bool read_secret(const struct options *options, struct arena *arena, struct str *ret_text,
                        const struct value **ret_secret, struct error *error)
{
    const char *file = options_text(options, "secret-file");
    const char *variable = options_text(options, "secret-variable");
    const char *name = file ? "secret-file" : "secret-variable";
    *ret_secret = NULL;
    *ret_text = STR_NULL;
    if (variable)
        *ret_text = str_from(getenv(variable));
    else if (file && !option_file_read(name, file, FUNCTION_PAYLOAD_MAX, arena, ret_text, error))
        return false;
    if (!ret_text->data)
        return true;
    if (!parse(name, VALUE_STRUCTURE, *ret_text, arena, ret_secret, error))
        return false;
    /* As a server writes it, which has no blanks. */
    struct buf json = buf_in(arena, SECRET_TEXT_MAX);
    value_encode(&json, *ret_secret);
    *ret_text = buf_str(&json);
    return !json.overflow ||
           fail(error, ERR_VALIDATION, "--%s: a secret has at most 64 KiB.", name);
}

/* A connector's end must not end this process, and its output is what standard error is for. */
void connector_prepare_process(void)
{
    signal(SIGPIPE, SIG_IGN);
}

bool connector_options_start(const struct options *options, struct arena *arena,
                             const struct value **ret_secret, struct connector_host **ret_host,
                             struct error *error)
{
    struct connector_host_config config = {
        .command = options_text(options, "command"),
        .debug = options_flag(options, "debug"),
    };
    return read_secret(options, arena, &config.secret_text, ret_secret, error) &&
           connector_host_start(&config, ret_host, error);
}

/* What a server's options mean together, and as the modules that use them read them. */
#include "cli/node_options.h"

#include "cli/data_dir.h"
#include "cli/secret_paths.h"
#include "net/client/proxy.h"
#include "net/client/trust.h"
#include "net/private_routes.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_TEXT_MAX = 64 * 1024 }; /* bytes of an option that is a list, joined */

static bool check_routes(const struct options *options, struct error *error)
{
    const struct option_value *list = options_list(options, "private-route");
    struct str account = str_from(options_text(options, "account"));
    struct private_routes *routes;
    if (!private_routes_new(list->texts, (size_t)list->count, account, &routes, error))
        return false;
    private_routes_free(routes);
    return true;
}

bool node_reference_rules(const struct options *options, struct reference_rules **ret_rules,
                          struct error *error)
{
    const struct option_value *list = options_list(options, "reference");
    struct error reason;
    return reference_rules_new(list->texts, (size_t)list->count, ret_rules, &reason) ||
           fail(error, ERR_VALIDATION, "invalid value for --reference: expected %s.",
                reason.message);
}

static bool check_references(const struct options *options, struct error *error)
{
    struct reference_rules *rules;
    if (!node_reference_rules(options, &rules, error))
        return false;
    reference_rules_free(rules);
    return secret_paths_check(options, error);
}

static struct str endpoint_type(const char *text)
{
    struct str type = STR_NULL, url;
    str_cut(str_from(text), '=', &type, &url);
    return type;
}

static bool check_endpoints(const struct options *options, struct error *error)
{
    const struct option_value *list = options_list(options, "endpoint");
    for (int i = 0; i < list->count; i++) {
        struct str type = endpoint_type(list->texts[i]);
        for (int k = 0; k < i; k++) {
            if (str_eq(type, endpoint_type(list->texts[k])))
                return fail(error, ERR_VALIDATION, "--endpoint is given twice for %.*s.",
                            STR_ARG(type));
        }
    }
    return true;
}

/* The first of these that is set and not empty, with its name; NULL: none. */
static const char *variable(const char *const names[2], const char **ret_name)
{
    for (int i = 0; i < 2; i++) {
        const char *text = getenv(names[i]);
        *ret_name = names[i];
        if (text && *text)
            return text;
    }
    return NULL;
}

/* As in most programs; curl, too, prefers the one in small letters. */
static const char *const proxy_variables[2] = {"https_proxy", "HTTPS_PROXY"};
static const char *const no_proxy_variables[2] = {"no_proxy", "NO_PROXY"};

const char *node_proxy_text(const struct options *options, const char **ret_name)
{
    const char *text = options_text(options, "proxy");
    *ret_name = "--proxy";
    return text ? text : variable(proxy_variables, ret_name);
}

bool node_variables_check(const struct options *options, struct error *error)
{
    const char *name, *file = getenv("SSL_CERT_FILE");
    const char *text = node_proxy_text(options, &name);
    struct error reason;
    struct proxy proxy;
    bool ok = !text || proxy_parse(str_from(text), &proxy, &reason);
    explicit_bzero(&proxy, sizeof(proxy));
    if (!ok)
        return fail(error, ERR_VALIDATION, "invalid value for %s: expected %s.", name,
                    reason.message);
    return !file || !*file || trust_check_file(file, &reason) ||
           fail(error, ERR_VALIDATION, "SSL_CERT_FILE: %s", reason.message);
}

bool node_options_check(const struct options *options, struct error *error)
{
    if (!options_text(options, "tls-cert") != !options_text(options, "tls-key"))
        return fail(error, ERR_VALIDATION, "--tls-cert and --tls-key must be given together.");
    if (!options_text(options, "webhook-url") != !options_text(options, "webhook-secret"))
        return fail(error, ERR_VALIDATION,
                    "--webhook-url and --webhook-secret must be given together.");
    if (options_text(options, "events-source") && !options_text(options, "events-url"))
        return fail(error, ERR_VALIDATION, "--events-source needs --events-url.");
    return data_options_check(options, error) && check_endpoints(options, error) &&
           check_routes(options, error) && check_references(options, error);
}

bool node_sandbox_check(const struct options *options, struct error *error)
{
    if (options_text(options, "webhook-url"))
        return fail(error, ERR_VALIDATION,
                    "--webhook-url is not used in sandbox mode, where no call leaves this machine: "
                    "leave it out.");
    if (options_text(options, "events-url"))
        return fail(error, ERR_VALIDATION,
                    "--events-url is not used in sandbox mode, where no call leaves this machine: "
                    "leave it out.");
    if (strcmp(options_text(options, "glue-url"), GLUE_URL_DEFAULT) != 0)
        return fail(error, ERR_VALIDATION,
                    "--glue-url is not used in sandbox mode, where no call leaves this machine: "
                    "leave it out.");
    return strcmp(options_text(options, "s3-url"), S3_URL_DEFAULT) == 0 ||
           fail(error, ERR_VALIDATION,
                "--s3-url is not used in sandbox mode, where no call leaves this machine and the "
                "objects of flows are in the sandbox's S3: leave it out.");
}

const char *node_no_proxy_variable(void)
{
    const char *unused;
    return variable(no_proxy_variables, &unused);
}

/* A list's values with commas between, as the modules that use them read them. */
struct str options_url(const struct options *options, const char *name)
{
    struct str url = str_from(options_text(options, name));
    while (url.len > 0 && url.data[url.len - 1] == '/')
        url.len--;
    return url;
}

struct buf options_joined(const struct options *options, const char *name)
{
    const struct option_value *list = options_list(options, name);
    struct buf text = buf_on_heap(LIST_TEXT_MAX);
    for (int i = 0; i < list->count; i++)
        buf_printf(&text, "%s%s", i > 0 ? "," : "", list->texts[i]);
    return text;
}

bool options_addresses(const struct options *options, const char *name, struct egress **ret_list,
                       struct error *error)
{
    struct buf text = options_joined(options, name);
    bool ok = egress_new(&(struct egress_config){.allowed = text.data}, ret_list, error);
    buf_done(&text);
    return ok;
}

/* Each check asks the module that will use the value, so that the two cannot disagree. */
#include "cli/values.h"

#include "api/regions.h"
#include "auth/reference_rules.h"
#include "auth/webhook_signature.h"
#include "base/log.h"
#include "base/url.h"
#include "cli/examples.h"
#include "cli/harden.h"
#include "cli/suggest.h"
#include "connector/connector.h"
#include "net/client/proxy.h"
#include "net/client/trust.h"
#include "net/egress.h"
#include "net/private_routes.h"
#include "work/rate_limit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SECRET_PREFIX_MAX = 64, EVENT_BUS_MAX = 1600, EVENT_SOURCE_MAX = 256 }; /* bytes */

/* --- addresses to listen on --- */

/* A socket for IPv6 at every address also takes IPv4. */
static const char *every_address(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has_ipv6 = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;
    if (fd >= 0)
        close(fd);
    return has_ipv6 ? "::" : "0.0.0.0";
}

static bool is_address(const char *text)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

bool parse_listen(const char *text, char ret_host[LISTEN_HOST_SIZE], int *ret_port)
{
    const char *colon = strrchr(text, ':');
    struct str host = {text, colon ? (size_t)(colon - text) : 0};
    unsigned long long port;
    if (!colon || host.len >= LISTEN_HOST_SIZE || !str_to_u64(str_from(colon + 1), 65535, &port))
        return false;
    if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
        host = (struct str){host.data + 1, host.len - 2};
    snprintf(ret_host, LISTEN_HOST_SIZE, "%.*s", STR_ARG(host));
    if (host.len == 0)
        snprintf(ret_host, LISTEN_HOST_SIZE, "%s", every_address());
    if (str_eq_nocase(host, STR("localhost")))
        snprintf(ret_host, LISTEN_HOST_SIZE, "127.0.0.1");
    *ret_port = (int)port;
    return is_address(ret_host);
}

bool check_listen(const char *text, struct error *expected)
{
    char host[LISTEN_HOST_SIZE];
    int port;
    return parse_listen(text, host, &port) ||
           fail(expected, ERR_VALIDATION,
                "HOST:PORT with an IP address or localhost, such as 127.0.0.1:8620 or [::1]:8620, "
                "or :PORT for every address");
}

/* --- names --- */

bool check_account(const char *text, struct error *expected)
{
    return (strlen(text) == ACCOUNT_DIGITS && strspn(text, "0123456789") == ACCOUNT_DIGITS) ||
           fail(expected, ERR_VALIDATION, "%d digits, such as 123456789012", ACCOUNT_DIGITS);
}

/* Whether profiles of it lead to a vendor. */
static bool calls_vendor(const struct connector *connector)
{
    return connector->ops && !connector->without_profiles;
}

/* The type of a connector that calls a vendor, with a hint when it is mistyped. */
static bool check_type(struct str type, const char *form, struct error *expected)
{
    char hint[SUGGESTION_TEXT_SIZE];
    struct suggestion suggestion = {.word = type};
    const struct connector *named = connector_by_type(type);
    if (named && calls_vendor(named))
        return true;
    for (size_t i = 0; i < connector_count(); i++) {
        if (calls_vendor(connector_at(i)))
            suggestion_offer(&suggestion, connector_at(i)->type.data);
    }
    return fail(expected, ERR_VALIDATION, "%s%s%s", form,
                suggestion.best ? "." : ", such as " EXAMPLE_TYPE,
                suggestion_text(&suggestion, "", hint));
}

bool check_connector(const char *text, struct error *expected)
{
    return check_type(str_from(text), "a connector type of the API", expected);
}

bool check_level(const char *text, struct error *expected)
{
    enum log_level level;
    return log_level_from(text, &level) ||
           fail(expected, ERR_VALIDATION, "debug, info, warn or error");
}

bool check_format(const char *text, struct error *expected)
{
    enum log_format format;
    return log_format_from(text, &format) || fail(expected, ERR_VALIDATION, "text or json");
}

bool check_hardening(const char *text, struct error *expected)
{
    enum hardening hardening;
    return hardening_from(text, &hardening) ||
           fail(expected, ERR_VALIDATION, "on, required or off");
}

/* --- where vendors are --- */

static bool is_url(struct str text)
{
    struct arena arena = {0};
    struct url url;
    bool ok = url_parse(&arena, text, NULL, &url, NULL);
    arena_done(&arena);
    return ok;
}

bool check_endpoint(const char *text, struct error *expected)
{
    static const char form[] = "TYPE=URL with a connector type of the API";
    struct str type, url;
    if (!str_cut(str_from(text), '=', &type, &url))
        return fail(expected, ERR_VALIDATION,
                    "TYPE=URL, such as " EXAMPLE_ENDPOINT " (a comma separates entries)");
    if (!check_type(type, form, expected))
        return false;
    return is_url(url) || fail(expected, ERR_VALIDATION,
                               "TYPE=URL with a URL such as https://vendor.example without query "
                               "and fragment");
}

bool check_url(const char *text, struct error *expected)
{
    return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0 ||
           fail(expected, ERR_VALIDATION, "a URL that starts with https:// or http://");
}

/* Browsers are sent there, and paths are put behind it. */
bool check_public_url(const char *text, struct error *expected)
{
    struct arena arena = {0};
    struct url url;
    bool good = check_url(text, expected) && url_parse(&arena, str_from(text), NULL, &url, NULL) &&
                url.path.len == 0;
    arena_done(&arena);
    return good || fail(expected, ERR_VALIDATION,
                        "https://HOST or https://HOST:PORT (or http), without a path");
}

/* A user's name in it would be sent to no one: the client refuses such URLs. */
bool check_webhook_url(const char *text, struct error *expected)
{
    struct url_parts parts;
    return (check_url(text, expected) && strlen(text) <= URL_MAX &&
            url_split(str_from(text), &parts) && parts.authority.len > 0 &&
            !memchr(parts.authority.data, '@', parts.authority.len)) ||
           fail(expected, ERR_VALIDATION,
                "a URL that starts with https:// or http://, without a user's name, of at most %d "
                "bytes",
                URL_MAX);
}

static bool is_event_text(const char *text, const char *marks, size_t max)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        if (!ascii_is_alnum(text[i]) && !strchr(marks, text[i]))
            return false;
    }
    return len > 0 && len <= max;
}

/* As PutEvents has EventBusName and Source, but for what stands between the parts of an ARN. */
bool check_event_bus(const char *text, struct error *expected)
{
    return is_event_text(text, "/.-_:", EVENT_BUS_MAX) ||
           fail(expected, ERR_VALIDATION,
                "1 to %d letters, digits and characters of /.-_:, such as default", EVENT_BUS_MAX);
}

bool check_event_source(const char *text, struct error *expected)
{
    return is_event_text(text, "/.-_", EVENT_SOURCE_MAX) ||
           fail(expected, ERR_VALIDATION,
                "1 to %d letters, digits and characters of /.-_, such as headgate.appflow",
                EVENT_SOURCE_MAX);
}

/* With the characters that Secrets Manager has in names. */
bool check_secret_prefix(const char *text, struct error *expected)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        if (!ascii_is_alnum(text[i]) && !strchr("/_+=.@-", text[i]))
            len = 0;
    }
    return (len > 0 && len <= SECRET_PREFIX_MAX) ||
           fail(expected, ERR_VALIDATION,
                "1 to %d letters, digits and characters of /_+=.@-, such as headgate/",
                SECRET_PREFIX_MAX);
}

bool check_reference(const char *text, struct error *expected)
{
    struct reference_rules *rules;
    if (!reference_rules_new(&text, 1, &rules, expected))
        return false;
    reference_rules_free(rules);
    return true;
}

bool check_role(const char *text, struct error *expected)
{
    return (strncmp(text, "arn:aws:iam::", 13) == 0 && strstr(text, ":role/")) ||
           fail(expected, ERR_VALIDATION,
                "a role's ARN, such as arn:aws:iam::123456789012:role/connectors");
}

/* A message of another module is a sentence; here it becomes a part of one. */
static bool because(const char *form, const struct error *reason, struct error *expected)
{
    size_t len = strlen(reason->message);
    bool ends = len > 0 && reason->message[len - 1] == '.';
    return fail(expected, ERR_VALIDATION, "%s. %.*s", form, (int)(ends ? len - 1 : len),
                reason->message);
}

bool check_cidr(const char *text, struct error *expected)
{
    static const char form[] = "an IP address or a CIDR block, such as 10.1.2.0/24";
    struct error reason;
    struct egress *egress;
    if (!egress_new(&(struct egress_config){.allowed = text}, &egress, &reason))
        return strchr(text, '/') ? because(form, &reason, expected)
                                 : fail(expected, ERR_VALIDATION, "%s", form);
    egress_free(egress);
    return true;
}

bool check_denied(const char *text, struct error *expected)
{
    struct error reason;
    struct egress *egress;
    if (!egress_new(&(struct egress_config){.denied = text}, &egress, &reason))
        return because("an IP address, a CIDR block or a host name, such as 10.1.2.0/24", &reason,
                       expected);
    egress_free(egress);
    return true;
}

bool check_ports(const char *text, struct error *expected)
{
    struct egress *egress;
    if (!egress_new(&(struct egress_config){.ports = text}, &egress, NULL))
        return fail(expected, ERR_VALIDATION, "a port or a range of ports, such as 44300-44399");
    egress_free(egress);
    return true;
}

bool check_route(const char *text, struct error *expected)
{
    struct private_routes *routes;
    if (!private_routes_new(&text, 1, STR("*"), &routes, NULL))
        return fail(expected, ERR_VALIDATION,
                    "[ACCOUNT:]NAME[@CALLED]=[http://]HOST:PORT with the name of a PrivateLink "
                    "service or of a host, such as " EXAMPLE_HOST "=10.1.2.3:443; http:// for a "
                    "service needs the host that is called");
    private_routes_free(routes);
    return true;
}

bool check_certificates(const char *text, struct error *expected)
{
    struct error reason;
    return trust_check_file(text, &reason) ||
           because("a file of certificates in PEM form", &reason, expected);
}

bool check_webhook_secret(const char *text, struct error *expected)
{
    struct webhook_secrets *secrets;
    struct error reason;
    if (!webhook_secrets_read(text, &secrets, &reason))
        return because("a file with one secret a line, at most two", &reason, expected);
    webhook_secrets_free(secrets);
    return true;
}

bool check_proxy(const char *text, struct error *expected)
{
    struct proxy proxy;
    bool good = proxy_parse(str_from(text), &proxy, expected);
    explicit_bzero(&proxy, sizeof(proxy));
    return good;
}

/* --- the rest --- */

bool check_yes_no(const char *text, struct error *expected)
{
    return strcmp(text, "yes") == 0 || strcmp(text, "no") == 0 ||
           fail(expected, ERR_VALIDATION, "yes or no");
}

bool check_region(const char *text, struct error *expected)
{
    return region_is_name(str_from(text)) ||
           fail(expected, ERR_VALIDATION,
                "a region's name of lower-case letters, digits and dashes, such as local-1");
}

bool check_rate(const char *text, struct error *expected)
{
    struct rate rate;
    return rate_from(str_from(text), &rate) ||
           fail(expected, ERR_VALIDATION,
                "requests a second, such as 50 or 0.5, with the burst after a colon (50:200); 0 "
                "for no limit");
}

/* libpq knows the rest of the form; it is loaded only when a database is opened. */
bool check_store(const char *text, struct error *expected)
{
    const char *scheme = strstr(text, "://");
    bool ours = strncmp(text, "postgresql://", 13) == 0 || strncmp(text, "postgres://", 11) == 0;
    return ours || (!scheme && strchr(text, '=')) ||
           fail(expected, ERR_VALIDATION,
                "a PostgreSQL connection URL, such as postgresql://user@host:5432/database");
}

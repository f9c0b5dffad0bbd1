/* Taking a JDBC URL apart (docs.aws.amazon.com/redshift/latest/mgmt, "Building the connection URL";
 * PostgreSQL's JDBC driver has the same form). */
#include "jdbc_url.h"

#include "base/encode.h"

#include <arpa/inet.h>
#include <string.h>

enum { HOST_MAX = 253, OPTIONS_MAX = 64, DATABASE_MAX = 127 }; /* bytes, count, bytes */

static bool fail_url(struct error *error, const char *what)
{
    return fail(error, ERR_VALIDATION,
                "Validation exception: databaseUrl %s for connector: REDSHIFT", what);
}

static bool starts_nocase(struct str text, struct str prefix)
{
    return text.len >= prefix.len && str_eq_nocase((struct str){text.data, prefix.len}, prefix);
}

static bool read_scheme(struct str text, struct str *ret_rest, int *ret_port, struct error *error)
{
    static const struct {
        struct str prefix;
        int port;
    } schemes[] = {
        {STR("jdbc:redshift://"), JDBC_PORT_REDSHIFT},
        {STR("jdbc:postgresql://"), JDBC_PORT_POSTGRESQL},
    };
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        struct str prefix = schemes[i].prefix;
        if (!starts_nocase(text, prefix))
            continue;
        *ret_rest = (struct str){text.data + prefix.len, text.len - prefix.len};
        *ret_port = schemes[i].port;
        return true;
    }
    if (starts_nocase(text, STR("jdbc:redshift:iam:")))
        return fail_url(error, "in IAM's form cannot be used: give a user's name and password with "
                               "jdbc:redshift://, or dataApiRoleArn,");
    return fail_url(error, "must be jdbc:redshift://HOST:PORT/DATABASE");
}

/* The first part of *rest, up to one of `ends`, which stays. */
static struct str take(struct str *rest, const char *ends)
{
    struct str part = {rest->data, 0};
    while (part.len < rest->len && !memchr(ends, rest->data[part.len], strlen(ends)))
        part.len++;
    *rest = (struct str){rest->data + part.len, rest->len - part.len};
    return part;
}

static bool is_name(struct str host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];
        if (!(ascii_is_lower_alnum(c) || c == '.' || c == '-' || c == '_'))
            return false;
    }
    return host.len > 0 && host.len <= HOST_MAX && host.data[0] != '.' && host.data[0] != '-';
}

static bool read_port(struct str text, int *ret_port, struct error *error)
{
    unsigned long long port;
    if (!str_to_u64(text, 65535, &port) || port == 0)
        return fail_url(error, "must have a port from 1 to 65535");
    *ret_port = (int)port;
    return true;
}

/* "[ADDRESS]", then nothing or ":PORT". */
static bool read_v6(struct arena *arena, struct str authority, struct jdbc_url *url,
                    struct error *error)
{
    unsigned char bytes[16];
    struct str inside, after;
    struct str rest = {authority.data + 1, authority.len - 1};
    if (!str_cut(rest, ']', &inside, &after))
        return fail_url(error, "has an IPv6 address without its second bracket");
    url->host = arena_lower(arena, inside);
    if (memchr(url->host.data, '\0', url->host.len) ||
        inet_pton(AF_INET6, url->host.data, bytes) != 1)
        return fail_url(error, "has in its brackets no IPv6 address");
    if (after.len == 0)
        return true;
    if (after.data[0] != ':')
        return fail_url(error, "must have a port from 1 to 65535");
    return read_port((struct str){after.data + 1, after.len - 1}, &url->port, error);
}

static bool read_authority(struct arena *arena, struct str authority, struct jdbc_url *url,
                           struct error *error)
{
    struct str host = authority, port;
    if (str_contains(authority, STR(",")))
        return fail_url(error, "must name one host");
    if (str_starts(authority, STR("[")))
        return read_v6(arena, authority, url, error);
    if (str_cut(authority, ':', &host, &port) && !read_port(port, &url->port, error))
        return false;
    url->host = arena_lower(arena, host);
    return is_name(url->host) || fail_url(error, "must name a host");
}

static bool read_database(struct arena *arena, struct str raw, struct jdbc_url *url,
                          struct error *error)
{
    struct str name;
    if (!decode_percent(arena, raw, &name) || !utf8_is_valid(name))
        return fail_url(error, "has a percent sign that begins no character");
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.data[i] < ' ' || name.data[i] == '/' || name.data[i] == 0x7F)
            return fail_url(error, "must end in the name of a database");
    }
    url->database = name;
    return (name.len > 0 && name.len <= DATABASE_MAX) ||
           fail_url(error, "must end in the name of a database");
}

static bool read_sslmode(struct str value, enum postgres_tls *ret_tls, struct error *error)
{
    static const struct {
        const char *name;
        enum postgres_tls tls;
    } modes[] = {
        {"verify-full", POSTGRES_TLS_FULL}, {"verify-ca", POSTGRES_TLS_CA},
        {"require", POSTGRES_TLS_ANY},      {"prefer", POSTGRES_TLS_ANY},
        {"allow", POSTGRES_TLS_ANY},        {"disable", POSTGRES_TLS_OFF},
    };
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        if (str_eq_nocase(value, str_from(modes[i].name))) {
            *ret_tls = modes[i].tls;
            return true;
        }
    }
    return fail_url(error, "must have an sslmode of verify-full, verify-ca, require or disable");
}

struct jdbc_options {
    bool ssl_off;
    bool has_mode;
    enum postgres_tls mode;
};

#define HOLDS_LOGIN "must not hold a user or a password, since it is shown,"
#define HOLDS_SECRET                                                                               \
    "must not hold a secret (an option for a password, key or token), since it is shown,"

static bool contains_nocase(struct str text, struct str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (str_eq_nocase((struct str){text.data + i, part.len}, part))
            return true;
    }
    return false;
}

/* Of drivers' options by what their name means, so that one that is not known here is refused too:
 * sslpassword, SecretAccessKey, SessionToken, ProxyPWD, client_secret, webIdentityToken. */
static bool is_secret(struct str name)
{
    static const char *const parts[] = {"password", "passwd", "passphrase", "pwd",
                                        "secret",   "token",  "key",        "credential"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (contains_nocase(name, str_from(parts[i])))
            return true;
    }
    return name.len >= 4 && str_eq_nocase((struct str){name.data + name.len - 4, 4}, STR("pass"));
}

static bool is_login(struct str name)
{
    static const char *const names[] = {"user", "username", "uid", "password", "pwd"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (str_eq_nocase(name, str_from(names[i])))
            return true;
    }
    return false;
}

/* "NAME=VALUE" or "NAME". Drivers decode percent signs. */
static bool check_option(struct arena *arena, struct str option, struct error *error)
{
    struct str raw = option, value, name;
    str_cut(option, '=', &raw, &value);
    if (!decode_percent(arena, raw, &name))
        return fail_url(error, "has a percent sign that begins no character");
    if (is_login(name))
        return fail_url(error, HOLDS_LOGIN);
    return !is_secret(name) || fail_url(error, HOLDS_SECRET);
}

bool jdbc_url_check_shown(struct arena *arena, struct str text, struct error *error)
{
    struct str rest = text;
    if (text.len == 0)
        return true;
    if (str_contains(take(&rest, "?;"), STR("@")))
        return fail_url(error, HOLDS_LOGIN);
    for (int count = 0; rest.len > 0; count++) {
        rest = (struct str){rest.data + 1, rest.len - 1};
        if (count == OPTIONS_MAX)
            return fail_url(error, "has too many options");
        if (!check_option(arena, take(&rest, "?&;"), error))
            return false;
    }
    return true;
}

/* The drivers know dozens; what does not matter to signing in is left to who writes rows. */
static bool read_option(struct str option, struct jdbc_options *options, struct error *error)
{
    struct str name = option, value = STR("");
    str_cut(option, '=', &name, &value);
    if (str_eq_nocase(name, STR("sslmode"))) {
        options->has_mode = true;
        return read_sslmode(value, &options->mode, error);
    }
    if (!str_eq_nocase(name, STR("ssl")))
        return true;
    options->ssl_off = str_eq_nocase(value, STR("false"));
    return options->ssl_off || value.len == 0 || str_eq_nocase(value, STR("true")) ||
           fail_url(error, "must have ssl=true or ssl=false");
}

static bool read_options(struct str rest, struct jdbc_url *url, struct error *error)
{
    struct jdbc_options options = {0};
    while (rest.len > 0) {
        rest = (struct str){rest.data + 1, rest.len - 1};
        struct str option = take(&rest, "?&;");
        if (option.len > 0 && !read_option(option, &options, error))
            return false;
    }
    url->tls = options.has_mode  ? options.mode
               : options.ssl_off ? POSTGRES_TLS_OFF
                                 : POSTGRES_TLS_FULL;
    return true;
}

bool jdbc_url_parse(struct arena *arena, struct str text, struct jdbc_url *ret_url,
                    struct error *error)
{
    struct jdbc_url url = {0};
    struct str rest, database = STR("");
    if (!read_scheme(text, &rest, &url.port, error) || !jdbc_url_check_shown(arena, text, error) ||
        !read_authority(arena, take(&rest, "/?;"), &url, error))
        return false;
    if (str_starts(rest, STR("/"))) {
        rest = (struct str){rest.data + 1, rest.len - 1};
        database = take(&rest, "?;");
    }
    if (!read_database(arena, database, &url, error) || !read_options(rest, &url, error))
        return false;
    *ret_url = url;
    return true;
}

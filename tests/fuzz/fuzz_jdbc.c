/* Any text as a JDBC URL: what is taken names one host, without a user, a password or anything that
 * a resolver would read as more than a host; its port and database are good; and no two of
 * its readings differ. */
#include "base/encode.h"
#include "connectors/redshift/jdbc_url.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void check_host(struct str host)
{
    static const char elsewhere[] = "/\\@,;?#%= \t\r\n'\"[]";
    must(host.len > 0 && host.len <= 253);
    for (size_t i = 0; i < host.len; i++)
        must((unsigned char)host.data[i] > ' ' && (unsigned char)host.data[i] < 0x7F &&
             !strchr(elsewhere, host.data[i]));
}

static void check_database(struct str name)
{
    must(name.len > 0 && utf8_is_valid(name));
    for (size_t i = 0; i < name.len; i++)
        must((unsigned char)name.data[i] >= ' ' && name.data[i] != '/');
}

/* The same host, port and level of TLS in the other scheme's spelling. */
static void check_again(struct arena *arena, const struct jdbc_url *url)
{
    static const char *const modes[] = {
        [POSTGRES_TLS_FULL] = "verify-full",
        [POSTGRES_TLS_CA] = "verify-ca",
        [POSTGRES_TLS_ANY] = "require",
        [POSTGRES_TLS_OFF] = "disable",
    };
    struct jdbc_url again;
    bool v6 = memchr(url->host.data, ':', url->host.len) != NULL;
    struct str text =
        arena_printf(arena, "jdbc:postgresql://%s%.*s%s:%d/x?sslmode=%s", v6 ? "[" : "",
                     STR_ARG(url->host), v6 ? "]" : "", url->port, modes[url->tls]);
    must(jdbc_url_parse(arena, text, &again, NULL));
    must(str_eq(again.host, url->host) && again.port == url->port && again.tls == url->tls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error error = {0};
    struct jdbc_url url;
    struct str text = {(const char *)data, size};
    if (jdbc_url_parse(&arena, text, &url, &error)) {
        check_host(url.host);
        check_database(url.database);
        must(url.port >= 1 && url.port <= 65535);
        check_again(&arena, &url);
    } else {
        must(error.code == ERR_VALIDATION && error.message[0] != '\0');
    }
    arena_done(&arena);
    return 0;
}

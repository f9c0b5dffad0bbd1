/* Reading the operator's lists of addresses, names and ports. */
#include "net/egress_internal.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum { PORT_MAX = 65535, NAME_BYTES_MAX = 253 };

/* The entries between commas, trimmed, in an array of their own. An empty text has none. */
static bool split(const char *text, const char *list, size_t most, struct str **ret_entries,
                  size_t *ret_count, struct error *error)
{
    struct str rest = str_trim(str_from(text));
    size_t count = rest.len > 0;
    for (size_t i = 0; i < rest.len; i++)
        count += rest.data[i] == ',';
    if (count > most)
        return fail(error, ERR_VALIDATION, "The list of %s has %zu entries; at most %zu are taken.",
                    list, count, most);
    *ret_entries = xcalloc(count + 1, sizeof(**ret_entries));
    *ret_count = count;
    for (size_t i = 0; i < count; i++) {
        struct str entry = rest;
        str_cut(rest, ',', &entry, &rest);
        (*ret_entries)[i] = str_trim(entry);
    }
    return true;
}

static bool read_allowed(struct egress *egress, const char *text, struct error *error)
{
    struct str *entries = NULL;
    size_t count = 0;
    bool ok = split(text, "allowed addresses", EGRESS_ENTRIES_MAX, &entries, &count, error);
    if (ok)
        egress->allowed = xcalloc(count + 1, sizeof(*egress->allowed));
    for (size_t i = 0; ok && i < count; i++) {
        ok = ip_block_parse(entries[i], "allowed", &egress->allowed[i], error);
        egress->allowed_count += ok;
    }
    free(entries);
    return ok;
}

static bool is_name(struct str text)
{
    bool letters = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!ascii_is_alnum(c) && c != '.' && c != '-' && c != '_')
            return false;
        letters = letters || !(ascii_is_digit(c) || c == '.');
    }
    return letters && text.len <= NAME_BYTES_MAX && text.data[0] != '.';
}

static bool read_denied(struct egress *egress, const char *text, struct error *error)
{
    struct str *entries = NULL;
    size_t count = 0;
    egress->texts = xstrdup(text ? text : "");
    bool ok = split(egress->texts, "denied addresses", EGRESS_ENTRIES_MAX, &entries, &count, error);
    if (ok) {
        egress->denied = xcalloc(count + 1, sizeof(*egress->denied));
        egress->denied_names = xcalloc(count + 1, sizeof(*egress->denied_names));
    }
    for (size_t i = 0; ok && i < count; i++) {
        if (is_name(entries[i]) && !egress_is_literal(entries[i])) {
            egress->denied_names[egress->denied_name_count++] = egress_name(entries[i]);
            continue;
        }
        ok = ip_block_parse(entries[i], "denied", &egress->denied[egress->denied_count], error);
        egress->denied_count += ok;
    }
    free(entries);
    return ok;
}

static bool read_port(struct str text, struct port_range *ret_range, struct error *error)
{
    struct str first = text, last = text;
    unsigned long long from = 0, to = 0;
    str_cut(text, '-', &first, &last);
    if (!str_to_u64(first, PORT_MAX, &from) || !str_to_u64(last, PORT_MAX, &to) || from == 0 ||
        from > to)
        return fail(error, ERR_VALIDATION,
                    "\"%.*s\" in the list of ports is neither a port nor a range FIRST-LAST of "
                    "ports, from 1 to %d.",
                    STR_ARG(text), PORT_MAX);
    *ret_range = (struct port_range){(int)from, (int)to};
    return true;
}

static bool read_ports(struct egress *egress, const char *text, struct error *error)
{
    struct str *entries = NULL;
    size_t count = 0;
    bool ok = split(text, "ports", EGRESS_PORTS_MAX, &entries, &count, error);
    if (ok)
        egress->ports = xcalloc(count + 1, sizeof(*egress->ports));
    for (size_t i = 0; ok && i < count; i++) {
        ok = read_port(entries[i], &egress->ports[i], error);
        egress->port_count += ok;
    }
    free(entries);
    return ok;
}

bool egress_new(const struct egress_config *config, struct egress **ret_egress, struct error *error)
{
    struct egress *egress = xcalloc(1, sizeof(*egress));
    egress->ports_for_allowed = config->ports_for_allowed;
    egress->closes_own = config->closes_own;
    egress->hides_allowed = config->hides_allowed;
    if (!read_allowed(egress, config->allowed, error) ||
        !read_denied(egress, config->denied, error) || !read_ports(egress, config->ports, error)) {
        egress_free(egress);
        return false;
    }
    *ret_egress = egress;
    return true;
}

void egress_free(struct egress *egress)
{
    if (!egress)
        return;
    free(egress->allowed);
    free(egress->denied);
    free(egress->denied_names);
    free(egress->ports);
    free(egress->texts);
    free(egress);
}

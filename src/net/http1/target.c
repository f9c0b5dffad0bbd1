/* Splits a request target into the authority and the part that is routed and signed. */
#include "net/http1/target.h"

#include "net/http1/chars.h"

static bool bad(const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return false;
}

bool http1_host_is_valid(struct str value)
{
    struct str port = STR("80");
    struct str host = value;
    if (str_starts(value, STR("["))) {
        struct str address;
        if (!str_cut(value, ']', &address, &port))
            return false;
        for (size_t i = 1; i < address.len; i++) {
            if (!char_is(address.data[i], CHAR_HEX) && address.data[i] != ':' &&
                address.data[i] != '.')
                return false;
        }
        host = STR("v6");
        if (address.len < 3 || (port.len > 0 && port.data[0] != ':'))
            return false;
        port = port.len > 0 ? (struct str){port.data + 1, port.len - 1} : STR("80");
    } else {
        str_cut(value, ':', &host, &port);
    }
    unsigned long long number;
    return host.len > 0 && chars_are(host, CHAR_HOST) && str_to_u64(port, 65535, &number);
}

static struct str without_port(struct str authority, struct str port)
{
    if (str_ends(authority, port))
        authority.len -= port.len;
    return authority;
}

bool http1_host_agrees(struct str host, const struct http1_target *target)
{
    struct str port = target->is_https ? STR(":443") : STR(":80");
    return str_eq_nocase(without_port(host, port), without_port(target->authority, port));
}

static bool take_scheme(struct str *target, struct str scheme)
{
    if (target->len < scheme.len || !str_eq_nocase((struct str){target->data, scheme.len}, scheme))
        return false;
    *target = (struct str){target->data + scheme.len, target->len - scheme.len};
    return true;
}

/* An empty path means "/" (RFC 9110 4.2.3). The slice for it is the second slash of "://", since
 * every slice of a head points into the request. */
static bool split_absolute(struct str target, struct http1_target *ret_target,
                           const char **ret_reason)
{
    struct str rest = target;
    ret_target->is_https = take_scheme(&rest, STR("https://"));
    if (!ret_target->is_https && !take_scheme(&rest, STR("http://")))
        return bad("The request target is neither an absolute path nor an http or https URL.",
                   ret_reason);
    size_t length = 0;
    while (length < rest.len && rest.data[length] != '/' && rest.data[length] != '?')
        length++;
    ret_target->authority = (struct str){rest.data, length};
    if (!http1_host_is_valid(ret_target->authority))
        return bad("The host in the request target is malformed.", ret_reason);
    ret_target->origin = length < rest.len ? (struct str){rest.data + length, rest.len - length}
                                           : (struct str){rest.data - 1, 1};
    if (ret_target->origin.data[0] != '/')
        return bad("The request target has a query but no path.", ret_reason);
    return true;
}

static bool check_origin(struct str origin, const char **ret_reason)
{
    if (!chars_are(origin, CHAR_TARGET))
        return bad("The request target has a character that must be percent-encoded.", ret_reason);
    struct str rest = origin;
    struct str before;
    while (str_cut(rest, '%', &before, &rest)) {
        if (rest.len < 2 || !char_is(rest.data[0], CHAR_HEX) || !char_is(rest.data[1], CHAR_HEX))
            return bad("The request target has a malformed percent-encoding.", ret_reason);
    }
    return true;
}

bool http1_parse_target(struct str target, struct http1_target *ret_target, const char **ret_reason)
{
    bool is_origin = target.len > 0 && target.data[0] == '/';
    *ret_target = (struct http1_target){.origin = target};
    return (is_origin || split_absolute(target, ret_target, ret_reason)) &&
           check_origin(ret_target->origin, ret_reason);
}

/* Addresses of the machine itself. The linker sends calls of getifaddrs, connect and getsockname
 * here, so that interfaces have what a test says. */
#include "cmocka_all.h"

#include "net/egress.h"
#include "net/own_addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

/* The two addresses that interfaces have, and the one that comes by a route of type "local". */
#define PUBLIC "8.8.4.4"
#define PUBLIC_V6 "2606:4700::77"
#define PRIVATE "10.1.2.3"
#define ROUTED "9.9.9.9"

int __wrap_getifaddrs(struct ifaddrs **list);
void __wrap_freeifaddrs(struct ifaddrs *list);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *len);

static struct sockaddr_storage connected_to;

static struct sockaddr_in v4_of(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(443)};
    assert_int_equal(inet_pton(AF_INET, text, &in.sin_addr), 1);
    return in;
}

static struct sockaddr_in6 v6_of(const char *text)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return in6;
}

int __wrap_getifaddrs(struct ifaddrs **list)
{
    static struct sockaddr_in v4[2];
    static struct sockaddr_in6 v6;
    static struct ifaddrs rows[4];
    v4[0] = v4_of(PUBLIC);
    v4[1] = v4_of(PRIVATE);
    v6 = v6_of(PUBLIC_V6);
    memset(rows, 0, sizeof(rows));
    rows[0] = (struct ifaddrs){.ifa_next = &rows[1], .ifa_addr = (struct sockaddr *)&v4[0]};
    rows[1] = (struct ifaddrs){.ifa_next = &rows[2]}; /* an interface without an address */
    rows[2] = (struct ifaddrs){.ifa_next = &rows[3], .ifa_addr = (struct sockaddr *)&v4[1]};
    rows[3] = (struct ifaddrs){.ifa_addr = (struct sockaddr *)&v6};
    *list = rows;
    return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *list)
{
    (void)list;
}

/* A datagram socket: nothing is sent, and there need be no network. */
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len)
{
    (void)fd;
    memcpy(&connected_to, address, len);
    return 0;
}

/* The system's choice of a source: 192.0.2.1 for everything, but the address itself for ROUTED. */
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *len)
{
    struct sockaddr_in from = v4_of("192.0.2.1"), routed = v4_of(ROUTED);
    const struct sockaddr_in *to = (const struct sockaddr_in *)&connected_to;
    (void)fd;
    if (to->sin_family == AF_INET && to->sin_addr.s_addr == routed.sin_addr.s_addr)
        from = routed;
    memcpy(address, &from, sizeof(from));
    *len = sizeof(from);
    return 0;
}

static bool allows(const char *allowed, const char *text)
{
    struct egress_config config = {.allowed = allowed, .closes_own = true};
    struct egress *egress;
    bool v6 = strchr(text, ':') != NULL;
    struct sockaddr_in in = v6 ? (struct sockaddr_in){0} : v4_of(text);
    struct sockaddr_in6 in6 = v6 ? v6_of(text) : (struct sockaddr_in6){0};
    assert_true(egress_new(&config, &egress, NULL));
    bool allowed_now =
        egress_allows(egress, v6 ? (const struct sockaddr *)&in6 : (const struct sockaddr *)&in);
    egress_free(egress);
    return allowed_now;
}

/* A block does not name an address of the machine's own; but loopback is named by its block. */
static void own_addresses_are_closed_unless_named(void **state)
{
    (void)state;
    static const struct {
        const char *allowed, *address;
        bool is_allowed;
    } cases[] = {
        {NULL, PUBLIC, false},
        {NULL, "::ffff:" PUBLIC, false},
        {NULL, "64:ff9b::" PUBLIC, false},
        {NULL, "2002:0808:0404::1", false},
        {NULL, PUBLIC_V6, false},
        {NULL, "8.8.4.5", true},
        {NULL, "2606:4700::78", true},
        {NULL, PRIVATE, false},
        {"0.0.0.0/0,::/0", PUBLIC, false},
        {"0.0.0.0/0,::/0", PUBLIC_V6, false},
        {"10.0.0.0/8", PRIVATE, false},
        {"10.0.0.0/8", "10.1.2.4", true},
        {"10.0.0.0/8," PRIVATE, PRIVATE, true},
        {PRIVATE "/32", PRIVATE, true},
        {PUBLIC, PUBLIC, true},
        {PUBLIC_V6, PUBLIC_V6, true},
        {"127.0.0.0/8", "127.0.0.1", true},
        {"::1", "::1", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (allows(cases[i].allowed, cases[i].address) != cases[i].is_allowed)
            fail_msg("%s with \"%s\"", cases[i].address, cases[i].allowed ? cases[i].allowed : "");
    }
}

/* What getifaddrs does not know: the system would send to it from the address itself. */
static void addresses_that_are_their_own_source_are_own(void **state)
{
    (void)state;
    assert_false(allows(NULL, ROUTED));
    assert_false(allows("0.0.0.0/0", ROUTED));
    assert_true(allows(ROUTED, ROUTED));
    assert_true(allows(NULL, "9.9.9.10"));
}

static void without_the_rule_they_are_as_others(void **state)
{
    (void)state;
    struct egress *egress;
    struct sockaddr_in in = v4_of(PUBLIC);
    assert_true(egress_new(&(struct egress_config){0}, &egress, NULL));
    assert_true(egress_allows(egress, (const struct sockaddr *)&in));
    egress_free(egress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_addresses_are_closed_unless_named),
        cmocka_unit_test(addresses_that_are_their_own_source_are_own),
        cmocka_unit_test(without_the_rule_they_are_as_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

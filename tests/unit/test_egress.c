/* Which addresses may be connected to. */
#include "cmocka_all.h"

#include "base/buf.h"
#include "net/egress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static bool allows(const struct egress *egress, const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(443)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return egress_allows(egress, (const struct sockaddr *)&in);
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return egress_allows(egress, (const struct sockaddr *)&in6);
}

static struct egress *make(const char *allowed)
{
    struct egress *egress = NULL;
    struct error error = {0};
    if (!egress_new(&(struct egress_config){.allowed = allowed}, &egress, &error))
        fail_msg("%s", error.message);
    return egress;
}

static void check(const char *allowed, const char *const *yes, const char *const *no)
{
    struct egress *egress = make(allowed);
    for (; *yes; yes++) {
        if (!allows(egress, *yes))
            fail_msg("%s is refused with \"%s\"", *yes, allowed ? allowed : "");
    }
    for (; *no; no++) {
        if (allows(egress, *no))
            fail_msg("%s is allowed with \"%s\"", *no, allowed ? allowed : "");
    }
    egress_free(egress);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* First and last address of each block, and their neighbours outside. */
static void special_ipv4_blocks_are_closed(void **state)
{
    (void)state;
    check(NULL,
          LIST("1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
               "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255",
               "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.88.98.255",
               "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
               "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
               "192.31.196.1", "192.52.193.1", "192.175.48.1"),
          LIST("0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0",
               "100.127.255.255", "127.0.0.0", "127.0.0.1", "127.255.255.255", "169.254.0.0",
               "169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255",
               "192.0.2.0", "192.0.2.255", "192.88.99.0", "192.88.99.255", "192.168.0.0",
               "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.0", "198.51.100.255",
               "203.0.113.0", "203.0.113.255", "224.0.0.0", "239.255.255.255", "240.0.0.0",
               "255.255.255.255"));
}

static void special_ipv6_blocks_are_closed(void **state)
{
    (void)state;
    check("",
          LIST("2000::", "2001:200::", "2001:db7:ffff:ffff::", "2001:db9::", "2001:ffff::",
               "2003::", "2606:4700::1111", "2620:4f:8000::1",
               "3ffd:ffff::", "3fff:1000::", "2a00:1450:4001::8a"),
          LIST("::", "::1", "::2", "::127.0.0.1", "::8.8.8.8", "64:ff9b:1::1", "100::1",
               "100:0:0:1::1", "1fff:ffff::", "2001::", "2001:0:4136:e378::1", "2001:2::1",
               "2001:10::1", "2001:1ff:ffff::", "2001:db8::", "2001:db8:ffff:ffff::1", "3ffe::1",
               "3fff::1", "3fff:fff:ffff::", "4000::", "5f00::1", "fc00::", "fd00::1", "fdff::1",
               "fe80::1", "febf::1", "fec0::1", "feff::1", "ff00::", "ff02::1", "ffff::"));
}

static void embedded_ipv4_addresses_are_what_counts(void **state)
{
    (void)state;
    check(NULL, LIST("::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:0808:0808::1"),
          LIST("::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254", "64:ff9b::10.0.0.1",
               "64:ff9b::7f00:1", "2002:7f00:1::", "2002:c0a8:101::1", "2002:a9fe:a9fe::1"));
    check("10.1.2.0/24", LIST("::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::"),
          LIST("::ffff:10.1.3.3", "64:ff9b::10.1.3.3", "2002:a01:303::"));
}

static void operators_blocks_open_what_they_name(void **state)
{
    (void)state;
    check("127.0.0.0/8", LIST("127.0.0.0", "127.255.255.255", "8.8.8.8"),
          LIST("10.0.0.1", "::1", "192.168.0.1"));
    check(" 10.1.2.0/23 ,\t192.168.7.9,fd00:1::/33, ::1",
          LIST("10.1.2.0", "10.1.3.255", "192.168.7.9", "fd00:1:7fff::1", "::1"),
          LIST("10.1.1.255", "10.1.4.0", "192.168.7.8", "192.168.7.10", "fd00:1:8000::", "::2",
               "127.0.0.1"));
    check("0.0.0.0/0", LIST("127.0.0.1", "255.255.255.255", "::ffff:10.0.0.1"),
          LIST("::1", "fd00::1"));
    check("::/0", LIST("::1", "fd00::1", "fe80::1"), LIST("127.0.0.1", "::ffff:127.0.0.1"));
}

static void metadata_services_open_by_their_own_address_only(void **state)
{
    (void)state;
    const char *const none[] = {NULL};
    const char *const *services =
        LIST("169.254.169.254", "169.254.170.2", "169.254.170.23", "168.63.129.16", "192.0.0.192",
             "100.100.100.200", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
             "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe");
    check(NULL, none, services);
    check("0.0.0.0/0,::/0", LIST("169.254.169.253", "fd00:ec2::255"), services);
    check("169.254.169.254/31,169.254.0.0/16,100.64.0.0/10,fd00:ec2::/64",
          LIST("169.254.1.1", "169.254.169.255", "100.64.0.1", "fd00:ec2::1"), services);
    check("169.254.169.254", LIST("169.254.169.254", "::ffff:169.254.169.254"),
          LIST("169.254.170.2", "169.254.169.253"));
    check("fd00:ec2::254/128,168.63.129.16/32", LIST("fd00:ec2::254", "168.63.129.16"),
          LIST("fd20:ce::254", "fd00:ec2::255"));
}

static void other_families_are_refused(void **state)
{
    (void)state;
    struct egress *egress = make("0.0.0.0/0,::/0");
    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/tmp/x"};
    assert_false(egress_allows(egress, (const struct sockaddr *)&local));
    egress_free(egress);
}

static void malformed_lists_are_refused_with_the_entry(void **state)
{
    (void)state;
    static const struct {
        const char *list, *says;
    } cases[] = {
        {"localhost", "\"localhost\" in the list of allowed addresses is neither"},
        {"10.0.0", "\"10.0.0\""},
        {"10.0.0.0.0", "neither"},
        {"010.0.0.1", "neither"},
        {"0x7f.0.0.1", "neither"},
        {"10.0.0.256", "neither"},
        {"10.0.0.0/33",
         "\"10.0.0.0/33\" in the list of allowed addresses needs a number from 0 to 32"},
        {"10.0.0.0/", "from 0 to 32"},
        {"10.0.0.0/8x", "from 0 to 32"},
        {"10.0.0.0/-8", "from 0 to 32"},
        {"10.0.0.0/ 8", "from 0 to 32"},
        {"10.0.0.0/8/8", "from 0 to 32"},
        {"10.0.0.0/99999999999999999999", "from 0 to 32"},
        {"fd00::/129", "from 0 to 128"},
        {"10.1.0.0/8", "\"10.1.0.0/8\" in the list of allowed addresses has bits set past"},
        {"fd00::1/64", "bits set past"},
        {"fe80::1%eth0", "neither"},
        {"::ffff:10.0.0.0/104", "is an IPv4 address in an IPv6 form"},
        {"64:ff9b::/96", "is an IPv4 address in an IPv6 form"},
        {"2002::/16", "is an IPv4 address in an IPv6 form"},
        {"127.0.0.1,", "\"\""},
        {",127.0.0.1", "\"\""},
        {"127.0.0.1 ::1", "neither"},
        {"[::1]", "neither"},
        {"127.0.0.1:80", "neither"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct egress *egress = NULL;
        struct error error = {0};
        if (egress_new(&(struct egress_config){.allowed = cases[i].list}, &egress, &error))
            fail_msg("\"%s\" is taken", cases[i].list);
        assert_int_equal(error.code, ERR_VALIDATION);
        if (!strstr(error.message, cases[i].says))
            fail_msg("\"%s\" gives: %s", cases[i].list, error.message);
        assert_null(egress);
    }
}

static void long_lists_have_a_limit(void **state)
{
    (void)state;
    struct buf list = buf_on_heap(4096);
    struct egress *egress = NULL;
    struct error error = {0};
    buf_add_cstr(&list, "::1");
    for (int i = 1; i < EGRESS_ENTRIES_MAX; i++)
        buf_add_cstr(&list, ",::1");
    egress_free(make(list.data));
    buf_add_cstr(&list, ",::1");
    assert_false(egress_new(&(struct egress_config){.allowed = list.data}, &egress, &error));
    assert_string_equal(error.message,
                        "The list of allowed addresses has 257 entries; at most 256 are taken.");
    buf_done(&list);
}

static bool allows_at(const struct egress *egress, const char *text, int port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    assert_int_equal(inet_pton(AF_INET, text, &in.sin_addr), 1);
    return egress_allows(egress, (const struct sockaddr *)&in);
}

static void odd_ports_are_refused_unless_named(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        int port;
        bool usual, for_allowed; /* with the default list; with 443 alone, for allowed ones too */
    } cases[] = {
        {"8.8.8.8", 443, true, true},     {"8.8.8.8", 8443, true, false},
        {"8.8.8.8", 44300, true, false},  {"8.8.8.8", 44399, true, false},
        {"8.8.8.8", 5439, true, false},   {"8.8.8.8", 5432, true, false},
        {"8.8.8.8", 8191, true, false},   {"8.8.8.8", 9999, true, false},
        {"8.8.8.8", 44400, false, false}, {"8.8.8.8", 22, false, false},
        {"8.8.8.8", 25, false, false},    {"8.8.8.8", 80, false, false},
        {"8.8.8.8", 8080, false, false},  {"8.8.8.8", 3306, false, false},
        {"8.8.8.8", 6379, false, false},  {"8.8.8.8", 0, false, false},
        {"10.1.2.3", 443, true, true},    {"10.1.2.3", 8001, true, false},
        {"10.2.2.3", 443, false, false},
    };
    struct egress *usual, *strict;
    struct egress_config config = {.allowed = "10.1.0.0/16", .ports = EGRESS_PORTS};
    assert_true(egress_new(&config, &usual, NULL));
    config =
        (struct egress_config){.allowed = "10.1.0.0/16", .ports = "443", .ports_for_allowed = true};
    assert_true(egress_new(&config, &strict, NULL));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (allows_at(usual, cases[i].address, cases[i].port) != cases[i].usual ||
            allows_at(strict, cases[i].address, cases[i].port) != cases[i].for_allowed)
            fail_msg("%s:%d", cases[i].address, cases[i].port);
    }
    assert_true(egress_allows_host(usual, STR("vendor.example"), 44300));
    assert_false(egress_allows_host(usual, STR("vendor.example"), 22));
    egress_free(usual);
    egress_free(strict);
}

static void what_is_denied_goes_before_what_is_allowed(void **state)
{
    (void)state;
    static const struct egress_config config = {
        .allowed = "10.0.0.0/8,fd00::/8",
        .denied = "8.8.4.0/24, 10.1.2.3,2606:4700::/32,Bad.example,64.ff9b.example,fd00::7"};
    static const char *const denied[] = {"8.8.4.4",          "::ffff:8.8.4.4", "64:ff9b::8.8.4.4",
                                         "10.1.2.3",         "2606:4700::1",   "fd00::7",
                                         "2002:0808:0404::1"};
    static const char *const allowed[] = {"8.8.8.8", "10.1.2.4", "2606:4701::1", "fd00::8"};
    struct egress *egress;
    assert_true(egress_new(&config, &egress, NULL));
    for (size_t i = 0; i < sizeof(denied) / sizeof(*denied); i++) {
        if (allows(egress, denied[i]))
            fail_msg("%s", denied[i]);
    }
    for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++) {
        if (!allows(egress, allowed[i]))
            fail_msg("%s", allowed[i]);
    }
    assert_true(egress_denies_host(egress, STR("bad.example")));
    assert_true(egress_denies_host(egress, STR("a.BAD.example.")));
    assert_true(egress_denies_host(egress, STR("0x08.8.1028")));
    assert_true(egress_denies_host(egress, STR("[2606:4700::1]")));
    assert_false(egress_denies_host(egress, STR("notbad.example")));
    assert_false(egress_denies_host(egress, STR("8.8.8.8")));
    assert_false(egress_allows_host(egress, STR("x.bad.example"), 443));
    assert_false(egress_opens_host(egress, STR("10.1.2.3")));
    assert_true(egress_opens_host(egress, STR("10.1.2.4")));
    egress_free(egress);
}

static void malformed_lists_of_other_kinds_are_refused(void **state)
{
    (void)state;
    static const char *const ports[] = {"0",    "65536", "1-65536", "9-8",  "-1",  "1-",
                                        "http", "1 2",   "443,",    ",443", "+443"};
    static const char *const denied[] = {"10.0.0.0/33", "a b",   "*.example",
                                         "http://a",    "1.2.3", ".example",
                                         "10.0.0.1/8",  "[::1]", "a/8"};
    struct egress *egress = NULL;
    for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
        struct error error = {0};
        struct egress_config config = {.ports = ports[i]};
        if (egress_new(&config, &egress, &error) || error.code != ERR_VALIDATION)
            fail_msg("%s", ports[i]);
    }
    for (size_t i = 0; i < sizeof(denied) / sizeof(*denied); i++) {
        struct error error = {0};
        struct egress_config config = {.denied = denied[i]};
        if (egress_new(&config, &egress, &error) || error.code != ERR_VALIDATION)
            fail_msg("%s", denied[i]);
    }
}

/* --- hosts as URLs spell them --- */

static void hosts_are_judged_by_what_they_show(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool allowed, opened;
    } cases[] = {
        {"vendor.example", true, false},
        {"93.184.216.34", true, false},
        {"[2606:2800:220:1::1]", true, false},
        {"10.1.2.3", true, true},
        {"10.1.2.3.", true, true},
        {"0x0a.1.2.3", true, true},
        {"167838211", true, true},
        {"[::ffff:10.1.2.3]", true, true},
        {"192.168.1.1", false, false},
        {"127.1", false, false},
        {"0", false, false},
        {"[::1]", false, false},
        {"[fd00::1]", false, false},
        {"169.254.169.254", false, false},
        {"168.63.129.16", false, false},
        {"localhost", false, false},
        {"api.localhost", false, false},
        {"LOCALHOST.", false, false},
        {"printer.local", false, false},
        {"metadata.google.internal", false, false},
        {"router.home.arpa", false, false},
        {"intranet", false, false},
        {"notlocal", false, false},
        {"vendor.notlocal", true, false},
        {"internal.example", true, false},
        {"", false, false},
        {".", false, false},
    };
    struct egress *egress;
    egress = make("10.0.0.0/8,169.254.0.0/16");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct str host = str_from(cases[i].host);
        if (egress_allows_host(egress, host, 443) != cases[i].allowed ||
            egress_opens_host(egress, host) != cases[i].opened)
            fail_msg("%s", cases[i].host);
    }
    assert_false(egress_is_empty(egress));
    egress_free(egress);
    egress = make("");
    assert_true(egress_is_empty(egress));
    assert_false(egress_opens_host(egress, STR("93.184.216.34")));
    egress_free(egress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_ipv4_blocks_are_closed),
        cmocka_unit_test(special_ipv6_blocks_are_closed),
        cmocka_unit_test(embedded_ipv4_addresses_are_what_counts),
        cmocka_unit_test(operators_blocks_open_what_they_name),
        cmocka_unit_test(metadata_services_open_by_their_own_address_only),
        cmocka_unit_test(other_families_are_refused),
        cmocka_unit_test(malformed_lists_are_refused_with_the_entry),
        cmocka_unit_test(long_lists_have_a_limit),
        cmocka_unit_test(odd_ports_are_refused_unless_named),
        cmocka_unit_test(what_is_denied_goes_before_what_is_allowed),
        cmocka_unit_test(malformed_lists_of_other_kinds_are_refused),
        cmocka_unit_test(hosts_are_judged_by_what_they_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

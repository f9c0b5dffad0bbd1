/* Looking up addresses. */
#include "cmocka_all.h"

#include "base/clock.h"
#include "net/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

#define ACCOUNT STR("123456789012")
#define FLOODS STR("111122223333")

static void literal_addresses_are_their_own(void **state)
{
    (void)state;
    struct resolved resolved;
    int64_t soon_ms = clock_mono_ms() + 60 * 1000;
    struct in_addr v4 = {htonl(0xC0000207)};
    assert_true(resolve_host(STR("192.0.2.7"), ACCOUNT, soon_ms, &resolved));
    assert_int_equal(resolved.count, 1);
    assert_memory_equal(&((struct sockaddr_in *)&resolved.addresses[0])->sin_addr, &v4, 4);
    assert_true(resolve_host(STR("2001:db8::7"), ACCOUNT, soon_ms, &resolved));
    assert_int_equal(resolved.addresses[0].ss_family, AF_INET6);
}

static void what_is_no_host_has_no_address(void **state)
{
    (void)state;
    char long_name[RESOLVE_HOST_MAX + 2];
    struct resolved resolved;
    int64_t soon_ms = clock_mono_ms() + 60 * 1000;
    memset(long_name, 'a', sizeof(long_name));
    assert_false(resolve_host(STR(""), ACCOUNT, soon_ms, &resolved));
    assert_false(resolve_host(STR("a\0b"), ACCOUNT, soon_ms, &resolved));
    assert_false(
        resolve_host((struct str){long_name, sizeof(long_name) - 1}, ACCOUNT, soon_ms, &resolved));
    assert_false(resolve_host(STR("[::1]"), ACCOUNT, soon_ms, &resolved));
    assert_false(resolved.timed_out);
}

/* Whether the look-up itself has ended meanwhile is its thread's affair. */
static void nobody_waits_past_the_deadline(void **state)
{
    (void)state;
    struct resolved resolved;
    bool found = resolve_host(STR("host.invalid"), ACCOUNT, clock_mono_ms() - 1, &resolved);
    assert_false(found);
}

/* The linker puts this function before the real one: a name server that is silent until the gate
 * opens. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret_list);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret_list);

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret_list)
{
    if (strcmp(host, "silent.example") != 0 || hints->ai_flags & AI_NUMERICHOST)
        return __real_getaddrinfo(host, service, hints, ret_list);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return EAI_NONAME;
}

/* Given-up look-ups count until their threads return: an account has half of them, and then is told
 * so; another one finds room, and literal addresses need none. */
static void an_account_has_a_share_of_the_look_ups(void **state)
{
    (void)state;
    struct resolved resolved;
    pthread_mutex_lock(&gate);
    for (int i = 0; i < RESOLVE_LOOKUPS_MAX / 2; i++) {
        assert_false(resolve_host(STR("silent.example"), FLOODS, clock_mono_ms(), &resolved));
        assert_false(resolved.busy);
    }
    assert_false(resolve_host(STR("silent.example"), FLOODS, clock_mono_ms(), &resolved));
    assert_true(resolved.busy && !resolved.timed_out);
    assert_true(resolve_host(STR("192.0.2.7"), FLOODS, clock_mono_ms(), &resolved));
    assert_false(resolve_host(STR("silent.example"), ACCOUNT, clock_mono_ms(), &resolved));
    assert_false(resolved.busy);
    pthread_mutex_unlock(&gate);
    do
        resolve_host(STR("silent.example"), FLOODS, clock_mono_ms(), &resolved);
    while (resolved.busy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literal_addresses_are_their_own),
        cmocka_unit_test(what_is_no_host_has_no_address),
        cmocka_unit_test(nobody_waits_past_the_deadline),
        cmocka_unit_test(an_account_has_a_share_of_the_look_ups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

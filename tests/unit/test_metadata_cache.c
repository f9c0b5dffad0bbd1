/* The cache of entities: hits, one asker for several, bounds by account and in all, what is
 * forgotten, and entries that outlive the cache's interest in them. */
#include "cmocka_all.h"

#include "base/clock.h"
#include "profile/metadata_cache.h"

#include <pthread.h>
#include <stdio.h>

static struct metadata_cache *cache;

static int set_up(void **state)
{
    (void)state;
    cache = metadata_cache_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    metadata_cache_free(cache);
    return 0;
}

static struct metadata *look(const char *key, bool *ret_late)
{
    return metadata_cache_take(cache, str_from(key), clock_mono_ms() + 20, ret_late);
}

static void put(const char *account, const char *key, size_t bytes)
{
    bool late;
    assert_null(look(key, &late));
    assert_false(late);
    struct metadata *metadata = metadata_new();
    metadata->fields = arena_copy(&metadata->arena, str_from(key));
    arena_take(&metadata->arena, bytes);
    metadata_cache_put(cache, str_from(account), str_from(key), metadata);
    metadata_release(cache, metadata);
}

static bool is_there(const char *key)
{
    bool late;
    struct metadata *metadata = look(key, &late);
    if (!metadata) {
        metadata_cache_miss(cache, str_from(key));
        return false;
    }
    assert_true(str_eq(metadata->fields, str_from(key)));
    metadata_release(cache, metadata);
    return true;
}

static void what_was_put_is_found(void **state)
{
    (void)state;
    assert_false(is_there("a"));
    put("1", "a", 100);
    assert_true(is_there("a"));
    assert_false(is_there("b"));
}

static void a_connector_says_how_long_an_entry_is_kept(void **state)
{
    (void)state;
    bool late;
    assert_null(look("a", &late));
    struct metadata *metadata = metadata_new();
    metadata->kept_ms = 5;
    metadata_cache_put(cache, STR("1"), STR("a"), metadata);
    metadata_release(cache, metadata);
    int64_t until_ms = clock_mono_ms() + 5;
    while (clock_mono_ms() < until_ms)
        ;
    assert_null(look("a", &late));
    assert_false(late);
    metadata_cache_miss(cache, STR("a"));
}

static void an_entry_in_use_outlives_its_removal(void **state)
{
    (void)state;
    bool late;
    put("1", "p\na", 100);
    struct metadata *used = look("p\na", &late);
    metadata_cache_drop(cache, STR("p\n"));
    assert_int_equal(metadata_cache_bytes(cache), 0);
    assert_true(str_eq(used->fields, STR("p\na")));
    metadata_release(cache, used);
    assert_false(is_there("p\na"));
}

static void a_prefix_is_forgotten_alone(void **state)
{
    (void)state;
    put("1", "p\na", 1);
    put("1", "pp\na", 1);
    metadata_cache_drop(cache, STR("p\n"));
    assert_false(is_there("p\na"));
    assert_true(is_there("pp\na"));
}

/* The account's own oldest entries go, and no other account's. */
static void one_account_is_bounded(void **state)
{
    (void)state;
    char key[32];
    put("2", "other", 1024);
    for (int i = 0; i < 24; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        put("1", key, 1024 * 1024);
        assert_true(i == 0 || is_there("k0")); /* used all the time */
    }
    assert_true(metadata_cache_bytes(cache) <= METADATA_CACHE_ACCOUNT_MAX + 64 * 1024);
    assert_true(is_there("other"));
    assert_true(is_there("k23"));
    assert_true(is_there("k0"));
    assert_false(is_there("k1"));
}

static void all_together_are_bounded(void **state)
{
    (void)state;
    char account[32], key[32];
    for (int i = 0; i < 80; i++) {
        snprintf(account, sizeof(account), "account%d", i);
        snprintf(key, sizeof(key), "k%d", i);
        put(account, key, 1024 * 1024);
    }
    assert_true(metadata_cache_bytes(cache) <= METADATA_CACHE_MAX);
    assert_false(is_there("k0"));
    assert_true(is_there("k79"));
}

/* --- one asks, the others wait --- */

struct waiter {
    pthread_t thread;
    struct metadata *found;
    bool late;
};

static void *wait_for_it(void *argument)
{
    struct waiter *waiter = argument;
    waiter->found = metadata_cache_take(cache, STR("a"), clock_mono_ms() + 10000, &waiter->late);
    return NULL;
}

static void others_wait_for_the_one_that_asks(void **state)
{
    (void)state;
    struct waiter waiters[4];
    bool late;
    assert_null(look("a", &late));
    assert_false(late);
    for (int i = 0; i < 4; i++)
        pthread_create(&waiters[i].thread, NULL, wait_for_it, &waiters[i]);
    assert_null(look("a", &late));
    assert_true(late);
    struct metadata *metadata = metadata_new();
    metadata_cache_put(cache, STR("1"), STR("a"), metadata);
    for (int i = 0; i < 4; i++) {
        pthread_join(waiters[i].thread, NULL);
        assert_ptr_equal(waiters[i].found, metadata);
        metadata_release(cache, waiters[i].found);
    }
    metadata_release(cache, metadata);
}

/* When it fails, the next one asks. */
static void a_failure_is_not_kept(void **state)
{
    (void)state;
    struct waiter waiter;
    bool late;
    assert_null(look("a", &late));
    pthread_create(&waiter.thread, NULL, wait_for_it, &waiter);
    metadata_cache_miss(cache, STR("a"));
    pthread_join(waiter.thread, NULL);
    assert_null(waiter.found);
    assert_false(waiter.late);
    metadata_cache_miss(cache, STR("a"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_put_is_found),       TEST(an_entry_in_use_outlives_its_removal),
        TEST(a_prefix_is_forgotten_alone), TEST(one_account_is_bounded),
        TEST(all_together_are_bounded),    TEST(others_wait_for_the_one_that_asks),
        TEST(a_failure_is_not_kept),       TEST(a_connector_says_how_long_an_entry_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Connectors that accounts register at run time: found by type, label and account, by any thread.
 */
#include "cmocka_all.h"

#include "base/arena.h"
#include "connector/connector.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define ACCOUNT STR("123456789012")
#define OTHER STR("111122223333")

struct settings {
    struct str function;
};

static void *copy_settings(const void *custom, struct arena *arena)
{
    const struct settings *settings = custom;
    struct settings *copied = arena_new(arena, struct settings);
    copied->function = arena_copy(arena, settings->function);
    return copied;
}

static const struct connector_ops ops = {.copy_custom = copy_settings};

static bool add(struct str account, const char *label, const char *function, struct error *error)
{
    struct settings settings = {str_from(function)};
    struct connector connector = {
        .type = STR("CustomConnector"),
        .key = STR("CustomConnector"),
        .label = str_from(label),
        .owner = account,
        .roles = ROLE_SOURCE,
        .ops = &ops,
        .custom = &settings,
    };
    return connector_register(&connector, error);
}

static const struct connector *find(struct arena *arena, struct str account, const char *label)
{
    return connector_find(STR("CustomConnector"), str_from(label), account, arena);
}

static void a_label_is_an_accounts_own(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error error = {0};
    assert_true(add(ACCOUNT, "orders", "function-1", &error));
    assert_true(add(OTHER, "orders", "function-2", &error));
    const struct connector *mine = find(&arena, ACCOUNT, "orders");
    const struct connector *others = find(&arena, OTHER, "orders");
    assert_true(str_eq(((struct settings *)mine->custom)->function, STR("function-1")));
    assert_true(str_eq(((struct settings *)others->custom)->function, STR("function-2")));
    assert_true(str_eq(mine->owner, ACCOUNT) && mine->roles == ROLE_SOURCE);
    assert_null(find(&arena, ACCOUNT, "order"));
    assert_null(find(&arena, STR("222233334444"), "orders"));
    assert_null(connector_find(STR("Salesforce"), STR("orders"), ACCOUNT, &arena));
    assert_true(connector_unregister(ACCOUNT, STR("orders"), &error));
    assert_true(connector_unregister(OTHER, STR("orders"), &error));
    arena_done(&arena);
}

static void without_a_label_the_type_is_meant(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_ptr_equal(connector_find(STR("Salesforce"), STR_NULL, ACCOUNT, &arena),
                     connector_by_type(STR("Salesforce")));
    assert_ptr_equal(connector_find(STR("CustomConnector"), STR(""), ACCOUNT, &arena),
                     connector_by_type(STR("CustomConnector")));
    assert_null(connector_find(STR("S3"), STR_NULL, ACCOUNT, &arena));
    arena_done(&arena);
}

/* What was found stays whole after the connector is gone, and counts under its type in metrics. */
static void what_was_found_outlives_the_registration(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error error = {0};
    char label[] = "orders", function[] = "function-1";
    assert_true(add(ACCOUNT, label, function, &error));
    memset(label, 'x', sizeof(label) - 1);
    memset(function, 'x', sizeof(function) - 1);
    const struct connector *found = find(&arena, ACCOUNT, "orders");
    assert_non_null(found);
    assert_true(connector_unregister(ACCOUNT, STR("orders"), &error));
    assert_true(str_eq(found->label, STR("orders")));
    assert_true(str_eq(((struct settings *)found->custom)->function, STR("function-1")));
    assert_ptr_equal(connector_at(connector_type_index(found)),
                     connector_by_type(STR("CustomConnector")));
    assert_null(find(&arena, ACCOUNT, "orders"));
    arena_done(&arena);
}

static void a_label_is_registered_once(void **state)
{
    (void)state;
    struct error error = {0};
    assert_true(add(ACCOUNT, "orders", "function-1", &error));
    assert_false(add(ACCOUNT, "orders", "function-2", &error));
    assert_int_equal(error.code, ERR_CONFLICT);
    assert_string_equal(error.message, "Connector:orders is registered already.");
    assert_true(connector_unregister(ACCOUNT, STR("orders"), &error));
    assert_false(connector_unregister(ACCOUNT, STR("orders"), &error));
    assert_int_equal(error.code, ERR_NOT_FOUND);
    assert_string_equal(error.message, "Connector:orders is not registered.");
}

static const char *label_of(int number, char *buffer, size_t size)
{
    snprintf(buffer, size, "label-%d", number);
    return buffer;
}

/* In an order that is not the sorted one. */
static void they_have_a_limit(void **state)
{
    (void)state;
    enum { STRIDE = 1021 }; /* prime to the limit */
    struct arena arena = {0};
    struct error error = {0};
    char label[32];
    for (int i = 0; i < CONNECTORS_REGISTERED_MAX; i++) {
        int number = i * STRIDE % CONNECTORS_REGISTERED_MAX;
        assert_true(add(ACCOUNT, label_of(number, label, sizeof(label)), "function", &error));
    }
    assert_false(add(ACCOUNT, "one-more", "function", &error));
    assert_int_equal(error.code, ERR_QUOTA);
    for (int i = 0; i < CONNECTORS_REGISTERED_MAX; i++)
        assert_non_null(find(&arena, ACCOUNT, label_of(i, label, sizeof(label))));
    for (int i = 0; i < CONNECTORS_REGISTERED_MAX; i++)
        assert_true(
            connector_unregister(ACCOUNT, str_from(label_of(i, label, sizeof(label))), &error));
    arena_done(&arena);
}

/* --- threads --- */

enum { ROUNDS = 500, WRITERS = 3, READERS = 3 };

static atomic_int failures;
static atomic_bool stop;

static void *write_rounds(void *argument)
{
    char label[32];
    struct error error;
    label_of(*(int *)argument, label, sizeof(label));
    for (int i = 0; i < ROUNDS; i++) {
        if (!add(ACCOUNT, label, label, &error) ||
            !connector_unregister(ACCOUNT, str_from(label), &error))
            atomic_fetch_add(&failures, 1);
    }
    return NULL;
}

static void *read_rounds(void *argument)
{
    char label[32];
    label_of(*(int *)argument, label, sizeof(label));
    while (!atomic_load(&stop)) {
        struct arena arena = {0};
        const struct connector *found = find(&arena, ACCOUNT, label);
        if (found && !str_eq(((struct settings *)found->custom)->function, str_from(label)))
            atomic_fetch_add(&failures, 1);
        arena_done(&arena);
    }
    return NULL;
}

static void threads_find_whole_connectors(void **state)
{
    (void)state;
    pthread_t writers[WRITERS], readers[READERS];
    int numbers[] = {0, 1, 2};
    atomic_store(&stop, false);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, write_rounds, &numbers[i]), 0);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_rounds, &numbers[i]), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    atomic_store(&stop, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&failures), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_is_an_accounts_own),
        cmocka_unit_test(without_a_label_the_type_is_meant),
        cmocka_unit_test(what_was_found_outlives_the_registration),
        cmocka_unit_test(a_label_is_registered_once),
        cmocka_unit_test(they_have_a_limit),
        cmocka_unit_test(threads_find_whole_connectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

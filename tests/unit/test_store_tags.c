/* The tags table: put, replace, remove, the limit, and that resources do not share tags. */
#include "store_fixture.h"

#include "store/tags.h"

#include <pthread.h>

static const struct tagged memory = {STR("123456789012"), STR("eu-central-1"), STR("connector"),
                                     STR("memory")};

struct change {
    const struct tagged *tagged;
    const struct tag *tags;
    size_t count;
};

static bool apply_put(struct db *db, void *argument, struct error *error)
{
    struct change *change = argument;
    return tags_put(db, change->tagged, change->tags, change->count, error);
}

static bool apply_remove(struct db *db, void *argument, struct error *error)
{
    struct change *change = argument;
    struct str keys[TAGS_MAX];
    for (size_t i = 0; i < change->count; i++)
        keys[i] = change->tags[i].key;
    return tags_remove(db, change->tagged, keys, change->count, error);
}

static bool apply_tags_delete(struct db *db, void *argument, struct error *error)
{
    struct change *change = argument;
    return tags_delete(db, change->tagged, error);
}

static bool write_tags(struct fixture *f, store_apply_fn *apply, const struct tagged *tagged,
                       const struct tag *tags, size_t count)
{
    struct change change = {tagged, tags, count};
    return store_apply(f->store, apply, &change, false, &f->error);
}

/* "key=value " for each, in order. */
static const char *listed(struct fixture *f, const struct tagged *tagged)
{
    static char text[4096];
    struct tag *tags;
    size_t count, used = 0;
    text[0] = '\0';
    check(f, tags_list(f->reader, &f->arena, tagged, &tags, &count, &f->error));
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%.*s=%.*s ",
                                 STR_ARG(tags[i].key), STR_ARG(tags[i].value));
    return text;
}

static void tags_are_added_replaced_and_removed(void **state)
{
    static const struct tag first[] = {{STR("team"), STR("sales")}, {STR("Team"), STR("x")}};
    static const struct tag second[] = {{STR("team"), STR("")}, {STR("env"), STR("test")}};
    static const struct tag gone[] = {{STR("Team"), STR("")}, {STR("unknown"), STR("")}};
    struct fixture *f = *state;
    assert_string_equal(listed(f, &memory), "");
    check(f, write_tags(f, apply_put, &memory, first, 2));
    assert_string_equal(listed(f, &memory), "Team=x team=sales ");
    check(f, write_tags(f, apply_put, &memory, second, 2));
    assert_string_equal(listed(f, &memory), "Team=x env=test team= ");
    check(f, write_tags(f, apply_remove, &memory, gone, 2));
    assert_string_equal(listed(f, &memory), "env=test team= ");
    check(f, write_tags(f, apply_put, &memory, NULL, 0));
    check(f, write_tags(f, apply_remove, &memory, NULL, 0));
    assert_string_equal(listed(f, &memory), "env=test team= ");
    check(f, write_tags(f, apply_tags_delete, &memory, NULL, 0));
    assert_string_equal(listed(f, &memory), "");
}

/* Another account, region, kind or name is another resource. */
static void resources_do_not_share_tags(void **state)
{
    static const struct tag tag = {STR("team"), STR("sales")};
    struct fixture *f = *state;
    struct tagged others[] = {memory, memory, memory, memory};
    others[0].account = STR("111122223333");
    others[1].region = STR("us-east-1");
    others[2].kind = STR("flow");
    others[3].name = STR("memory2");
    check(f, write_tags(f, apply_put, &memory, &tag, 1));
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        assert_string_equal(listed(f, &others[i]), "");
        check(f, write_tags(f, apply_put, &others[i], &tag, 1));
        check(f, write_tags(f, apply_tags_delete, &others[i], NULL, 0));
    }
    assert_string_equal(listed(f, &memory), "team=sales ");
}

static void make_tags(char (*texts)[8], struct tag *tags, int first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        snprintf(texts[i], sizeof(texts[i]), "k%03d", first + (int)i);
        tags[i] = (struct tag){str_from(texts[i]), STR("v")};
    }
}

static void a_resource_has_fifty_tags_at_most(void **state)
{
    struct fixture *f = *state;
    char texts[TAGS_MAX][8];
    struct tag tags[TAGS_MAX], *found;
    size_t count;
    make_tags(texts, tags, 0, TAGS_MAX);
    check(f, write_tags(f, apply_put, &memory, tags, TAGS_MAX));
    check(f, write_tags(f, apply_put, &memory, tags, TAGS_MAX));
    make_tags(texts, tags, TAGS_MAX - 1, 2);
    tags[0].value = STR("new");
    assert_false(write_tags(f, apply_put, &memory, tags, 2));
    assert_int_equal(f->error.code, ERR_VALIDATION);
    assert_string_equal(f->error.message,
                        "A resource can have at most 50 tags; with these it would have 51.");
    check(f, tags_list(f->reader, &f->arena, &memory, &found, &count, &f->error));
    assert_int_equal(count, TAGS_MAX);
    assert_true(str_eq(found[TAGS_MAX - 1].value, STR("v"))); /* nothing of it was kept */
}

/* Another node's store on the same database, with which tags are added at the same time. */
static void *add_thirty(void *argument)
{
    struct fixture *f = argument;
    char texts[30][8];
    struct tag tags[30];
    make_tags(texts, tags, 500, 30);
    struct change change = {&memory, tags, 30};
    struct error error = {0};
    return (void *)(uintptr_t)store_apply(f->store, apply_put, &change, false, &error);
}

static void the_limit_is_exact_over_nodes(void **state)
{
    struct fixture *f = *state, other = *f;
    struct store_config config = fixture_config(f);
    char texts[30][8];
    struct tag tags[30], *found;
    size_t count;
    pthread_t thread;
    void *added;
    if (!fixture_is_remote())
        return; /* a directory has one node */
    check(f, store_open(&config, &other.store, &f->error));
    fixture_use_audit_key(other.store);
    make_tags(texts, tags, 0, 30);
    assert_int_equal(pthread_create(&thread, NULL, add_thirty, &other), 0);
    bool own = write_tags(f, apply_put, &memory, tags, 30);
    assert_int_equal(pthread_join(thread, &added), 0);
    assert_int_equal(own + (added != NULL), 1);
    check(f, tags_list(f->reader, &f->arena, &memory, &found, &count, &f->error));
    assert_int_equal(count, 30);
    store_close(other.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(tags_are_added_replaced_and_removed),
        test_with_store(resources_do_not_share_tags),
        test_with_store(a_resource_has_fifty_tags_at_most),
        test_with_store(the_limit_is_exact_over_nodes),
    };
    return cmocka_run_group_tests_name("store-tags", tests, NULL, NULL);
}

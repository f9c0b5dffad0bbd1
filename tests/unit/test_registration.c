/* Rows of registered connectors: read again, refused when they were changed, and left alone where
 * there is no memory to read them. */
#include "store_fixture.h"

#include "profile/registration.h"
#include "wire/json_value.h"

#define DECLARED                                                                                   \
    "{\"connectorOwner\":\"CUSTOM\",\"connectorName\":\"Orders\",\"connectorVersion\":\"1.0\","    \
    "\"connectorModes\":[\"SOURCE\"],\"supportedApiVersions\":[\"v1\"]}"

static const struct connector_key key = {STR("123456789012"), STR("eu-central-1"), STR("orders")};

static bool apply_row_insert(struct db *db, void *argument, struct error *error)
{
    return connector_row_insert(db, argument, error);
}

static void insert(struct fixture *f, const struct profile_context *context, const char *arn)
{
    struct registration registration = {
        .row = {.key = key, .version = 1, .function_arn = STR("arn:aws:lambda:x")}};
    struct value *answer;
    assert_true(json_parse(STR(DECLARED), &f->arena, &answer));
    check(f,
          contract_configuration_read(answer, &f->arena, &registration.configuration, &f->error));
    registration_seal(context, &registration, &f->arena);
    if (arn)
        registration.row.function_arn = str_from(arn);
    check(f, store_apply(f->store, apply_row_insert, &registration.row, false, &f->error));
}

static struct profile_context context_of(const struct fixture *f, struct secret *secret)
{
    return (struct profile_context){.store = f->store, .service_secret = secret};
}

static bool find(struct fixture *f, const struct profile_context *context, struct arena *arena)
{
    struct registration registration;
    bool found = false;
    f->error = (struct error){0};
    bool ok = registration_find(context, f->reader, key, arena, &registration, &found, &f->error);
    if (ok)
        assert_string_equal(
            arena_cstr(arena, value_text(registration.configuration.api, "connectorName")),
            "Orders");
    return ok && found;
}

static void a_changed_row_is_refused(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = secret_new(STR("a service secret of 32 bytes. .."));
    struct profile_context context = context_of(f, secret);
    insert(f, &context, "arn:aws:lambda:y");
    assert_false(find(f, &context, &f->arena));
    assert_int_equal(f->error.code, ERR_INTERNAL);
    assert_non_null(strstr(f->error.message, "was not written by this server. Remove it with "));
    secret_free(secret);
}

static bool never(struct arena_meter *meter, size_t bytes, bool forced)
{
    if (forced)
        meter->covered = bytes;
    return forced;
}

/* The row is good: it must not be called one that is to be removed. */
static void without_memory_a_row_is_not_called_broken(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = secret_new(STR("a service secret of 32 bytes. .."));
    struct profile_context context = context_of(f, secret);
    struct arena_meter meter = {.cover = never};
    struct arena arena = {0};
    insert(f, &context, NULL);
    assert_true(find(f, &context, &f->arena));
    arena_set_meter(&arena, &meter);
    assert_false(find(f, &context, &arena));
    assert_int_equal(f->error.code, ERR_THROTTLING);
    assert_string_equal(f->error.message,
                        "Rate exceeded: no memory is left for what the connector declares.");
    arena_done(&arena);
    secret_free(secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(a_changed_row_is_refused),
        test_with_store(without_memory_a_row_is_not_called_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which grants the members of OAuth credentials suffice for, by the table. */
#include "cmocka_all.h"

#include "connector/http/auth_choice.h"

enum {
    ALL = GRANT_REFRESH | GRANT_CODE | GRANT_JWT_BEARER | GRANT_CLIENT_CREDENTIALS | GRANT_PASSWORD,
};

/* Everything at once, so that only what was chosen can rule a grant out. */
static const struct oauth2_material whole = {
    .access_token = STR("a"),
    .refresh_token = STR("r"),
    .code = STR("c"),
    .redirect_uri = STR("u"),
    .assertion = STR("h.c.s"),
    .client_id = STR("i"),
    .client_secret = STR("s"),
    .username = STR("n"),
    .password = STR("p"),
};

static unsigned sufficient(const struct connector_oauth2 *oauth2,
                           const struct oauth2_material *material)
{
    unsigned found = 0;
    for (unsigned grant = 1; grant <= ALL; grant <<= 1)
        found |= oauth2_suffices(oauth2, material, (enum connector_grant)grant) ? grant : 0;
    return found;
}

/* A refresh token is what a grant of any type may have given before. */
static void a_chosen_grant_type_rules_out_the_others(void **state)
{
    (void)state;
    static const struct {
        struct str chosen;
        unsigned expected;
    } cases[] = {
        {STR_NULL, ALL & ~GRANT_CLIENT_CREDENTIALS},
        {STR("AUTHORIZATION_CODE"), GRANT_REFRESH | GRANT_CODE | GRANT_PASSWORD},
        {STR("JWT_BEARER"), GRANT_REFRESH | GRANT_JWT_BEARER | GRANT_PASSWORD},
        {STR("CLIENT_CREDENTIALS"), GRANT_REFRESH | GRANT_CLIENT_CREDENTIALS | GRANT_PASSWORD},
    };
    const struct connector_oauth2 oauth2 = {.grants = ALL, .grant_type = "type"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct oauth2_material material = whole;
        material.grant_type = cases[i].chosen;
        assert_int_equal(sufficient(&oauth2, &material), cases[i].expected);
    }
}

static void without_a_grant_type_the_client_is_enough(void **state)
{
    (void)state;
    const struct connector_oauth2 oauth2 = {.grants = ALL};
    assert_int_equal(sufficient(&oauth2, &whole), ALL);
}

static void a_grant_that_the_connector_has_not_never_suffices(void **state)
{
    (void)state;
    for (unsigned grant = 1; grant <= ALL; grant <<= 1) {
        const struct connector_oauth2 oauth2 = {.grants = ALL & ~grant};
        assert_int_equal(sufficient(&oauth2, &whole), ALL & ~grant);
    }
}

/* Each member by itself left out, or empty. */
static void each_grant_needs_its_members(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        unsigned needs;
    } members[] = {
        {offsetof(struct oauth2_material, access_token), 0},
        {offsetof(struct oauth2_material, refresh_token), GRANT_REFRESH},
        {offsetof(struct oauth2_material, code), GRANT_CODE},
        {offsetof(struct oauth2_material, redirect_uri), GRANT_CODE},
        {offsetof(struct oauth2_material, assertion), GRANT_JWT_BEARER},
        {offsetof(struct oauth2_material, client_id), GRANT_CLIENT_CREDENTIALS},
        {offsetof(struct oauth2_material, client_secret), GRANT_CLIENT_CREDENTIALS},
        {offsetof(struct oauth2_material, username), GRANT_PASSWORD},
        {offsetof(struct oauth2_material, password), GRANT_PASSWORD},
    };
    const struct connector_oauth2 oauth2 = {.grants = ALL};
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        struct oauth2_material material = whole;
        struct str *member = (struct str *)(void *)((char *)&material + members[i].at);
        *member = STR_NULL;
        assert_int_equal(sufficient(&oauth2, &material), ALL & ~members[i].needs);
        *member = STR("");
        assert_int_equal(sufficient(&oauth2, &material), ALL & ~members[i].needs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chosen_grant_type_rules_out_the_others),
        cmocka_unit_test(without_a_grant_type_the_client_is_enough),
        cmocka_unit_test(a_grant_that_the_connector_has_not_never_suffices),
        cmocka_unit_test(each_grant_needs_its_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

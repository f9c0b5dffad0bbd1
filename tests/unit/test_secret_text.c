/* The JSON that connectors read as a profile's secret, for each authentication. */
#include "cmocka_all.h"

#include "connector/custom/secret_text.h"
#include "wire/json_value.h"

#include <string.h>

static const struct {
    const char *credentials;
    struct oauth_tokens tokens;
    const char *secret;
} rows[] = {
    {"{\"authenticationType\":\"BASIC\",\"basic\":{\"username\":\"u\",\"password\":\"p\\\"w\"}}",
     {.expires_at_ms = 0},
     "{\"username\":\"u\",\"password\":\"p\\\"w\"}"},
    {"{\"authenticationType\":\"APIKEY\",\"apiKey\":{\"apiKey\":\"k\",\"apiSecretKey\":\"s\"}}",
     {.expires_at_ms = 0},
     "{\"apiKey\":\"k\",\"apiSecretKey\":\"s\"}"},
    /* The app's secret and the code that is used up stay with the server. */
    {"{\"authenticationType\":\"OAUTH2\",\"oauth2\":{\"clientId\":\"i\",\"clientSecret\":\"s\","
     "\"oAuthRequest\":{\"authCode\":\"c\",\"redirectUri\":\"r\"}}}",
     {.access_token = {"at", 2}, .refresh_token = {"rt", 2}},
     "{\"accessToken\":\"at\",\"refreshToken\":\"rt\"}"},
    /* Tokens that the server got later replace those that were given. */
    {"{\"oauth2\":{\"accessToken\":\"old\",\"refreshToken\":\"given\"}}",
     {.access_token = {"new", 3}},
     "{\"accessToken\":\"new\",\"refreshToken\":\"given\"}"},
    /* A connector's own keys, whatever they are called. */
    {"{\"authenticationType\":\"CUSTOM\",\"custom\":{\"customAuthenticationType\":\"t\","
     "\"credentialsMap\":{\"token\":\"x\"}}}",
     {.expires_at_ms = 0},
     "{\"customAuthenticationType\":\"t\",\"token\":\"x\"}"},
    {"{}", {.expires_at_ms = 0}, "{}"},
};

static void secrets_are_flat(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct arena arena = {0};
        struct value *credentials;
        assert_true(json_parse(str_from(rows[i].credentials), &arena, &credentials));
        struct str text = secret_text(&arena, credentials, &rows[i].tokens);
        assert_string_equal(arena_cstr(&arena, text), rows[i].secret);
        arena_done(&arena);
    }
}

/* In a map, which the connector names the keys of, none is left out. */
static void keys_of_a_custom_authentication_are_all_there(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct value *map = value_new(&arena, VALUE_MAP), *credentials = value_structure(&arena);
    map->names = arena_array(&arena, struct str, 2);
    map->items = arena_array(&arena, struct value *, 2);
    map->names[0] = STR("clientSecret"), map->items[0] = value_string(&arena, STR("s"));
    map->names[1] = STR("jwtToken"), map->items[1] = value_string(&arena, STR("j"));
    map->count = 2;
    value_put(&arena, credentials, "credentialsMap", map);
    struct str text = secret_text(&arena, credentials, NULL);
    assert_string_equal(arena_cstr(&arena, text), "{\"clientSecret\":\"s\",\"jwtToken\":\"j\"}");
    arena_done(&arena);
}

static void what_is_too_long_is_no_secret(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct value *credentials = value_structure(&arena);
    char *bytes = arena_alloc(&arena, SECRET_TEXT_MAX);
    memset(bytes, 'a', SECRET_TEXT_MAX);
    value_put_text(&arena, credentials, "password", (struct str){bytes, SECRET_TEXT_MAX});
    assert_null(secret_text(&arena, credentials, NULL).data);
    arena_done(&arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_flat),
        cmocka_unit_test(keys_of_a_custom_authentication_are_all_there),
        cmocka_unit_test(what_is_too_long_is_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Writes many connector profiles through the store, sealed like any other, hundreds a
 * transaction: what a server of many years would hold, in a minute.
 *
 *     fill-profiles --data DIR --count N    names fill-000000000 on, in account 123456789012 */
#include "cli/data_dir.h"
#include "profile/arn.h"
#include "profile/seal.h"
#include "profile/tokens.h"
#include "wire/shape.h"

#include "base/clock.h"

#include <stdio.h>

/* SQLite walks through what a transaction changed once a row: many small ones are faster. */
enum { ROWS_AT_ONCE = 500, NAMES_MAX = 1000000000 };

/* Half of the profiles have a key, half have tokens, which is what most vendors need. */
static const struct kind {
    const char *type;
    const char *properties;
    const char *credentials;
    const char *token; /* NULL: none */
} kinds[] = {
    {"Amplitude", "{\"Amplitude\":{}}",
     "{\"apiKey\":\"fill-api-key-0123456789abcdef\",\"secretKey\":\"fill-0123456789abcdef\"}",
     NULL},
    {"Salesforce", "{\"Salesforce\":{\"instanceUrl\":\"https://fill.my.salesforce.com\"}}",
     "{\"refreshToken\":\"fill-5Aep861KIwKdekr90I4iHdZDgWwRoG7O_6uHBgJ.eVMMtZ.KiuLQjRyJH.rbHAd\"}",
     "fill-00D000000000062!AR8AQBM8J_xr9kLqmZIRyQxZgLcM4HVi41aGtW0qW3JCzf5xdTGGGSoVim8FfJkZ"},
};

struct fill {
    struct profile_context context; /* of which the keyring is all that sealing needs */
    int64_t from, to;
    int64_t now_ms;
};

static struct profile row_of(const struct fill *fill, int64_t number, struct arena *arena)
{
    const struct kind *kind = &kinds[(size_t)number % (sizeof(kinds) / sizeof(*kinds))];
    struct profile row = {
        .key = {STR("123456789012"), STR("us-east-1"),
                arena_printf(arena, "fill-%09lld", (long long)number)},
        .version = fill->now_ms * 1000 + number,
        .connector_type = str_from(kind->type),
        .connection_mode = STR("Public"),
        .properties = str_from(kind->properties),
        .created_at_ms = fill->now_ms,
        .updated_at_ms = fill->now_ms,
        .credentials_version = fill->now_ms * 1000 + number,
    };
    row.credentials_arn = credentials_arn(arena, &row.key, row.created_at_ms);
    return row;
}

static bool seal(const struct fill *fill, int64_t number, struct arena *arena, struct profile *row,
                 struct profile_tokens_change *ret_tokens, struct error *error)
{
    const struct kind *kind = &kinds[(size_t)number % (sizeof(kinds) / sizeof(*kinds))];
    struct value *credentials = value_new(arena, VALUE_RAW);
    credentials->text = str_from(kind->credentials);
    struct oauth_tokens tokens = {.access_token = kind->token ? str_from(kind->token) : STR_NULL};
    struct profile_tokens_question question = {.profile = row, .tokens = &tokens};
    return profile_seal(fill->context.keyring, row, credentials, arena, &row->sealed_credentials,
                        error) &&
           profile_tokens_plan(&fill->context, &question, arena, ret_tokens, error);
}

static bool insert(struct db *db, void *argument, struct error *error)
{
    struct fill *fill = argument;
    struct arena arena = {0};
    bool ok = true;
    for (int64_t number = fill->from; ok && number < fill->to; number++) {
        struct profile row = row_of(fill, number, &arena);
        struct profile_tokens_change tokens;
        ok = seal(fill, number, &arena, &row, &tokens, error) &&
             profile_insert(db, &row, 0, error) &&
             profile_tokens_apply(db, &row.key, &tokens, error);
        arena_reset(&arena);
    }
    arena_done(&arena);
    return ok;
}

static bool insert_all(const struct data_dir *data, int64_t count, struct error *error)
{
    struct fill fill = {.context.keyring = data->keys.keyring, .now_ms = clock_wall_ms()};
    for (; fill.from < count; fill.from = fill.to) {
        fill.to = fill.from + ROWS_AT_ONCE < count ? fill.from + ROWS_AT_ONCE : count;
        if (!store_apply(data->store, insert, &fill, false, error))
            return false;
    }
    return true;
}

static const struct option options_table[] = {
    DATA_MAKE_OPTIONS,
    {.name = "count",
     .kind = OPTION_NUMBER,
     .argument = "N",
     .fallback = "1000",
     .least = 1,
     .most = NAMES_MAX,
     .help = "profiles to write"},
    {0},
};

int main(int argc, char **argv)
{
    struct options options;
    struct data_dir data = {0};
    struct error error = {0};
    secret_init();
    shapes_init();
    bool ok = options_read(options_table, argc - 1, argv + 1, &options, &error) &&
              data_dir_open(&options, DATA_SERVE, &data, &error) &&
              insert_all(&data, options_number(&options, "count"), &error);
    if (!ok)
        fprintf(stderr, "fill-profiles: %s\n", error.message);
    data_dir_close(&data);
    options_done(&options);
    return ok ? 0 : 1;
}

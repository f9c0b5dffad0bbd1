/* Writes many connector profiles through the store, sealed like any other, hundreds a
 * transaction: what a server of many years would hold, in a minute.
 *
 *     fill-profiles --data DIR --count N    names fill-000000000 on, in account 123456789012
 *
 * With --herd LANE each has a refresh token of its own, herd-000000000 on, whose renewals are in
 * this lane (profile/token_lane.h) and become due within one minute, --due-in seconds from now; the
 * access tokens end as long after that as those with a life of an hour do. */
#include "cli/data_dir.h"
#include "profile/arn.h"
#include "profile/seal.h"
#include "profile/token_follow.h"
#include "profile/tokens.h"

#include "base/clock.h"

#include <stdio.h>

/* SQLite walks through what a transaction changed once a row: many small ones are faster. */
enum {
    ROWS_AT_ONCE = 500,
    NAMES_MAX = 1000000000,
    HOUR_MS = 60 * 60 * 1000,
    HERD_MS = 60 * 1000,       /* in which the renewals become due */
    MARGIN_MS = 6 * 60 * 1000, /* between a due time and the access token's end */
};

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
    struct str lane; /* empty: nothing is renewed */
    int64_t due_ms;  /* when the first renewal is */
    int64_t count;
};

/* The second kind, of which each has a refresh token of its own. */
static const struct kind *kind_of(const struct fill *fill, int64_t number)
{
    size_t kind_count = sizeof(kinds) / sizeof(*kinds);
    return &kinds[fill->lane.len > 0 ? 1 : (size_t)number % kind_count];
}

static int64_t due_ms(const struct fill *fill, int64_t number)
{
    return fill->due_ms + number * HERD_MS / fill->count;
}

static struct profile row_of(const struct fill *fill, int64_t number, struct arena *arena)
{
    const struct kind *kind = kind_of(fill, number);
    struct profile row = {
        .key = {STR("123456789012"), STR("us-east-1"),
                arena_printf(arena, "fill-%09lld", (long long)number)},
        .version = fill->now_ms * 1000 + number,
        .connector_type = str_from(kind->type),
        .connection_mode = STR("Public"),
        .properties = fill->lane.len > 0 ? STR("{\"Salesforce\":{}}") : str_from(kind->properties),
        .created_at_ms = fill->now_ms,
        .updated_at_ms = fill->now_ms,
        .credentials_version = fill->now_ms * 1000 + number,
    };
    row.credentials_arn = credentials_arn(arena, &row.key, STR_NULL, row.created_at_ms);
    return row;
}

static bool seal(const struct fill *fill, int64_t number, struct arena *arena, struct profile *row,
                 struct profile_tokens_change *ret_tokens, struct error *error)
{
    const struct kind *kind = kind_of(fill, number);
    struct value *credentials = value_new(arena, VALUE_RAW);
    credentials->text = str_from(kind->credentials);
    struct oauth_tokens tokens = {.access_token = kind->token ? str_from(kind->token) : STR_NULL};
    if (fill->lane.len > 0) {
        credentials->text =
            arena_printf(arena, "{\"refreshToken\":\"herd-%09lld\"}", (long long)number);
        tokens.expires_at_ms = due_ms(fill, number) + MARGIN_MS;
        tokens.obtained_at_ms = tokens.expires_at_ms - HOUR_MS;
    }
    struct profile_tokens_question question = {.profile = row, .tokens = &tokens};
    return profile_seal(fill->context.keyring, row,
                        &(struct profile_sealed){.credentials = credentials}, arena,
                        &row->sealed_credentials, error) &&
           profile_tokens_plan(&fill->context, &question, arena, ret_tokens, error);
}

static bool follow(struct db *db, const struct fill *fill, int64_t number,
                   const struct profile *row, struct error *error)
{
    const struct token_follow follow = {
        .what = fill->lane.len > 0 ? FOLLOW_PUT : FOLLOW_NOT,
        .state = {.state = TOKEN_FRESH,
                  .since_ms = fill->now_ms,
                  .works_until_ms = due_ms(fill, number) + MARGIN_MS,
                  .next_at_ms = due_ms(fill, number)},
        .lane = fill->lane,
    };
    return token_follow_apply(db, row->key, &follow, error);
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
             profile_tokens_apply(db, &row.key, &tokens, error) &&
             follow(db, fill, number, &row, error);
        arena_reset(&arena);
    }
    arena_done(&arena);
    return ok;
}

static bool insert_all(const struct data_dir *data, const struct options *options,
                       struct error *error)
{
    struct fill fill = {
        .context.keyring = data->keys.keyring,
        .now_ms = clock_wall_ms(),
        .lane = str_from(options_text(options, "herd")),
        .count = options_number(options, "count"),
    };
    fill.due_ms = fill.now_ms + 1000 * options_number(options, "due-in");
    for (; fill.from < fill.count; fill.from = fill.to) {
        fill.to = fill.from + ROWS_AT_ONCE < fill.count ? fill.from + ROWS_AT_ONCE : fill.count;
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
    {.name = "herd",
     .kind = OPTION_TEXT,
     .argument = "LANE",
     .fallback = "",
     .help = "the lane of renewals that become due within a minute"},
    {.name = "due-in",
     .kind = OPTION_NUMBER,
     .argument = "SECONDS",
     .fallback = "0",
     .least = 0,
     .most = 24 * 60 * 60,
     .help = "until the first of them"},
    {0},
};

int main(int argc, char **argv)
{
    struct options options;
    struct data_dir data = {0};
    struct error error = {0};
    secret_init();
    bool ok = options_read(options_table, argc - 1, argv + 1, &options, &error) &&
              data_dir_open(&options, DATA_SERVE, &data, &error) &&
              insert_all(&data, &options, &error);
    if (!ok)
        fprintf(stderr, "fill-profiles: %s\n", error.message);
    data_dir_close(&data);
    options_done(&options);
    return ok ? 0 : 1;
}

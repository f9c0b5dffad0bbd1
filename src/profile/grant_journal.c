/* A grant is found by a keyed hash of grant type, token URL and credential; the credential itself
 * is not stored. Two requests with the same one meet at an idempotency claim on that hash, and if
 * the claim was lost at the attempt in the grant's row. */
#include "profile/grant_journal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/random.h"
#include "base/timed.h"
#include "vault/seal.h"
#include "wire/restjson.h"
#include "work/cpu_slots.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    ID_HEX_SIZE = 2 * TOKEN_GRANT_ID_SIZE + 1,
    SAVE_EXTRA_MS =
        10 * 1000, /* to save what the vendor gave when the time limit was nearly over */
    OTHER_NAP_US = 100 * 1000, /* between looks whether another node is done */
};

struct seal_binding token_grant_seal_binding(const unsigned char id[TOKEN_GRANT_ID_SIZE],
                                             const struct profile_key *profile, struct arena *arena)
{
    char hex[ID_HEX_SIZE];
    encode_hex(id, TOKEN_GRANT_ID_SIZE, hex);
    return (struct seal_binding){
        .purpose = STR("exchange"),
        .account = profile->account,
        .region = profile->region,
        .name = arena_printf(arena, "%s/%.*s", hex, STR_ARG(profile->name)),
    };
}

/* --- who is at it --- */

static enum grant_journal_state claim(struct grant_journal *journal, struct arena *arena,
                                      struct error *error)
{
    char hex[ID_HEX_SIZE];
    encode_hex(journal->id, sizeof(journal->id), hex);
    struct client_token key = {STR(""), STR(""), STR("exchange"), {hex, sizeof(hex) - 1}};
    const struct profile_context *config = journal->context;
    enum client_token_state state;
    struct str answer;
    if (!client_token_claim(config->store, arena, &key, journal->id, config->verify_timeout_ms,
                            &state, &journal->claim, &answer, error))
        return GRANT_JOURNAL_FAILED;
    return state == CLIENT_TOKEN_CLAIMED ? GRANT_JOURNAL_NEW : GRANT_JOURNAL_BUSY;
}

static void release(struct grant_journal *journal)
{
    client_token_release(journal->context->store, journal->claim);
    journal->claim = NULL;
}

static struct token_grant exchange_of(const struct grant_journal *journal)
{
    struct token_grant exchange = {
        .account = journal->profile.account,
        .region = journal->profile.region,
        .profile = journal->profile.name,
        .one_time = journal->one_time,
        .attempt = journal->attempt,
    };
    memcpy(exchange.id, journal->id, sizeof(exchange.id));
    return exchange;
}

static bool apply_begin(struct db *db, void *argument, struct error *error)
{
    return token_grant_begin(db, argument, clock_wall_ms(), error);
}

/* GRANT_JOURNAL_NEW when it is known to be durable that this attempt is going to show it. When that
 * is not known the attempt stays what it is, so that it finds its own note later. */
static enum grant_journal_state note_attempt(struct grant_journal *journal, struct error *error)
{
    const struct profile_context *config = journal->context;
    while (journal->attempt == 0)
        random_bytes(&journal->attempt, sizeof(journal->attempt));
    struct token_grant exchange = exchange_of(journal);
    exchange.attempt_ends_at_ms = clock_wall_ms() + config->verify_timeout_ms + SAVE_EXTRA_MS;
    if (!store_apply(config->store, apply_begin, &exchange, false, error))
        return error->code == ERR_LOST_RACE ? GRANT_JOURNAL_BUSY : GRANT_JOURNAL_FAILED;
    fault_point("exchange:begun");
    grants_in_flight_begin(journal->context->grants_in_flight);
    return GRANT_JOURNAL_NEW;
}

static bool apply_take_back(struct db *db, void *argument, struct error *error)
{
    return token_grant_take_back(db, argument, error);
}

static bool apply_give_up(struct db *db, void *argument, struct error *error)
{
    return token_grant_give_up(db, argument, error);
}

/* If it cannot be written, the code counts as used when the attempt's time is over. */
static void end_attempt(struct grant_journal *journal, enum token_grant_end how)
{
    struct token_grant exchange = exchange_of(journal);
    struct error ignored;
    journal->attempt = 0;
    /* A note that stays says more than is so: the code counts as used once its time is over. */
    if (how == TOKEN_GRANT_VOID)
        ignore_failure(
            store_apply(journal->context->store, apply_take_back, &exchange, false, &ignored));
    if (how == TOKEN_GRANT_LOST && !journal->has_unsaved)
        ignore_failure(
            store_apply(journal->context->store, apply_give_up, &exchange, false, &ignored));
    grants_in_flight_end(journal->context->grants_in_flight);
}

static void end(void *context, enum token_grant_end how)
{
    struct grant_journal *journal = context;
    if (!journal->claim)
        return;
    if (journal->one_time && journal->attempt != 0)
        end_attempt(journal, how);
    release(journal);
}

/* --- what is known --- */

static bool is_ours(const struct grant_journal *journal, const struct token_grant *exchange)
{
    return str_eq(exchange->account, journal->profile.account) &&
           str_eq(exchange->region, journal->profile.region) &&
           str_eq(exchange->profile, journal->profile.name);
}

static bool open_tokens(struct grant_journal *journal, const struct token_grant *exchange,
                        struct arena *arena, struct oauth_tokens *ret_tokens, struct error *error)
{
    struct seal_binding binding = token_grant_seal_binding(journal->id, &journal->profile, arena);
    struct str plain;
    struct value *value;
    if (!seal_open(journal->context->keyring, &binding, exchange->sealed, arena, &plain, error))
        return false;
    if (!json_parse(plain, arena, &value))
        return fail(error, ERR_INTERNAL, "An exchange in the store opened, but cannot be read.");
    tokens_from_value(value, ret_tokens);
    return true;
}

/* With an embedded store the holder of the claim is alone. With a shared one it need not be: a node
 * that has died looks like one whose session was cut. */
static enum grant_journal_state judge_attempt(const struct grant_journal *journal,
                                              const struct token_grant *exchange)
{
    if (exchange->attempt == journal->attempt)
        return GRANT_JOURNAL_NEW;
    bool may_last =
        store_is_remote(journal->context->store) && clock_wall_ms() < exchange->attempt_ends_at_ms;
    return may_last ? GRANT_JOURNAL_BUSY : GRANT_JOURNAL_LOST;
}

/* An authorization code works once: RFC 6749, 4.1.2, lets a vendor revoke what it gave for a code
 * that is shown again, so a spent one is not sent. A refresh token or an assertion may work more
 * than once; a finished exchange of it says nothing about the next. */
static enum grant_journal_state judge(struct grant_journal *journal,
                                      const struct token_grant *exchange, struct arena *arena,
                                      struct oauth_tokens *ret_tokens, struct error *error)
{
    if (exchange->attempt != 0)
        return judge_attempt(journal, exchange);
    if (exchange->consumed || !is_ours(journal, exchange))
        return journal->one_time ? GRANT_JOURNAL_USED : GRANT_JOURNAL_NEW;
    return open_tokens(journal, exchange, arena, ret_tokens, error) ? GRANT_JOURNAL_RESUME
                                                                    : GRANT_JOURNAL_FAILED;
}

static void note_used(struct grant_journal *journal)
{
    if (journal->used_count < JOURNAL_EXCHANGES_MAX)
        memcpy(journal->used[journal->used_count++], journal->id, sizeof(journal->id));
}

static bool look_up(struct grant_journal *journal, struct arena *arena,
                    struct token_grant *ret_exchange, bool *ret_found, struct error *error)
{
    struct store *store = journal->context->store;
    struct store_reader *reader;
    if (!store_point_reader_take(store, &reader, error))
        return false;
    bool ok = token_grant_find(reader, arena, journal->id, ret_exchange, ret_found, error);
    store_point_reader_put(store, reader);
    return ok;
}

static enum grant_journal_state look(struct grant_journal *journal, struct arena *arena,
                                     struct oauth_tokens *ret_tokens, struct error *error)
{
    struct arena scratch = {0};
    struct token_grant exchange;
    bool found = false;
    enum grant_journal_state state = GRANT_JOURNAL_FAILED;
    if (look_up(journal, &scratch, &exchange, &found, error))
        state = found ? judge(journal, &exchange, arena, ret_tokens, error) : GRANT_JOURNAL_NEW;
    arena_done(&scratch);
    return state == GRANT_JOURNAL_NEW && journal->one_time ? note_attempt(journal, error) : state;
}

/* While another node is at it there will soon be something to go on from. */
static enum grant_journal_state look_until(struct grant_journal *journal, int64_t until_ms,
                                           struct arena *arena, struct oauth_tokens *ret_tokens,
                                           struct error *error)
{
    enum grant_journal_state state;
    while ((state = look(journal, arena, ret_tokens, error)) == GRANT_JOURNAL_BUSY &&
           clock_mono_ms() < until_ms) {
        slot_release();
        clock_nap_us(OTHER_NAP_US);
        slot_acquire();
    }
    return state;
}

static enum grant_journal_state begin(void *context, struct str grant, struct str token_url,
                                      struct str secret, struct arena *arena,
                                      struct oauth_tokens *ret_tokens, struct error *error)
{
    struct grant_journal *journal = context;
    struct str parts[] = {STR("exchange"), grant, token_url, secret};
    keyed_hash(journal->context->service_secret, parts, 4, journal->id);
    journal->one_time = str_eq(grant, STR("authorization_code"));
    int64_t until_ms = clock_mono_ms() + journal->context->verify_timeout_ms;
    enum grant_journal_state state = claim(journal, arena, error);
    if (state != GRANT_JOURNAL_NEW)
        return state;
    state = look_until(journal, until_ms, arena, ret_tokens, error);
    if (state == GRANT_JOURNAL_RESUME)
        note_used(journal);
    if (state != GRANT_JOURNAL_NEW)
        release(journal);
    return state;
}

/* --- what the vendor gave --- */

static bool apply_save(struct db *db, void *argument, struct error *error)
{
    return token_grant_save(db, argument, clock_wall_ms(), error);
}

static bool save(void *context, const struct oauth_tokens *tokens, struct error *error)
{
    struct grant_journal *journal = context;
    struct arena *arena = journal->arena;
    struct token_grant exchange = exchange_of(journal);
    struct buf plain = buf_in(arena, 256 * 1024);
    value_encode(&plain, tokens_to_value(arena, tokens));
    struct seal_binding binding = token_grant_seal_binding(journal->id, &journal->profile, arena);
    fault_point("exchange:answered");
    if (!seal_close(journal->context->keyring, &binding, buf_str(&plain), arena, &exchange.sealed,
                    error))
        return false;
    bool saved = store_apply(journal->context->store, apply_save, &exchange, false, error);
    fault_point("exchange:saved");
    if (saved)
        note_used(journal);
    else
        journal->unsaved = exchange;
    journal->has_unsaved = !saved;
    return saved;
}

/* A lost race: it is saved after all, and only the word of it had not come, or by another. */
bool grant_journal_settle(struct grant_journal *journal)
{
    struct error error = {0};
    if (journal->has_unsaved &&
        !store_apply(journal->context->store, apply_save, &journal->unsaved, false, &error) &&
        error.code != ERR_LOST_RACE)
        return false;
    journal->has_unsaved = false;
    return true;
}

void grant_journal_init(struct grant_journal *journal, const struct profile_context *context,
                        struct arena *arena, struct profile_key profile,
                        struct token_grant_journal *ret_interface)
{
    *journal = (struct grant_journal){
        .context = context, .arena = arena, .profile = profile, .attempt = journal->attempt};
    *ret_interface = (struct token_grant_journal){journal, begin, save, end};
}

void grant_journal_done(struct grant_journal *journal)
{
    if (journal->claim)
        release(journal);
}

bool grant_journal_consume(struct db *db, const struct grant_journal *journal, struct error *error)
{
    for (size_t i = 0; i < journal->used_count; i++) {
        if (!token_grant_consume(db, journal->used[i], error))
            return false;
    }
    return true;
}

/* --- grants in flight: a counter, and a wait until it is 0 --- */

struct grants_in_flight {
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    int count;
};

struct grants_in_flight *grants_in_flight_new(void)
{
    struct grants_in_flight *grants = xcalloc(1, sizeof(*grants));
    pthread_mutex_init(&grants->mutex, NULL);
    cond_init_timed(&grants->ended);
    return grants;
}

void grants_in_flight_free(struct grants_in_flight *grants)
{
    pthread_cond_destroy(&grants->ended);
    pthread_mutex_destroy(&grants->mutex);
    free(grants);
}

void grants_in_flight_begin(struct grants_in_flight *grants)
{
    pthread_mutex_lock(&grants->mutex);
    grants->count++;
    pthread_mutex_unlock(&grants->mutex);
}

void grants_in_flight_end(struct grants_in_flight *grants)
{
    pthread_mutex_lock(&grants->mutex);
    grants->count--;
    pthread_cond_broadcast(&grants->ended);
    pthread_mutex_unlock(&grants->mutex);
}

bool grants_in_flight_wait(struct grants_in_flight *grants, int64_t until_ms)
{
    pthread_mutex_lock(&grants->mutex);
    while (grants->count > 0 && cond_wait_until(&grants->ended, &grants->mutex, until_ms))
        continue;
    bool none = grants->count == 0;
    pthread_mutex_unlock(&grants->mutex);
    return none;
}

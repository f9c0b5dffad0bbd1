/* Exchanges are found by a keyed hash of what was exchanged; the one-time credential itself is not
 * kept. Two requests that bring the same one meet at a claim on that hash. */
#include "service/journal.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/fault.h"
#include "vault/seal.h"
#include "wire/restjson.h"

#include <string.h>

enum { ID_HEX_SIZE = 2 * EXCHANGE_ID_SIZE + 1 };

struct seal_binding exchange_seal_binding(const unsigned char id[EXCHANGE_ID_SIZE],
                                          const struct profile_key *profile, struct arena *arena)
{
    char hex[ID_HEX_SIZE];
    encode_hex(id, EXCHANGE_ID_SIZE, hex);
    return (struct seal_binding){
        .purpose = STR("exchange"),
        .account = profile->account,
        .region = profile->region,
        .name = arena_printf(arena, "%s/%.*s", hex, STR_ARG(profile->name)),
    };
}

static enum journal_state claim(struct journal *journal, struct arena *arena, struct error *error)
{
    char hex[ID_HEX_SIZE];
    encode_hex(journal->id, sizeof(journal->id), hex);
    struct token_key key = {STR(""), STR(""), STR("exchange"), {hex, sizeof(hex) - 1}};
    const struct service_config *config = &journal->service->config;
    enum token_state state;
    struct str answer;
    if (!token_claim(config->store, arena, &key, journal->id, config->verify_timeout_ms, &state,
                     &journal->claim, &answer, error))
        return JOURNAL_FAILED;
    return state == TOKEN_CLAIMED ? JOURNAL_NEW : JOURNAL_BUSY;
}

static bool is_ours(const struct journal *journal, const struct exchange *exchange)
{
    return str_eq(exchange->account, journal->profile.account) &&
           str_eq(exchange->region, journal->profile.region) &&
           str_eq(exchange->profile, journal->profile.name);
}

static bool open_tokens(struct journal *journal, const struct exchange *exchange,
                        struct arena *arena, struct tokens *ret_tokens, struct error *error)
{
    struct seal_binding binding = exchange_seal_binding(journal->id, &journal->profile, arena);
    struct str plain;
    struct value *value;
    if (!seal_open(journal->service->config.keyring, &binding, exchange->sealed, arena, &plain,
                   error))
        return false;
    if (!json_parse(plain, arena, &value))
        return fail(error, ERR_INTERNAL, "An exchange in the store opened, but cannot be read.");
    tokens_from_value(value, ret_tokens);
    return true;
}

/* An authorization code works once: RFC 6749, 4.1.2, lets a vendor revoke what it gave for a code
 * that is shown again, so a spent one is not sent. A refresh token or an assertion may work more
 * than once; a finished exchange of it says nothing about the next. */
static enum journal_state judge(struct journal *journal, const struct exchange *exchange,
                                struct arena *arena, struct tokens *ret_tokens, struct error *error)
{
    if (exchange->consumed || !is_ours(journal, exchange))
        return journal->one_time ? JOURNAL_USED : JOURNAL_NEW;
    return open_tokens(journal, exchange, arena, ret_tokens, error) ? JOURNAL_RESUME
                                                                    : JOURNAL_FAILED;
}

static void note_used(struct journal *journal)
{
    if (journal->used_count < JOURNAL_EXCHANGES_MAX)
        memcpy(journal->used[journal->used_count++], journal->id, sizeof(journal->id));
}

static bool look_up(struct journal *journal, struct arena *arena, struct exchange *ret_exchange,
                    bool *ret_found, struct error *error)
{
    struct store *store = journal->service->config.store;
    struct store_reader *reader;
    if (!store_finder_take(store, &reader, error))
        return false;
    bool ok = exchange_find(reader, arena, journal->id, ret_exchange, ret_found, error);
    store_finder_put(store, reader);
    return ok;
}

static void end(void *context)
{
    struct journal *journal = context;
    token_release(journal->service->config.store, journal->claim);
    journal->claim = NULL;
}

static enum journal_state begin(void *context, struct str grant, struct str token_url,
                                struct str secret, struct arena *arena, struct tokens *ret_tokens,
                                struct error *error)
{
    struct journal *journal = context;
    struct str parts[] = {STR("exchange"), grant, token_url, secret};
    keyed_hash(journal->service->config.service_secret, parts, 4, journal->id);
    journal->one_time = str_eq(grant, STR("authorization_code"));
    enum journal_state state = claim(journal, arena, error);
    if (state != JOURNAL_NEW)
        return state;
    struct exchange exchange;
    bool found = false;
    if (!look_up(journal, arena, &exchange, &found, error))
        state = JOURNAL_FAILED;
    else if (found)
        state = judge(journal, &exchange, arena, ret_tokens, error);
    if (state == JOURNAL_RESUME)
        note_used(journal);
    if (state != JOURNAL_NEW)
        end(journal);
    return state;
}

static bool apply_save(struct db *db, void *argument, struct error *error)
{
    return exchange_save(db, argument, clock_wall_ms(), error);
}

static bool save(void *context, const struct tokens *tokens, struct error *error)
{
    struct journal *journal = context;
    struct arena *arena = journal->arena;
    struct exchange exchange = {
        .account = journal->profile.account,
        .region = journal->profile.region,
        .profile = journal->profile.name,
        .one_time = journal->one_time,
    };
    memcpy(exchange.id, journal->id, sizeof(exchange.id));
    struct buf plain = buf_in(arena, 256 * 1024);
    value_encode(&plain, tokens_to_value(arena, tokens));
    struct seal_binding binding = exchange_seal_binding(journal->id, &journal->profile, arena);
    fault_point("exchange:answered");
    bool saved = seal_close(journal->service->config.keyring, &binding, buf_str(&plain), arena,
                            &exchange.sealed, error) &&
                 store_apply(journal->service->config.store, apply_save, &exchange, false, error);
    fault_point("exchange:saved");
    if (saved)
        note_used(journal);
    return saved;
}

void journal_init(struct journal *journal, const struct service *service, struct arena *arena,
                  struct profile_key profile, struct exchange_journal *ret_interface)
{
    *journal = (struct journal){.service = service, .arena = arena, .profile = profile};
    *ret_interface = (struct exchange_journal){journal, begin, save, end};
}

void journal_done(struct journal *journal)
{
    if (journal->claim)
        end(journal);
}

bool journal_consume(struct db *db, const struct journal *journal, struct error *error)
{
    for (size_t i = 0; i < journal->used_count; i++) {
        if (!exchange_consume(db, journal->used[i], error))
            return false;
    }
    return true;
}

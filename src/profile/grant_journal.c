/* A grant is found by a keyed hash of grant type, token URL and credential; the credential itself
 * is not stored. Two requests with the same one meet at an idempotency claim on that hash, and if
 * the claim was lost at the attempt in the grant's row. */
#include "profile/grant_journal.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/random.h"
#include "profile/envelope.h"
#include "profile/grant_escrow.h"
#include "profile/grant_seal.h"
#include "profile/grant_sharing.h"
#include "vault/seal.h"
#include "wire/restjson.h"
#include "work/cpu_slots.h"

#include <string.h>

enum {
    ID_HEX_SIZE = 2 * TOKEN_GRANT_ID_SIZE + 1,
    SAVE_EXTRA_MS =
        10 * 1000, /* to save what the vendor gave when the time limit was nearly over */
    OTHER_NAP_US = 100 * 1000, /* between looks whether another node is done */
};

/* --- who is at it --- */

static enum grant_journal_state claim(struct grant_journal *journal, struct arena *arena,
                                      struct error *error)
{
    char hex[ID_HEX_SIZE];
    encode_hex(journal->id, sizeof(journal->id), hex);
    struct client_token key = {STR(""), STR(""), TOKEN_GRANT_KIND, {hex, sizeof(hex) - 1}};
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

static struct token_grant grant_of(const struct grant_journal *journal)
{
    struct token_grant row = {
        .account = journal->profile.account,
        .region = journal->profile.region,
        .profile = journal->profile.name,
        .one_time = journal->one_time,
        .attempt = journal->attempt,
        .life_ms = journal->life_ms,
        .attempted_at_ms = journal->attempted_at_ms,
        .replaces = journal->replaces,
    };
    memcpy(row.id, journal->id, sizeof(row.id));
    return row;
}

static bool apply_begin(struct db *db, void *argument, struct error *error)
{
    return token_grant_begin(db, argument, clock_wall_ms(), error);
}

/* --- the slot for the answer --- */

static bool take_hold(struct grant_journal *journal, const struct token_grant_intent *intent,
                      struct error *error)
{
    struct arena scratch = {0};
    struct grant_escrow_note note = {
        .profile = journal->profile,
        .tokens_at = str_from(intent->tokens_at),
        .sent_at_ms = clock_wall_ms(),
        .data_key = journal->data_key,
    };
    if (!journal->context->escrow || journal->one_time)
        return true;
    memcpy(note.grant, journal->id, sizeof(note.grant));
    memcpy(note.spent, journal->spent, sizeof(note.spent));
    journal->has_hold = grant_escrow_hold(journal->context, &note, &scratch, &journal->hold, error);
    arena_done(&scratch);
    return journal->has_hold;
}

enum hold_end { HOLD_SETTLE, HOLD_LEAVE };
/* Whether the slot stays in use: it was left with an answer, or while one may come. */
static bool end_hold(struct grant_journal *journal, enum hold_end how)
{
    struct escrow *escrow = journal->context ? journal->context->escrow : NULL;
    bool stays = journal->has_hold && how == HOLD_LEAVE && escrow_leave(escrow, &journal->hold);
    if (journal->has_hold && how == HOLD_SETTLE)
        escrow_settle(escrow, &journal->hold);
    explicit_bzero(&journal->hold, sizeof(journal->hold));
    journal->has_hold = false;
    return stays;
}

static void call(void *context, client_call_fn *make, struct client *client, struct arena *arena,
                 const struct client_request *request, struct client_response *ret_response)
{
    struct grant_journal *journal = context;
    if (journal->has_hold)
        grant_escrow_call(journal->context, &journal->profile, &journal->hold, make, client, arena,
                          request, ret_response);
    else
        make(client, arena, request, ret_response);
}

/* --- an attempt --- */

/* GRANT_JOURNAL_NEW when it is known to be durable that this attempt is going to show it. When that
 * is not known the attempt stays what it is, so that it finds its own note later. */
static enum grant_journal_state note_attempt(struct grant_journal *journal,
                                             const struct token_grant_intent *intent,
                                             struct error *error)
{
    const struct profile_context *config = journal->context;
    if (!take_hold(journal, intent, error))
        return GRANT_JOURNAL_FAILED;
    while (journal->attempt == 0)
        random_bytes(&journal->attempt, sizeof(journal->attempt));
    struct token_grant row = grant_of(journal);
    row.attempt_ends_at_ms = clock_wall_ms() + config->verify_timeout_ms + SAVE_EXTRA_MS;
    if (!store_apply(config->store, apply_begin, &row, false, error)) {
        end_hold(journal, HOLD_SETTLE);
        return error->code == ERR_LOST_RACE ? GRANT_JOURNAL_BUSY : GRANT_JOURNAL_FAILED;
    }
    fault_point("grant:begun");
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

/* If it cannot be written, the code counts as used when the attempt's time is over. `lasts`: its
 * answer is in the escrow or may come, so other nodes are kept away until the attempt's end. */
static void end_attempt(struct grant_journal *journal, enum token_grant_end how, bool lasts)
{
    struct token_grant row = grant_of(journal);
    struct error ignored;
    journal->attempt = 0;
    /* That this attempt was void says nothing of the one that it replaced. */
    if (how == TOKEN_GRANT_VOID && row.replaces != 0)
        how = TOKEN_GRANT_LOST;
    /* A note that stays says more than is so: the code counts as used once its time is over. */
    if (how == TOKEN_GRANT_VOID)
        ignore_failure(
            store_apply(journal->context->store, apply_take_back, &row, false, &ignored));
    if (how == TOKEN_GRANT_LOST && !lasts)
        ignore_failure(store_apply(journal->context->store, apply_give_up, &row, false, &ignored));
    grants_in_flight_end(journal->context->grants_in_flight);
}

/* While tokens wait in memory to be saved, the claim stays: another request would find an attempt
 * of unknown outcome, and might send the spent refresh token. */
static void end(void *context, enum token_grant_end how)
{
    struct grant_journal *journal = context;
    if (!journal->claim)
        return;
    bool lasts = journal->has_unsaved || (how == TOKEN_GRANT_LOST && end_hold(journal, HOLD_LEAVE));
    if (journal->durable && journal->attempt != 0)
        end_attempt(journal, how, lasts);
    if (!journal->has_unsaved) {
        end_hold(journal, HOLD_SETTLE);
        release(journal);
    }
}

/* --- what is known --- */

/* With an embedded store the holder of the claim is alone. With a shared one it need not be: a node
 * that has died looks like one whose session was cut. */
static enum grant_journal_state judge_attempt(struct grant_journal *journal,
                                              const struct token_grant *row, bool again)
{
    if (row->attempt == journal->attempt)
        return GRANT_JOURNAL_NEW;
    bool may_last =
        store_is_remote(journal->context->store) && clock_wall_ms() < row->attempt_ends_at_ms;
    if (may_last)
        return GRANT_JOURNAL_BUSY;
    journal->attempted_at_ms = row->attempted_at_ms;
    journal->replaces = row->attempt;
    return again && !journal->one_time ? GRANT_JOURNAL_NEW : GRANT_JOURNAL_LOST;
}

/* A finished grant of a refresh token or an assertion says nothing about the next, as it may work
 * more than once; unless the profile has other tokens since this request loaded them. */
static enum grant_journal_state judge_used(struct grant_journal *journal, struct arena *arena,
                                           struct oauth_tokens *ret_tokens, struct error *error)
{
    struct profile_tokens now;
    if (!journal->owner)
        return GRANT_JOURNAL_NEW;
    if (!profile_tokens_load(journal->context, journal->connector, journal->owner, arena, &now,
                             error))
        return GRANT_JOURNAL_FAILED;
    if (now.version == journal->stored->version)
        return GRANT_JOURNAL_NEW;
    if (!now.tokens.access_token.data) {
        fail(error, ERR_UNAVAILABLE,
             "The profile was given other credentials meanwhile. Try again.");
        return GRANT_JOURNAL_FAILED;
    }
    *journal->stored = now;
    *ret_tokens = now.tokens;
    return GRANT_JOURNAL_RESUME;
}

/* An authorization code works once: RFC 6749, 4.1.2, lets a vendor revoke what it gave for a code
 * that is shown again, so a spent one is not sent. */
static enum grant_journal_state judge(struct grant_journal *journal, const struct token_grant *row,
                                      struct token_grant_intent *intent, struct arena *arena,
                                      struct oauth_tokens *ret_tokens, struct error *error)
{
    bool is_ours = grant_is_of(row, &journal->profile);
    if (row->attempt != 0)
        return judge_attempt(journal, row, intent->again);
    if (!is_ours && intent->is_strict &&
        !grant_used_by(journal->context, row, &journal->profile, journal->spent, arena,
                       &intent->used_by, error))
        return GRANT_JOURNAL_FAILED;
    intent->is_unstored = !row->consumed;
    if (intent->used_by.data)
        return GRANT_JOURNAL_REPLACED;
    if (row->consumed || !is_ours)
        return journal->one_time ? GRANT_JOURNAL_USED
                                 : judge_used(journal, arena, ret_tokens, error);
    return token_grant_open(journal->context, row, arena, ret_tokens, error) ? GRANT_JOURNAL_RESUME
                                                                             : GRANT_JOURNAL_FAILED;
}

/* `tokens`: what came of it. */
static void note_used(struct grant_journal *journal, const struct oauth_tokens *tokens)
{
    if (journal->used_count == JOURNAL_GRANTS_MAX)
        return;
    struct grant_used *used = &journal->used[journal->used_count++];
    memcpy(used->id, journal->id, sizeof(used->id));
    used->replaced =
        journal->is_refresh && grant_is_replaced(journal->context, journal->spent, tokens);
    used->is_given = journal->is_given;
}

static void note_origin(struct grant_journal *journal)
{
    if (!journal->has_origin)
        memcpy(journal->origin, journal->id, sizeof(journal->origin));
    journal->has_origin = true;
}

static bool look_up(struct grant_journal *journal, struct arena *arena, struct token_grant *ret_row,
                    bool *ret_found, struct error *error)
{
    struct store *store = journal->context->store;
    struct store_reader *reader;
    if (!store_point_reader_take(store, &reader, error))
        return false;
    bool ok = token_grant_find(reader, arena, journal->id, ret_row, ret_found, error);
    store_point_reader_put(store, reader);
    return ok;
}

/* What was stored before the database was restored from a backup may have been replaced since then,
 * as after a lost answer. */
static bool may_be_replaced(struct grant_journal *journal, bool again)
{
    int64_t restored_at_ms = journal->context->restored_at_ms;
    const struct profile *owner = journal->owner;
    if (again || !owner || !journal->durable || journal->one_time || journal->attempt != 0)
        return false;
    /* The versions of rows are not times. */
    int64_t got_at_ms = journal->stored->version != 0 ? journal->stored->tokens.obtained_at_ms
                                                      : owner->updated_at_ms;
    bool before = got_at_ms < restored_at_ms;
    if (before)
        journal->attempted_at_ms = restored_at_ms;
    return before;
}

static enum grant_journal_state look(struct grant_journal *journal,
                                     struct token_grant_intent *intent, struct arena *arena,
                                     struct oauth_tokens *ret_tokens, struct error *error)
{
    struct arena scratch = {0};
    struct token_grant row;
    bool found = false;
    enum grant_journal_state state = GRANT_JOURNAL_FAILED;
    if (grant_escrow_is_busy(journal->context, journal->id))
        return GRANT_JOURNAL_BUSY;
    if (look_up(journal, &scratch, &row, &found, error))
        state = found ? judge(journal, &row, intent, arena, ret_tokens, error) : GRANT_JOURNAL_NEW;
    arena_done(&scratch);
    if (state == GRANT_JOURNAL_NEW && may_be_replaced(journal, intent->again))
        return GRANT_JOURNAL_LOST;
    return state == GRANT_JOURNAL_NEW && journal->durable ? note_attempt(journal, intent, error)
                                                          : state;
}

/* While another node is at it there will soon be something to go on from. */
static enum grant_journal_state look_until(struct grant_journal *journal,
                                           struct token_grant_intent *intent, int64_t until_ms,
                                           struct arena *arena, struct oauth_tokens *ret_tokens,
                                           struct error *error)
{
    enum grant_journal_state state;
    while ((state = look(journal, intent, arena, ret_tokens, error)) == GRANT_JOURNAL_BUSY &&
           clock_mono_ms() < until_ms) {
        slot_release();
        clock_nap_us(OTHER_NAP_US);
        slot_acquire();
    }
    return state;
}

/* --- the journal's three calls --- */

static bool apply_save(struct db *db, void *argument, struct error *error)
{
    const struct grant_to_save *rows = argument;
    int64_t now_ms = clock_wall_ms();
    return token_grant_save(db, &rows->row, now_ms, error) &&
           (!rows->with_origin || token_grant_save(db, &rows->origin, now_ms, error));
}

/* A lost race: it is saved after all, and only the word of it had not come, or by another. */
static bool save_again(struct grant_journal *journal, struct error *error)
{
    *error = (struct error){0};
    if (journal->has_unsaved &&
        !store_apply(journal->context->store, apply_save, &journal->unsaved, false, error) &&
        error->code != ERR_LOST_RACE)
        return false;
    if (journal->has_unsaved)
        end_hold(journal, HOLD_SETTLE);
    journal->has_unsaved = false;
    return true;
}

static enum grant_journal_state begin(void *context, struct token_grant_intent *intent,
                                      struct arena *arena, struct oauth_tokens *ret_tokens,
                                      struct error *error)
{
    struct grant_journal *journal = context;
    struct str parts[] = {TOKEN_GRANT_KIND, intent->grant, intent->token_url, intent->secret};
    if (!save_again(journal, error))
        return GRANT_JOURNAL_FAILED;
    grant_journal_done(journal); /* a claim that was kept for that */
    keyed_hash(journal->context->service_secret, parts, 4, journal->id);
    journal->one_time = str_eq(intent->grant, STR("authorization_code"));
    journal->durable = intent->durable;
    journal->attempted_at_ms = clock_wall_ms();
    journal->is_given = intent->is_given;
    journal->is_refresh = str_eq(intent->grant, STR("refresh_token"));
    if (journal->is_refresh) {
        tokens_digest(journal->context, intent->secret, journal->spent);
        journal->has_spent = true;
    }
    journal->replaces = 0;
    int64_t until_ms = clock_mono_ms() + journal->context->verify_timeout_ms;
    enum grant_journal_state state = claim(journal, arena, error);
    if (state != GRANT_JOURNAL_NEW)
        return state;
    state = look_until(journal, intent, until_ms, arena, ret_tokens, error);
    intent->attempted_at_ms = journal->attempted_at_ms;
    if (state == GRANT_JOURNAL_RESUME)
        note_used(journal, ret_tokens);
    if (state == GRANT_JOURNAL_RESUME && !journal->owner)
        note_origin(journal);
    if (state != GRANT_JOURNAL_NEW)
        release(journal);
    return state;
}

static bool seal_row(const struct grant_journal *journal, struct str plain, struct token_grant *row,
                     struct error *error)
{
    struct seal_binding binding =
        token_grant_seal_binding(row->id, &journal->profile, journal->arena);
    return envelope_seal(journal->context->keyring, journal->data_key, &binding, plain,
                         journal->arena, &row->sealed, error);
}

/* What a refresh token that its vendor may replace gave is all that works of the grant, so it is
 * kept as long as the attempt was, for a server that dies before the commit and stays away. */
static int64_t tokens_life_ms(const struct grant_journal *journal)
{
    bool replaces_attempt = journal->durable && journal->attempt != 0 && !journal->one_time;
    return replaces_attempt ? TOKEN_GRANT_DOUBT_LIFE_MS : journal->life_ms;
}

static bool save(void *context, const struct oauth_tokens *tokens, struct error *error)
{
    struct grant_journal *journal = context;
    struct token_grant row = grant_of(journal);
    row.life_ms = tokens_life_ms(journal);
    struct grant_to_save rows = {.row = row, .origin = row};
    struct buf plain = buf_in(journal->arena, SEALED_PLAIN_MAX);
    value_encode(&plain, tokens_to_value(journal->arena, tokens));
    if (plain.overflow)
        return fail(error, ERR_INTERNAL, "The vendor's tokens are too large to keep.");
    rows.with_origin = journal->has_origin && !journal->one_time &&
                       memcmp(journal->origin, journal->id, sizeof(journal->id)) != 0;
    memcpy(rows.origin.id, journal->origin, sizeof(rows.origin.id));
    if (rows.with_origin) /* of many dry runs with one refresh token, one row is kept for long */
        rows.row.life_ms = 0;
    fault_point("grant:answered");
    if (!seal_row(journal, buf_str(&plain), &rows.row, error) ||
        (rows.with_origin && !seal_row(journal, buf_str(&plain), &rows.origin, error)))
        return false;
    bool saved = store_apply(journal->context->store, apply_save, &rows, false, error);
    fault_point("grant:saved");
    if (saved)
        note_used(journal, tokens);
    else
        journal->unsaved = rows;
    journal->has_unsaved = !saved;
    return saved;
}

bool grant_journal_settle(struct grant_journal *journal)
{
    struct error ignored; /* logged by the store */
    return save_again(journal, &ignored);
}

void grant_journal_init(struct grant_journal *journal, const struct profile_context *context,
                        struct arena *arena, struct profile_key profile,
                        struct token_grant_journal *ret_interface)
{
    grant_journal_done(journal);
    *journal = (struct grant_journal){
        .context = context, .arena = arena, .profile = profile, .attempt = journal->attempt};
    *ret_interface = (struct token_grant_journal){journal, begin, call, save, end};
}

void grant_journal_follow(struct grant_journal *journal, const struct connector *connector,
                          const struct profile *owner, struct profile_tokens *stored)
{
    journal->connector = connector;
    journal->owner = owner;
    journal->stored = stored;
}

void grant_journal_seal_under(struct grant_journal *journal, const struct data_key *data_key)
{
    journal->data_key = data_key;
}

void grant_journal_keep_longer(struct grant_journal *journal)
{
    journal->life_ms = TOKEN_GRANT_TRIAL_LIFE_MS;
}

const unsigned char *grant_journal_spent(const struct grant_journal *journal)
{
    return journal->has_spent ? journal->spent : NULL;
}

void grant_journal_done(struct grant_journal *journal)
{
    end_hold(journal, HOLD_LEAVE);
    if (journal->claim)
        release(journal);
}

bool grant_journal_consume(struct db *db, const struct grant_journal *journal, struct error *error)
{
    int64_t now_ms = clock_wall_ms();
    for (size_t i = 0; i < journal->used_count; i++) {
        const struct grant_used *used = &journal->used[i];
        struct token_grant row = {
            .account = journal->profile.account,
            .region = journal->profile.region,
            .profile = journal->profile.name,
            .replaced = used->replaced,
            .life_ms = used->replaced && used->is_given ? TOKEN_GRANT_REPLACED_LIFE_MS : 0,
        };
        memcpy(row.id, used->id, sizeof(row.id));
        if (!token_grant_consume(db, &row, now_ms, error))
            return false;
    }
    return true;
}

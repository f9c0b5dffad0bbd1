/* An envelope is JSON: the note, and the call's data key, which is sealed as the profile's secrets
 * are (profile/envelope.h). */
#include "profile/grant_escrow.h"

#include "auth/oauth2.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/log.h"
#include "profile/envelope.h"
#include "profile/grant_seal.h"
#include "profile/tokens.h"
#include "store/oauth_tokens.h"
#include "store/token_states.h"
#include "vault/seal.h"
#include "wire/restjson.h"
#include "work/pool.h"

#include <assert.h>
#include <string.h>

static_assert((int)ESCROW_TAG_SIZE == (int)TOKEN_GRANT_ID_SIZE, "a grant's id is a slot's tag");
static_assert((int)ESCROW_TAG_SIZE == (int)TOKENS_DIGEST_SIZE, "and as long as a digest");

enum found { FOUND_RECOVERED, FOUND_STALE, FOUND_UNREADABLE, NOT_KEPT, OUTCOMES };

const struct metric metric_escrow_answers = {
    "headgate_escrow_answers_total",
    "Vendors' answers to token renewals that were found in the escrow, by what came of them, or "
    "could not be kept there.",
    .labels = {{"outcome", OUTCOMES,
                (const char *const[]){"recovered", "stale", "unreadable", "not_kept"}, NULL}},
    METRIC_SERIES(OUTCOMES),
};

#define ENVELOPE STR("escrow")
#define CALL_KEY STR("escrow-key")

#define BASE64_SIZE(size) (((size) + 2) / 3 * 4)

enum {
    SEAL_ROOM = 256,   /* what a seal, or an encryption under a data key, adds */
    NAMES_ROOM = 1024, /* account, region, the profile's name, numbers, names of members */
    /* The call's key, sealed: see envelope.h. */
    SEALED_KEY_MAX = BASE64_SIZE(DATA_KEY_WRAPPED_MAX) + DATA_KEY_ARN_MAX + 2 * SEAL_ROOM,
};

static_assert(BASE64_SIZE(SEALED_KEY_MAX) + NAMES_ROOM + SEAL_ROOM <= ESCROW_ENVELOPE_MAX,
              "the longest envelope has room in a slot's head");

static struct seal_binding binding_of(struct str purpose, const unsigned char id[ESCROW_ID_SIZE],
                                      struct arena *arena)
{
    char hex[2 * ESCROW_ID_SIZE + 1];
    encode_hex(id, ESCROW_ID_SIZE, hex);
    return (struct seal_binding){.purpose = purpose, .name = arena_copy(arena, str_from(hex))};
}

/* --- the envelope --- */

static void put_hex(struct arena *arena, struct value *value, const char *name, const void *bytes,
                    size_t size)
{
    char *hex = arena_alloc(arena, 2 * size + 1);
    encode_hex(bytes, size, hex);
    value_put_text(arena, value, name, str_from(hex));
}

static bool seal_key(const struct profile_context *context, const struct grant_escrow_note *note,
                     const struct escrow_call_key *key, struct arena *arena, struct str *ret_sealed,
                     struct error *error)
{
    struct buf text = buf_in(arena, ESCROW_ENVELOPE_MAX);
    struct value *value = value_structure(arena);
    struct seal_binding binding = binding_of(CALL_KEY, key->id, arena);
    put_hex(arena, value, "key", key->key, sizeof(key->key));
    value_encode(&text, value);
    assert(!text.overflow);
    return envelope_seal(context->keyring, note->data_key, &binding, buf_str(&text), arena,
                         ret_sealed, error);
}

static bool seal_envelope(const struct profile_context *context,
                          const struct grant_escrow_note *note, const struct escrow_call_key *key,
                          struct arena *arena, struct str *ret_sealed, struct error *error)
{
    struct buf text = buf_in(arena, ESCROW_ENVELOPE_MAX);
    struct value *value = value_structure(arena);
    struct seal_binding binding = binding_of(ENVELOPE, key->id, arena);
    struct str sealed_key;
    if (!seal_key(context, note, key, arena, &sealed_key, error))
        return false;
    value_put_text(arena, value, "key", encode_base64(arena, sealed_key));
    value_put_text(arena, value, "account", note->profile.account);
    value_put_text(arena, value, "region", note->profile.region);
    value_put_text(arena, value, "profile", note->profile.name);
    put_hex(arena, value, "grant", note->grant, sizeof(note->grant));
    put_hex(arena, value, "spent", note->spent, sizeof(note->spent));
    value_put_text(arena, value, "tokensAt", note->tokens_at);
    value_put_integer(arena, value, "sentAtMs", note->sent_at_ms);
    value_encode(&text, value);
    if (text.overflow)
        return fail(error, ERR_INTERNAL,
                    "The notes of a renewal have no room in the escrow (%d bytes).",
                    ESCROW_ENVELOPE_MAX);
    return seal_close(context->keyring, &binding, buf_str(&text), arena, ret_sealed, error);
}

static bool read_envelope(struct str text, struct arena *arena, struct grant_escrow_note *ret_note,
                          struct str *ret_sealed_key)
{
    struct value *value;
    if (!json_parse(text, arena, &value))
        return false;
    ret_note->profile = (struct profile_key){
        value_text(value, "account"), value_text(value, "region"), value_text(value, "profile")};
    ret_note->tokens_at = value_text(value, "tokensAt");
    ret_note->sent_at_ms = value_integer(value, "sentAtMs", 0);
    return decode_base64(arena, value_text(value, "key"), ret_sealed_key) &&
           decode_hex(value_text(value, "grant"), ret_note->grant, sizeof(ret_note->grant)) &&
           decode_hex(value_text(value, "spent"), ret_note->spent, sizeof(ret_note->spent)) &&
           ret_note->profile.account.data && ret_note->profile.region.data &&
           ret_note->profile.name.data;
}

/* A key of AWS KMS may be away: ERR_INTERNAL is what is damaged. */
static bool open_key(const struct profile_context *context, struct str sealed, struct arena *arena,
                     struct grant_escrow_note *note, struct escrow_call_key *key,
                     struct error *error)
{
    struct seal_binding binding = binding_of(CALL_KEY, key->id, arena);
    struct str text;
    struct value *value;
    return envelope_open(context, &note->profile, &binding, sealed, arena, &text, &note->data_key,
                         error) &&
           ((json_parse(text, arena, &value) &&
             decode_hex(value_text(value, "key"), key->key, sizeof(key->key))) ||
            fail(error, ERR_INTERNAL, "A key of the escrow cannot be read."));
}

bool grant_escrow_hold(const struct profile_context *context, const struct grant_escrow_note *note,
                       struct arena *arena, struct escrow_hold *ret_hold, struct error *error)
{
    struct str sealed;
    if (!escrow_take(context->escrow, note->profile.account, ret_hold, error))
        return false;
    if (seal_envelope(context, note, &ret_hold->key, arena, &sealed, error) &&
        escrow_prepare(context->escrow, ret_hold, note->grant, sealed, error))
        return true;
    escrow_settle(context->escrow, ret_hold);
    return false;
}

void grant_escrow_call(const struct profile_context *context, const struct profile_key *profile,
                       const struct escrow_hold *hold, client_call_fn *call, struct client *client,
                       struct arena *arena, const struct client_request *request,
                       struct client_response *ret_response)
{
    if (escrow_call(context->escrow, hold, call, client, arena, request, ret_response))
        return;
    metrics_count(&metric_escrow_answers, NOT_KEPT, 0);
    log_warn("The vendor's answer to a renewal of the tokens of profile %.*s (account %.*s, %.*s), "
             "of %zu bytes, could not be kept in the escrow, which takes %d bytes of each. It was "
             "received all the same; had the server been killed then, it would be lost.",
             STR_ARG(profile->name), STR_ARG(profile->account), STR_ARG(profile->region),
             ret_response->body.len, ESCROW_ANSWER_MAX);
}

/* --- an answer that was left --- */

struct recovery {
    const struct profile_context *context;
    struct arena arena;
    int slot;
    struct escrow_head head;
    struct escrow_call_key key;
    struct grant_escrow_note note;
    struct str sealed_key; /* of the call */
    struct token_grant row;
    bool has_row;
    bool is_profiles; /* the profile still has the refresh token that was spent */
};

static void tell(const struct recovery *recovery, enum found found)
{
    static const char *const words[] = {
        [FOUND_RECOVERED] = "was recovered from the escrow.",
        [FOUND_STALE] = "was found in the escrow and dropped: it is saved, or newer tokens are.",
        [FOUND_UNREADABLE] = "was found in the escrow and dropped: it has no tokens in it."};
    const struct profile_key *profile = &recovery->note.profile;
    metrics_count(&metric_escrow_answers, found, 0);
    log_write(found == FOUND_UNREADABLE ? LOG_WARN : LOG_INFO, STR_NULL,
              "The vendor's answer to a renewal of the tokens of profile %.*s (account %.*s, %.*s) "
              "%s",
              STR_ARG(profile->name), STR_ARG(profile->account), STR_ARG(profile->region),
              words[found]);
}

/* The slot is not the caller's any more. */
static void give_up(const struct recovery *recovery)
{
    struct escrow *escrow = recovery->context->escrow;
    if (keyring_find(recovery->context->keyring, seal_key_id(recovery->head.envelope))) {
        log_error("Slot %d of the escrow is damaged, and was dropped.", recovery->slot);
        metrics_count(&metric_escrow_answers, FOUND_UNREADABLE, 0);
        escrow_drop(escrow, recovery->slot);
        return;
    }
    log_error("Slot %d of the escrow is sealed with a key that the keyring does not have. Put the "
              "key back and start the server again: the slot may have the only tokens that work.",
              recovery->slot);
    escrow_put_aside(escrow, recovery->slot);
}

/* False: the slot is not the caller's any more, as with the next ones. */
static bool open_note(struct recovery *recovery)
{
    struct arena *arena = &recovery->arena;
    struct seal_binding binding = binding_of(ENVELOPE, recovery->head.id, arena);
    struct error ignored;
    struct str text;
    memcpy(recovery->key.id, recovery->head.id, ESCROW_ID_SIZE);
    if (seal_open(recovery->context->keyring, &binding, recovery->head.envelope, arena, &text,
                  &ignored) &&
        read_envelope(text, arena, &recovery->note, &recovery->sealed_key))
        return true;
    give_up(recovery);
    return false;
}

static bool open_call_key(struct recovery *recovery)
{
    const struct profile_context *context = recovery->context;
    struct error error = {0};
    if (open_key(context, recovery->sealed_key, &recovery->arena, &recovery->note, &recovery->key,
                 &error))
        return true;
    if (envelope_key_is_away(&error))
        escrow_put_off(context->escrow, recovery->slot, recovery->note.grant);
    else
        give_up(recovery);
    return false;
}

static bool read_tokens(struct recovery *recovery, struct str answer,
                        struct oauth_tokens *ret_tokens)
{
    struct arena *arena = &recovery->arena;
    struct value *json = NULL;
    struct error ignored;
    const char *at =
        recovery->note.tokens_at.data ? arena_cstr(arena, recovery->note.tokens_at) : NULL;
    return json_parse(answer, arena, &json) &&
           oauth2_read_tokens(oauth2_holder(json, at), recovery->note.sent_at_ms, ret_tokens,
                              &ignored);
}

/* What the store has of the grant and of the profile. False: it is away. */
static bool read_rows(struct recovery *recovery, bool *ret_wanted)
{
    struct store *store = recovery->context->store;
    struct grant_escrow_note *note = &recovery->note;
    struct arena *arena = &recovery->arena;
    struct str spent = {(const char *)note->spent, sizeof(note->spent)};
    struct oauth_tokens_row tokens;
    struct store_reader *reader;
    struct error ignored; /* logged by the store */
    bool has_tokens = false;
    if (!store_point_reader_take(store, &reader, &ignored))
        return false;
    bool ok = token_grant_find(reader, arena, note->grant, &recovery->row, &recovery->has_row,
                               &ignored) &&
              oauth_tokens_find(reader, arena, note->profile, &tokens, &has_tokens, &ignored);
    store_point_reader_put(store, reader);
    recovery->is_profiles =
        ok && has_tokens && tokens.refresh_digest.data && str_eq(tokens.refresh_digest, spent);
    bool is_saved = ok && recovery->has_row && recovery->row.sealed.data;
    bool is_attempted = ok && recovery->has_row && recovery->row.attempt != 0;
    *ret_wanted = !is_saved && (is_attempted || recovery->is_profiles);
    return ok;
}

static bool seal_tokens(struct recovery *recovery, const struct oauth_tokens *tokens)
{
    struct arena *arena = &recovery->arena;
    struct grant_escrow_note *note = &recovery->note;
    struct token_grant row = {
        .account = note->profile.account,
        .region = note->profile.region,
        .profile = note->profile.name,
        /* Where the row has an attempt, only that one's place is taken. */
        .one_time = recovery->has_row && recovery->row.attempt != 0,
        .attempt = recovery->has_row ? recovery->row.attempt : 0,
        .life_ms = TOKEN_GRANT_DOUBT_LIFE_MS,
    };
    memcpy(row.id, note->grant, sizeof(row.id));
    struct seal_binding binding = token_grant_seal_binding(note->grant, &note->profile, arena);
    struct buf plain = buf_in(arena, SEALED_PLAIN_MAX);
    struct error ignored;
    value_encode(&plain, tokens_to_value(arena, tokens));
    recovery->row = row;
    assert(!plain.overflow); /* all of an answer is ESCROW_ANSWER_MAX at most */
    return envelope_seal(recovery->context->keyring, note->data_key, &binding, buf_str(&plain),
                         arena, &recovery->row.sealed, &ignored);
}

/* The profile's job is due now, as the answer that it waited for is saved. */
static bool apply(struct db *db, void *argument, struct error *error)
{
    const struct recovery *recovery = argument;
    const struct profile_key *profile = &recovery->note.profile;
    const struct job_row job = {
        .key = {TOKEN_KEEPER_JOB, profile->account, profile->region, profile->name},
        .due_at_ms = clock_wall_ms(),
        .fence = job_new_fence(),
        .payload = STR(""),
    };
    return token_grant_save(db, &recovery->row, clock_wall_ms(), error) &&
           (!recovery->is_profiles || job_insert(db, &job, STR(""), error));
}

/* False: the store is away. It is read once more: the look for the key may have taken a while. */
static bool save(struct recovery *recovery, const struct oauth_tokens *tokens,
                 enum found *ret_found)
{
    bool wanted = false;
    struct error error = {0};
    *ret_found = FOUND_STALE;
    if (!read_rows(recovery, &wanted))
        return false;
    if (!wanted)
        return true;
    if (!seal_tokens(recovery, tokens))
        return false;
    bool saved = store_apply(recovery->context->store, apply, recovery, false, &error);
    if (saved)
        *ret_found = FOUND_RECOVERED;
    return saved || error.code == ERR_LOST_RACE;
}

static void take_answer(struct recovery *recovery, struct str answer)
{
    struct escrow *escrow = recovery->context->escrow;
    struct oauth_tokens tokens;
    enum found found = FOUND_UNREADABLE;
    if (read_tokens(recovery, answer, &tokens) && !save(recovery, &tokens, &found)) {
        escrow_put_back(escrow, recovery->slot, recovery->note.grant);
        return;
    }
    fault_point("escrow:recovered");
    escrow_drop(escrow, recovery->slot);
    tell(recovery, found);
}

/* Whether the slot has an answer that still counts. Asks the keyring and the store alone: what is
 * stale becomes free also while AWS KMS is away. */
static bool is_wanted(struct recovery *recovery)
{
    struct escrow *escrow = recovery->context->escrow;
    bool wanted;
    if (!open_note(recovery))
        return false;
    if (!escrow_is_answered(escrow, recovery->slot) || !read_rows(recovery, &wanted)) {
        escrow_put_back(escrow, recovery->slot, recovery->note.grant);
        return false;
    }
    if (wanted)
        return true;
    escrow_drop(escrow, recovery->slot);
    tell(recovery, FOUND_STALE);
    return false;
}

static void recover(struct recovery *recovery)
{
    struct escrow *escrow = recovery->context->escrow;
    struct str answer;
    if (!is_wanted(recovery) || !open_call_key(recovery))
        return;
    switch (escrow_open(escrow, recovery->slot, &recovery->key, &recovery->arena, &answer)) {
    case ESCROW_NO_ANSWER:
        escrow_put_back(escrow, recovery->slot, recovery->note.grant);
        return;
    case ESCROW_DAMAGED:
        escrow_drop(escrow, recovery->slot);
        tell(recovery, FOUND_UNREADABLE);
        return;
    case ESCROW_ANSWER:
        take_answer(recovery, answer);
    }
}

static void learn(struct recovery *recovery)
{
    if (open_note(recovery))
        escrow_put_back(recovery->context->escrow, recovery->slot, recovery->note.grant);
}

static void take_up_all(const struct profile_context *context, struct escrow_cursor cursor,
                        void (*take)(struct recovery *recovery))
{
    bool more = context->escrow && escrow_has_left(context->escrow);
    while (more) {
        struct recovery recovery = {.context = context};
        more = escrow_take_up(context->escrow, &cursor, &recovery.arena, &recovery.slot,
                              &recovery.head);
        if (more)
            take(&recovery);
        arena_done(&recovery.arena);
        explicit_bzero(&recovery.key, sizeof(recovery.key));
    }
}

void grant_escrow_learn(const struct profile_context *context)
{
    take_up_all(context, (struct escrow_cursor){.untagged = true}, learn);
}

void grant_escrow_recover(const struct profile_context *context)
{
    take_up_all(context, (struct escrow_cursor){0}, recover);
}

static void recover_aside(void *argument)
{
    const struct profile_context *context = argument;
    grant_escrow_recover(context);
    escrow_look_end(context->escrow);
}

void grant_escrow_look(struct profile_context *context)
{
    struct error ignored; /* the next look may find a thread */
    if (context->escrow && escrow_has_left(context->escrow) && escrow_look_begin(context->escrow) &&
        !pool_post(context->escrow_pool, STR_NULL, recover_aside, context, NULL, &ignored))
        escrow_look_end(context->escrow);
}

bool grant_escrow_is_busy(const struct profile_context *context,
                          const unsigned char grant[TOKEN_GRANT_ID_SIZE])
{
    if (!context->escrow)
        return false;
    if (escrow_find_left(context->escrow, grant) == ESCROW_LEFT_ANSWERED)
        take_up_all(context, (struct escrow_cursor){.tag = grant}, recover);
    return escrow_find_left(context->escrow, grant) != ESCROW_LEFT_NONE;
}

/* From an ARN to a profile, and from its sealed credentials to a text. */
#include "profile/secret.h"

#include "base/clock.h"
#include "base/encode.h"
#include "connector/connection.h"
#include "connector/connector.h"
#include "connector/custom/secret_text.h"
#include "profile/credentials.h"
#include "profile/fallback.h"
#include "profile/grant_journal.h"
#include "profile/secret_mirror.h"
#include "profile/target.h"
#include "profile/tokens.h"
#include "store/audit.h"
#include "store/client_tokens.h"
#include "store/core/idempotency_claims.h"
#include "wire/errors.h"

#include <stdio.h>

enum { SUFFIX_LEN = 7, MS_DIGITS = 13 };

/* --- from an ARN to a profile --- */

struct str profile_secret_name(struct str arn)
{
    struct str rest = str_behind(arn, ':', 6);
    if (rest.len <= SUFFIX_LEN || rest.data[rest.len - SUFFIX_LEN] != '-')
        return STR_NULL;
    return (struct str){rest.data, rest.len - SUFFIX_LEN};
}

/* "-1763741024664", the time of creation. */
static struct str without_time(struct str name)
{
    if (name.len <= MS_DIGITS + 1 || name.data[name.len - MS_DIGITS - 1] != '-')
        return name;
    struct str time = {name.data + name.len - MS_DIGITS, MS_DIGITS};
    return str_is_digits(time) ? (struct str){name.data, name.len - MS_DIGITS - 1} : name;
}

struct secret_search {
    struct store_reader *reader;
    struct arena *arena;
    struct profile_key key;
    struct str arn;
    struct profile *profile;
    bool found;
};

static bool try_name(struct secret_search *search, struct str name, struct error *error)
{
    struct profile profile;
    bool found = false;
    search->key.name = name;
    if (!profile_find(search->reader, search->arena, search->key, &profile, &found, error))
        return false;
    search->found = found && str_eq(profile.credentials_arn, search->arn);
    if (search->found)
        *search->profile = profile;
    return true;
}

/* Labels and names contain any number of '-', so what follows each of them may be the profile's
 * name; the ARN in the row decides. */
static bool try_ends(struct secret_search *search, struct str rest, struct error *error)
{
    for (int i = 0; i < PROFILE_SECRET_NAMES_MAX; i++) {
        struct str ignored;
        if (!try_name(search, rest, error))
            return false;
        if (search->found || !str_cut(rest, '-', &ignored, &rest))
            return true;
    }
    return true;
}

/* The secret's name is "appflow!ACCOUNT-PROFILE-TIME", or "appflow!ACCOUNT-LABEL-PROFILE" for a
 * connector of the account's own, whose PROFILE may end as if it had a time. */
static bool try_names(struct secret_search *search, struct str name, struct error *error)
{
    struct str prefix = arena_printf(search->arena, "appflow!%.*s-", STR_ARG(search->key.account));
    if (!str_starts(name, prefix))
        return true;
    struct str whole = {name.data + prefix.len, name.len - prefix.len};
    struct str timeless = without_time(whole);
    if (!try_ends(search, timeless, error))
        return false;
    return search->found || timeless.len == whole.len || try_ends(search, whole, error);
}

static void set_version(const struct profile_context *context, const struct profile *profile,
                        int64_t tokens_version, char out[UUID_SIZE])
{
    unsigned char hash[KEYED_HASH_SIZE];
    char hex[2 * KEYED_HASH_SIZE + 1], numbers[64];
    snprintf(numbers, sizeof(numbers), "%lld %lld", (long long)profile->credentials_version,
             (long long)tokens_version);
    struct str parts[] = {STR("secret version"), profile->credentials_arn, str_from(numbers)};
    keyed_hash(context->service_secret, parts, 3, hash);
    encode_hex(hash, sizeof(hash), hex);
    snprintf(out, UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}

static bool find_version(const struct profile_context *context, struct store_reader *reader,
                         struct arena *arena, struct profile_secret *secret, struct error *error)
{
    struct oauth_tokens_row row = {0};
    bool found = false;
    if (!oauth_tokens_find(reader, arena, secret->profile.key, &row, &found, error))
        return false;
    set_version(context, &secret->profile, found ? row.version : 0, secret->version_id);
    return true;
}

bool profile_secret_find(const struct profile_context *context, struct arena *arena,
                         struct str account, struct str region, struct str arn,
                         struct profile_secret *ret_secret, bool *ret_found, struct error *error)
{
    struct secret_search search = {.arena = arena,
                                   .key = {account, region, STR_NULL},
                                   .arn = arn,
                                   .profile = &ret_secret->profile};
    struct str name = profile_secret_name(arn);
    *ret_found = false;
    if (!name.data)
        return true;
    if (!store_point_reader_take(context->store, &search.reader, error))
        return false;
    bool ok = try_names(&search, name, error) &&
              (!search.found || find_version(context, search.reader, arena, ret_secret, error));
    store_point_reader_put(context->store, search.reader);
    *ret_found = search.found;
    ret_secret->name = name;
    ret_secret->changed_at_ms = search.found ? ret_secret->profile.updated_at_ms : 0;
    return ok;
}

/* --- reading it --- */

struct secret_reading {
    const struct profile_context *context;
    struct arena *arena;
    const struct profile *profile;
    struct target target;
    struct profile_credentials credentials;
    struct profile_tokens stored;
    struct oauth_tokens tokens; /* that go into the text */
    struct grant_journal journal;
    struct profile_tokens_change tokens_change;
    struct audit_entry audit;
    int64_t deadline_ms; /* of the monotonic clock; a fallback waits until then */
    bool fell_back; /* the profile has its previous credentials again: see profile/fallback.h */
    struct error *error;
};

static bool open_profile(struct secret_reading *reading)
{
    const struct profile_context *context = reading->context;
    if (!profile_target_of_row(context, NULL, reading->profile, reading->arena, &reading->target,
                               reading->error) ||
        !profile_credentials_open(context, reading->profile, &reading->target,
                                  &reading->credentials, reading->error) ||
        !profile_tokens_load(context, reading->target.connector, reading->profile, reading->arena,
                             &reading->stored, reading->error))
        return false;
    reading->tokens = reading->stored.tokens;
    return true;
}

static bool ends_within(const struct oauth_tokens *tokens, int64_t duration_ms)
{
    return tokens->access_token.len > 0 && tokens->expires_at_ms != 0 &&
           tokens->expires_at_ms <= clock_wall_ms() + duration_ms;
}

static bool fail_verdict(struct secret_reading *reading, const struct verdict *verdict)
{
    bool final = verdict->kind == VERDICT_REJECTED || verdict->kind == VERDICT_FORBIDDEN ||
                 verdict->kind == VERDICT_MISCONFIGURED;
    struct str sentence =
        verdict_describe(reading->arena, reading->profile->connector_type, verdict);
    return fail(reading->error, final ? ERR_CONNECTOR_AUTHENTICATION : ERR_CONNECTOR_SERVER,
                "The access token has expired and could not be renewed: %.*s", STR_ARG(sentence));
}

struct renewal_end {
    bool renewed;
    struct verdict verdict;
};

static struct renewal_end ask_vendor(struct secret_reading *reading, bool ended)
{
    struct token_grant_journal grants;
    grant_journal_init(&reading->journal, reading->context, reading->arena, reading->profile->key,
                       &grants);
    grant_journal_follow(&reading->journal, reading->target.connector, reading->profile,
                         &reading->stored);
    grant_journal_seal_under(&reading->journal, reading->credentials.data_key);
    const struct vendor_connection_config config = {
        .target = &reading->target,
        .stored = &reading->stored.tokens,
        .journal = &grants,
        .region = reading->profile->key.region,
        .arena = reading->arena,
        .deadline_ms = clock_mono_ms() + reading->context->verify_timeout_ms,
    };
    struct vendor_connection *connection = vendor_connection_new(&config);
    bool renewed =
        reading->target.connector->ops->open(connection) && (ended || vendor_renew(connection));
    vendor_close(connection);
    reading->tokens = vendor_tokens(connection);
    return (struct renewal_end){renewed, vendor_verdict(connection)};
}

/* A token that has not ended yet is handed out where it cannot be renewed. A rejected renewal got
 * no tokens, so it may be made once more, when a reference leads to something else now. */
static bool renew(struct secret_reading *reading)
{
    bool ended = ends_within(&reading->stored.tokens, 0); /* then opening renews it */
    struct renewal_end end = ask_vendor(reading, ended);
    if (!end.renewed && end.verdict.kind == VERDICT_REJECTED &&
        profile_credentials_reread(reading->context, reading->profile->key, &reading->target,
                                   &reading->credentials)) {
        grant_journal_done(&reading->journal);
        end = ask_vendor(reading, ended);
    }
    if (end.renewed || !ended)
        return true;
    grant_journal_done(&reading->journal);
    reading->fell_back = profile_fall_back(reading->context, reading->profile, &end.verdict,
                                           reading->audit.request_id, reading->deadline_ms,
                                           reading->arena) == FALLBACK_DONE;
    return fail_verdict(reading, &end.verdict);
}

static bool put_tokens(struct db *db, struct secret_reading *reading, struct error *error)
{
    return profile_tokens_apply(db, &reading->profile->key, &reading->tokens_change, error) &&
           (reading->tokens_change.what != TOKENS_PUT ||
            secret_mirror_follow(db, reading->context, reading->target.connector, reading->profile,
                                 error));
}

static bool apply(struct db *db, void *argument, struct error *error)
{
    struct secret_reading *reading = argument;
    struct audit_entry entry = reading->audit;
    enum profile_tokens_owner owner;
    entry.at_ms = clock_wall_ms();
    entry.outcome = STR("ok");
    return profile_tokens_find_owner(db, reading->profile, reading->arena, &owner, error) &&
           (owner != TOKENS_OWNER_HERE || put_tokens(db, reading, error)) &&
           (owner == TOKENS_OWNER_PREVIOUS ||
            grant_journal_consume(db, &reading->journal, error)) &&
           audit_add(db, &entry, error);
}

static bool commit(struct secret_reading *reading)
{
    const struct profile_tokens_question question = {
        .connector = reading->target.connector,
        .profile = reading->profile,
        .before = &reading->stored,
        .tokens = &reading->tokens,
        .target = &reading->target,
        .spent = grant_journal_spent(&reading->journal),
        .data_key = reading->credentials.data_key,
    };
    bool done = profile_tokens_plan(reading->context, &question, reading->arena,
                                    &reading->tokens_change, reading->error) &&
                store_apply(reading->context->store, apply, reading, false, reading->error);
    if (done && reading->tokens_change.what == TOKENS_PUT)
        secret_mirror_wake(reading->context);
    if (done)
        token_follow_wake(reading->context, &reading->tokens_change.follow);
    return done;
}

/* --- one renewal at a time --- */

/* Keeps the tokens in hand where the store has none any more: the credentials were replaced
 * meanwhile, and this reader began before that. */
static bool reload_tokens(struct secret_reading *reading)
{
    struct profile_tokens now;
    if (!profile_tokens_load(reading->context, reading->target.connector, reading->profile,
                             reading->arena, &now, reading->error))
        return false;
    if (now.tokens.access_token.data) {
        reading->stored = now;
        reading->tokens = now.tokens;
    }
    return true;
}

/* Renewals of one secret are coalesced: one reader asks the vendor, and all hand out what it got.
 * The claim is held until the new tokens are committed. *ret_claim NULL: it was not free in time,
 * and the token in hand has not ended. The grant journal sees to it, for everything that renews,
 * that no refresh token is shown twice. */
static bool claim_renewal(struct secret_reading *reading, struct idempotency_claim **ret_claim)
{
    static const unsigned char same[REQUEST_HASH_SIZE];
    const struct profile_key *profile = &reading->profile->key;
    struct client_token key = {profile->account, profile->region, STR("renewal"), profile->name};
    enum client_token_state state;
    struct str answer;
    if (!client_token_claim(reading->context->store, reading->arena, &key, same,
                            reading->context->verify_timeout_ms, &state, ret_claim, &answer,
                            reading->error))
        return false;
    if (state != CLIENT_TOKEN_CLAIMED)
        return !ends_within(&reading->stored.tokens, 0) ||
               fail(reading->error, ERR_UNAVAILABLE,
                    "The access token of profile %.*s is being renewed by another request. Try "
                    "again.",
                    STR_ARG(profile->name));
    return reload_tokens(reading);
}

static bool is_old(const struct secret_reading *reading)
{
    return reading->target.connector->ops->open &&
           ends_within(&reading->stored.tokens, PROFILE_SECRET_FRESH_MS);
}

/* With a token that is fresh, and all that came of it stored. */
static bool read_fresh(struct secret_reading *reading)
{
    struct idempotency_claim *claim = NULL;
    bool good = (!is_old(reading) || claim_renewal(reading, &claim)) &&
                (!claim || !is_old(reading) || renew(reading)) && commit(reading);
    grant_journal_done(&reading->journal);
    if (claim)
        client_token_release(reading->context->store, claim);
    return good;
}

static bool read(struct secret_reading *reading)
{
    return open_profile(reading) && read_fresh(reading);
}

static bool load_again(struct secret_reading *reading, struct profile *profile)
{
    bool found = false;
    return profile_load(reading->context->store, reading->arena, profile->key, profile, &found,
                        reading->error) &&
           found;
}

bool profile_secret_read(const struct profile_context *context, struct arena *arena,
                         const struct audit_entry *audit, struct profile_secret *secret,
                         struct str *ret_text, struct error *error)
{
    const struct secret_reading fresh = {
        .context = context,
        .arena = arena,
        .profile = &secret->profile,
        .audit = *audit,
        .deadline_ms = clock_mono_ms() + context->verify_timeout_ms,
        .error = error,
    };
    struct secret_reading reading = fresh;
    if (!read(&reading)) {
        if (!reading.fell_back || !load_again(&reading, &secret->profile))
            return false;
        reading = fresh;
        *error = (struct error){0};
        if (!read(&reading))
            return false;
    }
    bool changed = reading.tokens_change.what == TOKENS_PUT;
    set_version(context, reading.profile,
                changed ? reading.tokens_change.row.version : reading.stored.version,
                secret->version_id);
    *ret_text = secret_text(arena, reading.target.credentials, &reading.tokens);
    return ret_text->data || fail(error, ERR_INTERNAL,
                                  "The credentials of profile %.*s have more "
                                  "than %d bytes.",
                                  STR_ARG(reading.profile->key.name), SECRET_TEXT_MAX);
}

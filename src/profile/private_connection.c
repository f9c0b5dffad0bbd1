/* Load, ask the vendor, seal, commit by compare-and-swap: the background half of a change in
 * Private mode. An update or delete that comes in between wins. */
#include "profile/private_connection.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "profile/provisioning_state.h"
#include "profile/seal.h"
#include "profile/verify.h"
#include "store/audit.h"
#include "wire/errors.h"
#include "wire/restjson.h"

#include <stdlib.h>

struct private_connection {
    const struct profile_context *context;
    struct arena arena;
    struct profile profile; /* as loaded; then as it is going to be */
    struct arena trial;     /* of the latest try to ask, whose memory goes when another is made */
    int64_t expected_version;
    bool loaded;
    struct idempotency_claim *claim; /* no other node does the same; NULL: not yet */
    enum verdict_kind verdict;
    struct grant_journal journal;
    bool asked; /* what follows is set */
    struct provisioning result;
    struct str sentence; /* why it failed */
};

struct private_connection *private_connection_new(const struct profile_context *context,
                                                  struct profile_key key, int64_t version)
{
    struct private_connection *connection = xcalloc(1, sizeof(*connection));
    connection->context = context;
    connection->expected_version = version;
    connection->verdict = VERDICT_INTERNAL;
    connection->profile.key = profile_key_copy(&connection->arena, key);
    return connection;
}

void private_connection_free(struct private_connection *connection)
{
    grant_journal_done(&connection->journal);
    client_token_release(connection->context->store, connection->claim);
    arena_done(&connection->trial);
    arena_done(&connection->arena);
    free(connection);
}

/* False when the row is not as it was any more: nothing is left to do. */
static bool load(struct private_connection *connection, bool *ret_found, struct error *error)
{
    struct store *store = connection->context->store;
    struct profile *profile = &connection->profile;
    struct store_reader *reader;
    if (!store_point_reader_take(store, &reader, error))
        return false;
    bool ok = profile_find(reader, &connection->arena, profile->key, profile, ret_found, error);
    store_point_reader_put(store, reader);
    *ret_found = ok && *ret_found && profile->version == connection->expected_version &&
                 provisioning_is_pending(&profile->provisioning);
    fault_point("connection:loaded");
    return ok;
}

/* --- the vendor --- */

static void conclude(struct private_connection *connection, enum verdict_kind verdict,
                     struct str sentence)
{
    connection->asked = true;
    connection->verdict = verdict;
    connection->sentence = sentence;
    connection->result = provisioning_of(&connection->trial, verdict, sentence);
}

static void conclude_internal(struct private_connection *connection, const struct error *error)
{
    conclude(connection, VERDICT_INTERNAL,
             arena_copy(&connection->trial, str_from(error->message)));
}

static bool open_row(struct private_connection *connection, struct profile_question *question,
                     struct profile_secrets *secrets, struct error *error)
{
    struct profile *profile = &connection->profile;
    struct value *properties;
    const struct connector *connector = connector_by_type(profile->connector_type);
    if (!connector || !connector_is_built(connector))
        return fail(error, ERR_INTERNAL, "The profile is for a connector unknown here.");
    if (!json_parse(profile->properties, &connection->trial, &properties))
        return fail(error, ERR_INTERNAL, "The profile's properties cannot be read.");
    if (!profile_unseal(connection->context->keyring, profile, &connection->trial, secrets, error))
        return false;
    *question = (struct profile_question){
        .connector = connector,
        .key = profile->key,
        .properties = properties->count > 0 ? properties->items[0] : properties,
        .credentials = secrets->credentials,
        .stored = &secrets->tokens,
        .is_private = true,
    };
    return true;
}

/* Tokens that an exchange gave are kept also when the vendor does not accept them in the end: the
 * code or refresh token that they came from may not work a second time. */
static bool seal(struct private_connection *connection, const struct value *credentials,
                 const struct oauth_tokens *tokens, struct error *error)
{
    struct profile *profile = &connection->profile;
    profile->version = connection->expected_version + 1;
    return profile_seal(connection->context->keyring, profile, credentials, tokens,
                        &connection->trial, &profile->sealed_credentials, error);
}

static void begin_trial(struct private_connection *connection)
{
    grant_journal_done(&connection->journal);
    arena_done(&connection->trial);
}

/* Nothing is concluded as long as the store is away, or another request exchanges the same code:
 * what came of it until then is in the journal. */
static void ask(struct private_connection *connection)
{
    struct profile_question question = {0};
    struct profile_secrets secrets = {0};
    struct verdict verdict = {0};
    struct oauth_tokens tokens = {0};
    struct error error = {0};
    struct arena *arena = &connection->trial;
    if (!grant_journal_settle(&connection->journal))
        return;
    begin_trial(connection);
    if (!open_row(connection, &question, &secrets, &error)) {
        conclude_internal(connection, &error);
        return;
    }
    profile_verify(connection->context, &question, arena, &connection->journal, &verdict, &tokens);
    fault_point("connection:verified");
    if (verdict.passes)
        return;
    struct str sentence =
        verdict.kind == VERDICT_ACCEPTED
            ? STR("")
            : verdict_describe(arena, connection->profile.connector_type, &verdict);
    conclude(connection, verdict.kind, sentence);
    if (!seal(connection, secrets.credentials, &tokens, &error))
        conclude_internal(connection, &error);
    fault_point("connection:sealed");
}

/* --- the commit --- */

static struct audit_entry audit_of(const struct private_connection *connection)
{
    bool accepted = connection->verdict == VERDICT_ACCEPTED;
    enum err code =
        connection->verdict == VERDICT_INTERNAL ? ERR_INTERNAL : ERR_CONNECTOR_AUTHENTICATION;
    return (struct audit_entry){
        .at_ms = clock_wall_ms(),
        .account = connection->profile.key.account,
        .region = connection->profile.key.region,
        .operation = STR("PrivateConnectionProvisioning"),
        .resource = connection->profile.key.name,
        .outcome = accepted ? STR("ok") : str_from(error_kind(code)->exception),
        .detail = connection->sentence,
        .version = connection->profile.version,
    };
}

static bool apply(struct db *db, void *argument, struct error *error)
{
    struct private_connection *connection = argument;
    struct audit_entry entry = audit_of(connection);
    return profile_replace(db, &connection->profile, connection->expected_version, error) &&
           grant_journal_consume(db, &connection->journal, error) && audit_add(db, &entry, error);
}

static bool apply_discard(struct db *db, void *argument, struct error *error)
{
    return grant_journal_consume(db, argument, error);
}

/* The profile went away under its provisioning, and what was got for it must not stay behind. */
static void discard(struct private_connection *connection)
{
    struct error error = {0};
    if (connection->journal.used_count > 0 &&
        !store_apply(connection->context->store, apply_discard, &connection->journal, true, &error))
        log_warn("Tokens for a deleted profile stay until they expire: %s", error.message);
}

static void log_failure(const struct private_connection *connection)
{
    const struct profile_key *key = &connection->profile.key;
    log_warn("The private connection of %.*s (account %.*s, %.*s) failed: %.*s", STR_ARG(key->name),
             STR_ARG(key->account), STR_ARG(key->region), STR_ARG(connection->sentence));
}

static enum private_connection_end commit(struct private_connection *connection)
{
    struct error error = {0};
    connection->profile.provisioning = connection->result;
    connection->profile.version = connection->expected_version + 1;
    if (store_apply(connection->context->store, apply, connection, false, &error)) {
        fault_point("connection:committed");
        if (connection->verdict != VERDICT_ACCEPTED)
            log_failure(connection);
        return PRIVATE_CONNECTION_DONE;
    }
    if (error.code != ERR_NOT_FOUND && error.code != ERR_CONFLICT)
        return PRIVATE_CONNECTION_AGAIN;
    discard(connection);
    return PRIVATE_CONNECTION_DONE;
}

/* False as long as another thread or node works on the same profile, or the store is away. */
static bool claim(struct private_connection *connection)
{
    static const unsigned char no_hash[REQUEST_HASH_SIZE];
    const struct profile_key *key = &connection->profile.key;
    struct client_token token = {key->account, key->region, STR("PrivateConnectionProvisioning"),
                                 key->name};
    enum client_token_state state;
    struct str answer;
    struct error error;
    return connection->claim ||
           (client_token_claim(connection->context->store, &connection->arena, &token, no_hash, 0,
                               &state, &connection->claim, &answer, &error) &&
            state == CLIENT_TOKEN_CLAIMED);
}

enum private_connection_end private_connection_run(struct private_connection *connection,
                                                   bool (*is_stopping)(void *context),
                                                   void *context)
{
    struct error error = {0};
    bool found = true;
    if (!claim(connection))
        return PRIVATE_CONNECTION_AGAIN;
    if (!connection->loaded && !load(connection, &found, &error))
        return PRIVATE_CONNECTION_AGAIN;
    if (!found)
        return PRIVATE_CONNECTION_DONE;
    connection->loaded = true;
    if (!connection->asked)
        ask(connection);
    if (!connection->asked)
        return PRIVATE_CONNECTION_AGAIN;
    if (connection->verdict == VERDICT_INTERNAL && is_stopping(context))
        return PRIVATE_CONNECTION_STOPPED;
    return commit(connection);
}

enum verdict_kind private_connection_verdict(const struct private_connection *connection)
{
    return connection->verdict;
}

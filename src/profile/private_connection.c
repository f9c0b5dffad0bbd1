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

struct profile_provision {
    const struct service *service;
    struct arena arena;
    struct profile profile; /* as loaded; then as it is going to be */
    struct arena trial;     /* of the latest try to ask, whose memory goes when another is made */
    int64_t expected_version;
    bool loaded;
    struct token_claim *claim; /* no other node does the same; NULL: not yet */
    enum verdict_kind verdict;
    struct journal journal;
    bool asked; /* what follows is set */
    struct provisioning result;
    struct str sentence; /* why it failed */
};

struct profile_provision *profile_provision_new(const struct service *service,
                                                struct profile_key key, int64_t version)
{
    struct profile_provision *provision = xcalloc(1, sizeof(*provision));
    provision->service = service;
    provision->expected_version = version;
    provision->verdict = VERDICT_INTERNAL;
    provision->profile.key = profile_key_copy(&provision->arena, key);
    return provision;
}

void profile_provision_free(struct profile_provision *provision)
{
    journal_done(&provision->journal);
    token_release(provision->service->config.store, provision->claim);
    arena_done(&provision->trial);
    arena_done(&provision->arena);
    free(provision);
}

/* False when the row is not as it was any more: nothing is left to do. */
static bool load(struct profile_provision *provision, bool *ret_found, struct error *error)
{
    struct store *store = provision->service->config.store;
    struct profile *profile = &provision->profile;
    struct store_reader *reader;
    if (!store_finder_take(store, &reader, error))
        return false;
    bool ok = profile_find(reader, &provision->arena, profile->key, profile, ret_found, error);
    store_finder_put(store, reader);
    *ret_found = ok && *ret_found && profile->version == provision->expected_version &&
                 provisioning_is_pending(&profile->provisioning);
    fault_point("provision:loaded");
    return ok;
}

/* --- the vendor --- */

static void conclude(struct profile_provision *provision, enum verdict_kind verdict,
                     struct str sentence)
{
    provision->asked = true;
    provision->verdict = verdict;
    provision->sentence = sentence;
    provision->result = provisioning_of(&provision->trial, verdict, sentence);
}

static void conclude_internal(struct profile_provision *provision, const struct error *error)
{
    conclude(provision, VERDICT_INTERNAL, arena_copy(&provision->trial, str_from(error->message)));
}

static bool open_row(struct profile_provision *provision, struct profile_question *question,
                     struct profile_secrets *secrets, struct error *error)
{
    struct profile *profile = &provision->profile;
    struct value *properties;
    const struct connector *connector = connector_by_type(profile->connector_type);
    if (!connector || !connector_is_built(connector))
        return fail(error, ERR_INTERNAL, "The profile is for a connector unknown here.");
    if (!json_parse(profile->properties, &provision->trial, &properties))
        return fail(error, ERR_INTERNAL, "The profile's properties cannot be read.");
    if (!profile_unseal(provision->service, profile, &provision->trial, secrets, error))
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
static bool seal(struct profile_provision *provision, const struct value *credentials,
                 const struct tokens *tokens, struct error *error)
{
    struct profile *profile = &provision->profile;
    profile->version = provision->expected_version + 1;
    return profile_seal(provision->service, profile, credentials, tokens, &provision->trial,
                        &profile->sealed_credentials, error);
}

static void begin_trial(struct profile_provision *provision)
{
    journal_done(&provision->journal);
    arena_done(&provision->trial);
}

/* Nothing is concluded as long as the store is away, or another request exchanges the same code:
 * what came of it until then is in the journal. */
static void ask(struct profile_provision *provision)
{
    struct profile_question question = {0};
    struct profile_secrets secrets = {0};
    struct verdict verdict = {0};
    struct tokens tokens = {0};
    struct error error = {0};
    struct arena *arena = &provision->trial;
    if (!journal_settle(&provision->journal))
        return;
    begin_trial(provision);
    if (!open_row(provision, &question, &secrets, &error)) {
        conclude_internal(provision, &error);
        return;
    }
    profile_verify(provision->service, &question, arena, &provision->journal, &verdict, &tokens);
    fault_point("provision:verified");
    if (verdict.passes)
        return;
    struct str sentence =
        verdict.kind == VERDICT_ACCEPTED
            ? STR("")
            : verdict_describe(arena, provision->profile.connector_type, &verdict);
    conclude(provision, verdict.kind, sentence);
    if (!seal(provision, secrets.credentials, &tokens, &error))
        conclude_internal(provision, &error);
    fault_point("provision:sealed");
}

/* --- the commit --- */

static struct audit_entry audit_of(const struct profile_provision *provision)
{
    bool accepted = provision->verdict == VERDICT_ACCEPTED;
    enum err code =
        provision->verdict == VERDICT_INTERNAL ? ERR_INTERNAL : ERR_CONNECTOR_AUTHENTICATION;
    return (struct audit_entry){
        .at_ms = clock_wall_ms(),
        .account = provision->profile.key.account,
        .region = provision->profile.key.region,
        .operation = STR("PrivateConnectionProvisioning"),
        .resource = provision->profile.key.name,
        .outcome = accepted ? STR("ok") : str_from(error_kind(code)->exception),
        .detail = provision->sentence,
        .version = provision->profile.version,
    };
}

static bool apply(struct db *db, void *argument, struct error *error)
{
    struct profile_provision *provision = argument;
    struct audit_entry entry = audit_of(provision);
    return profile_replace(db, &provision->profile, provision->expected_version, error) &&
           journal_consume(db, &provision->journal, error) && audit_add(db, &entry, error);
}

static bool apply_discard(struct db *db, void *argument, struct error *error)
{
    return journal_consume(db, argument, error);
}

/* The profile went away under its provisioning, and what was got for it must not stay behind. */
static void discard(struct profile_provision *provision)
{
    struct error error = {0};
    if (provision->journal.used_count > 0 &&
        !store_apply(provision->service->config.store, apply_discard, &provision->journal, true,
                     &error))
        log_warn("Tokens for a deleted profile stay until they expire: %s", error.message);
}

static void log_failure(const struct profile_provision *provision)
{
    const struct profile_key *key = &provision->profile.key;
    log_warn("The private connection of %.*s (account %.*s, %.*s) failed: %.*s", STR_ARG(key->name),
             STR_ARG(key->account), STR_ARG(key->region), STR_ARG(provision->sentence));
}

static enum provision_end commit(struct profile_provision *provision)
{
    struct error error = {0};
    provision->profile.provisioning = provision->result;
    provision->profile.version = provision->expected_version + 1;
    if (store_apply(provision->service->config.store, apply, provision, false, &error)) {
        fault_point("provision:committed");
        if (provision->verdict != VERDICT_ACCEPTED)
            log_failure(provision);
        return PROVISION_DONE;
    }
    if (error.code != ERR_NOT_FOUND && error.code != ERR_CONFLICT)
        return PROVISION_AGAIN;
    discard(provision);
    return PROVISION_DONE;
}

/* False as long as another thread or node works on the same profile, or the store is away. */
static bool claim(struct profile_provision *provision)
{
    static const unsigned char no_hash[REQUEST_HASH_SIZE];
    const struct profile_key *key = &provision->profile.key;
    struct token_key token = {key->account, key->region, STR("PrivateConnectionProvisioning"),
                              key->name};
    enum token_state state;
    struct str answer;
    struct error error;
    return provision->claim ||
           (token_claim(provision->service->config.store, &provision->arena, &token, no_hash, 0,
                        &state, &provision->claim, &answer, &error) &&
            state == TOKEN_CLAIMED);
}

enum provision_end profile_provision_run(struct profile_provision *provision,
                                         bool (*is_stopping)(void *context), void *context)
{
    struct error error = {0};
    bool found = true;
    if (!claim(provision))
        return PROVISION_AGAIN;
    if (!provision->loaded && !load(provision, &found, &error))
        return PROVISION_AGAIN;
    if (!found)
        return PROVISION_DONE;
    provision->loaded = true;
    if (!provision->asked)
        ask(provision);
    if (!provision->asked)
        return PROVISION_AGAIN;
    if (provision->verdict == VERDICT_INTERNAL && is_stopping(context))
        return PROVISION_STOPPED;
    return commit(provision);
}

enum verdict_kind profile_provision_verdict(const struct profile_provision *provision)
{
    return provision->verdict;
}

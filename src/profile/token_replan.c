/* Due times follow the token policies: what was planned by another policy, of an earlier version or
 * an earlier --token-policy, is planned anew, by a job that this node has. Which policies planned
 * what is stored is a value of the store, a line for each connector type. */
#include "profile/token_keeper.h"

#include "base/buf.h"
#include "base/encode.h"
#include "connector/http/http_connector.h"
#include "connector/token_policies.h"
#include "job/job.h"
#include "store/meta.h"
#include "vault/crypto.h"

#define PLANNED_BY STR("token-policies") /* in meta */

enum {
    DIGEST_SIZE = 8, /* bytes */
    LINES_MAX = 4096,
};

/* "Type=digest of its policies"; STR_NULL: the type has none. */
static struct str line_of(struct arena *arena, const struct connector *connector)
{
    unsigned char digest[CRYPTO_HASH_SIZE];
    char hex[2 * DIGEST_SIZE + 1];
    struct str policies = STR_NULL;
    for (size_t i = 0; connector->http && i < connector->http->auth.count; i++) {
        const struct connector_oauth2 *oauth2 = connector->http->auth.rows[i].oauth2;
        if (oauth2)
            policies = arena_printf(
                arena, "%.*s%.*s\n", STR_ARG(policies),
                STR_ARG(token_policy_text(arena, token_policy_in_force(&oauth2->policy))));
    }
    if (!policies.data)
        return STR_NULL;
    crypto_sha256(policies, digest);
    encode_hex(digest, DIGEST_SIZE, hex);
    return arena_printf(arena, "%.*s=%s\n", STR_ARG(connector->type), hex);
}

static struct str lines_in_force(struct arena *arena)
{
    struct buf lines = buf_in(arena, LINES_MAX);
    for (size_t i = 0; i < connector_count(); i++) {
        struct str line = line_of(arena, connector_at(i));
        buf_printf(&lines, "%.*s", STR_ARG(line));
    }
    return buf_str(&lines);
}

static bool read_planned_by(struct store *store, struct arena *arena, struct str *ret_lines,
                            struct error *error)
{
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = meta_get(reader, arena, PLANNED_BY, ret_lines, error);
    store_reader_put(store, reader);
    return ok;
}

bool token_replan_note(struct db *db, struct error *error)
{
    struct arena arena = {0};
    bool ok = meta_put(db, PLANNED_BY, lines_in_force(&arena), error);
    arena_done(&arena);
    return ok;
}

bool token_replan_types(struct store *store, struct arena *arena, const bool **ret_types,
                        struct error *error)
{
    struct str planned_by;
    bool *types = arena_array(arena, bool, connector_count());
    if (!read_planned_by(store, arena, &planned_by, error))
        return false;
    for (size_t i = 0; i < connector_count(); i++) {
        struct str line = line_of(arena, connector_at(i));
        types[i] = line.data && !str_contains(planned_by, line);
    }
    *ret_types = types;
    return true;
}

/* --- at the start --- */

static bool apply_note(struct db *db, void *argument, struct error *error)
{
    (void)argument;
    return token_replan_note(db, error);
}

static bool apply_job(struct db *db, void *argument, struct error *error)
{
    return job_slot_insert(db, argument, error);
}

/* Leased to this node from the beginning: others may still have the policies of before. */
static bool begin_job(const struct profile_context *context)
{
    struct job_slot *slot;
    struct error ignored;
    if (job_reserve(context->token_keeper, STR(""), STR_NULL, &slot) != HOST_SHARE_ROOM)
        return false;
    job_slot_set(slot, STR(""), STR(""), TOKEN_REPLAN_JOB, STR(""));
    bool ok = store_apply(context->store, apply_job, slot, false, &ignored);
    if (ok)
        job_post(slot);
    else
        job_slot_release(slot);
    return ok;
}

/* A store that never had policies noted was planned by those of now, as far as is known. */
static bool look(const struct profile_context *context, struct arena *arena)
{
    struct str planned_by;
    struct error ignored;
    if (!read_planned_by(context->store, arena, &planned_by, &ignored))
        return false;
    if (!planned_by.data)
        return store_apply(context->store, apply_note, NULL, false, &ignored);
    return str_eq(planned_by, lines_in_force(arena)) || begin_job(context);
}

void token_replan_look(const struct profile_context *context)
{
    static bool done; /* of the one scheduler's thread */
    struct arena arena = {0};
    done = done || look(context, &arena);
    arena_done(&arena);
}

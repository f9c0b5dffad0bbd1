/* When credentials are kept as the previous ones, and when they go. */
#include "profile/previous.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "job/job.h"
#include "profile/provisioning_state.h"
#include "profile/seal.h"

/* --- the same credentials --- */

/* No part of a profile's key has the end of a line. */
static void add_part(struct buf *text, struct str part)
{
    buf_add(text, part);
    buf_add_char(text, '\n');
}

int64_t profile_credentials_hash(const struct profile_context *context,
                                 const struct profile_key *key, const struct value *given,
                                 struct arena *arena)
{
    struct buf text = buf_in(arena, SEALED_PLAIN_MAX);
    if (context->previous_ms == 0)
        return 0;
    add_part(&text, key->account);
    add_part(&text, key->region);
    add_part(&text, key->name);
    value_encode(&text, given);
    int64_t hash = (int64_t)siphash(context->credentials_hash_key, buf_str(&text));
    return hash != 0 ? hash : 1;
}

/* Rows of earlier versions have no hash: it is made of what is sealed. False: the seal does not
 * open. */
static bool hash_of_row(const struct profile_context *context, const struct profile *row,
                        struct arena *arena, int64_t *ret_hash)
{
    struct profile_sealed sealed;
    struct error ignored;
    *ret_hash = row->credentials_hash;
    if (*ret_hash != 0)
        return keyring_find(context->keyring, seal_key_id(row->sealed_credentials)) != NULL;
    if (!profile_unseal(context, row, arena, &sealed, &ignored))
        return false;
    *ret_hash = profile_credentials_hash(context, &row->key, sealed.credentials, arena);
    return true;
}

void previous_plan(const struct profile_context *context, const struct profile *current,
                   int64_t credentials_hash, struct arena *arena, struct previous_plan *ret_plan)
{
    bool was_accepted = !str_eq(current->provisioning.status, PROVISIONING_FAILED);
    int64_t hash;
    *ret_plan = (struct previous_plan){.what = PREVIOUS_LEAVE};
    if (context->previous_ms == 0)
        ret_plan->what = current->previous_until_ms != 0 ? PREVIOUS_REMOVE : PREVIOUS_LEAVE;
    else if (was_accepted && hash_of_row(context, current, arena, &hash) &&
             hash != credentials_hash)
        *ret_plan = (struct previous_plan){
            .what = PREVIOUS_MOVE,
            .keeping = {.until_ms = clock_wall_ms() + context->previous_ms},
        };
}

/* --- reading them --- */

bool previous_may_exist(const struct profile_context *context, const struct profile *current)
{
    return context->previous_ms != 0 && current->previous_until_ms > clock_wall_ms();
}

static bool find(const struct profile_context *context, const struct profile *current,
                 struct arena *arena, struct previous_credentials *ret_previous, bool *ret_found,
                 struct error *error)
{
    struct store_reader *reader;
    if (!store_reader_take(context->store, &reader, error))
        return false;
    bool ok = previous_find(reader, arena, current, ret_previous, ret_found, error);
    store_reader_put(context->store, reader);
    return ok;
}

bool previous_load(const struct profile_context *context, const struct profile *current,
                   struct arena *arena, struct previous_credentials *ret_previous,
                   struct error *error)
{
    struct str name = current->key.name;
    bool found = false;
    if (context->previous_ms == 0)
        return fail(error, ERR_NOT_FOUND,
                    "Connector Profile with name %.*s has no previous credentials: this server "
                    "keeps none (--previous-credentials 0).",
                    STR_ARG(name));
    if (current->previous_until_ms == 0)
        return fail(error, ERR_NOT_FOUND,
                    "Connector Profile with name %.*s has no previous credentials: none were "
                    "replaced by others, or they are not kept any more.",
                    STR_ARG(name));
    if (!previous_may_exist(context, current)) {
        char until[CLOCK_TEXT_SIZE];
        clock_text(current->previous_until_ms, until);
        return fail(error, ERR_NOT_FOUND,
                    "The previous credentials of Connector Profile with name %.*s were kept until "
                    "%s and cannot be used any more.",
                    STR_ARG(name), until);
    }
    if (!find(context, current, arena, ret_previous, &found, error))
        return false;
    return found ||
           fail(error, ERR_CONFLICT,
                "Connector Profile with name %.*s was changed by another request.", STR_ARG(name));
}

/* --- removing those that have expired --- */

enum { PREVIOUS_SWEEP_PAGES = 20 }; /* a look */

struct expired_page {
    const struct profile_key *keys;
    size_t count;
    int64_t now_ms;
};

static bool apply_removal(struct db *db, void *argument, struct error *error)
{
    const struct expired_page *page = argument;
    for (size_t i = 0; i < page->count; i++) {
        if (!previous_remove(db, page->keys[i], page->now_ms, error))
            return false;
    }
    return true;
}

/* The scheduler's thread has other work: each look begins behind the page at which the last one
 * ended, and the log is emptied once, after its last page. */
static struct sweep {
    int64_t next_ms;          /* when the next one begins */
    struct arena arena;       /* of `after` */
    struct profile_key after; /* the last one that was looked at; "": none */
    bool is_scrub_due;        /* removed ones are in the log of the database */
} sweep;                      /* of the one scheduler's thread */

static bool read_page(const struct profile_context *context, struct arena *arena,
                      struct expired_page *page, struct error *error)
{
    struct store_reader *reader;
    struct profile_key *keys = NULL;
    if (!store_reader_take(context->store, &reader, error))
        return false;
    bool ok =
        previous_expired(reader, arena, page->now_ms, sweep.after, &keys, &page->count, error);
    store_reader_put(context->store, reader);
    page->keys = keys;
    return ok;
}

static void move_on(const struct expired_page *page)
{
    struct arena arena = {0};
    if (page->count > 0)
        sweep.after = profile_key_copy(&arena, page->keys[page->count - 1]);
    arena_done(&sweep.arena);
    sweep.arena = arena;
}

/* Where none are to be kept any more, all have expired. */
static bool sweep_page(const struct profile_context *context, bool is_last, size_t *ret_count)
{
    struct arena arena = {0};
    struct error error; /* logged by the store, and tried again at the next look */
    struct expired_page page = {.now_ms = context->previous_ms != 0 ? clock_wall_ms() : INT64_MAX};
    bool ok = read_page(context, &arena, &page, &error);
    bool scrubs = is_last || page.count < PREVIOUS_EXPIRED_MAX;
    if (ok && (page.count > 0 || (scrubs && sweep.is_scrub_due)))
        ok = store_apply(context->store, apply_removal, &page, scrubs, &error);
    if (ok) {
        sweep.is_scrub_due = !scrubs;
        *ret_count = page.count;
        if (page.count > 0)
            move_on(&page);
    }
    arena_done(&arena);
    return ok;
}

static void end_sweep(void)
{
    arena_done(&sweep.arena);
    sweep.after = (struct profile_key){0};
    sweep.next_ms = clock_mono_ms() + PREVIOUS_SWEEP_MS;
}

void previous_sweep_look(void *argument)
{
    const struct profile_context *context = argument;
    size_t count = PREVIOUS_EXPIRED_MAX, removed = 0;
    bool ok = true;
    if (clock_mono_ms() < sweep.next_ms)
        return;
    for (int page = 1; ok && count == PREVIOUS_EXPIRED_MAX && page <= PREVIOUS_SWEEP_PAGES;
         page++) {
        bool is_last =
            page == PREVIOUS_SWEEP_PAGES || job_is_stopping(context->private_connections);
        ok = sweep_page(context, is_last, &count);
        removed += ok ? count : 0;
        if (is_last)
            break;
    }
    if (removed > 0)
        log_info("Removed the previous credentials of %zu profiles, whose time was over.", removed);
    if (ok && count < PREVIOUS_EXPIRED_MAX)
        end_sweep();
    else if (ok)
        job_runner_look(context->private_connections);
}

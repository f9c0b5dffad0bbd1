/* The slots in memory: which are free, held by a call, or left. */
#include "escrow/escrow.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/random.h"
#include "work/keyed_share.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLIGHT_EXTRA_MS = 5 * 1000 }; /* after a call's deadline: its answer is written by then */

const struct metric metric_escrow_slots = {
    "headgate_escrow_slots",
    "Slots for vendors' answers to token renewals that are in use.",
    .kind = METRIC_GAUGE,
    METRIC_SERIES(1),
};

enum slot_use {
    SLOT_FREE,
    SLOT_HELD,  /* a call has it */
    SLOT_LEFT,  /* with an answer, or one may come */
    SLOT_TAKEN, /* was left; one thread looks at it */
};

struct escrow_slot {
    enum slot_use use;
    bool has_tag;
    unsigned char tag[ESCROW_TAG_SIZE];
    bool aside; /* see escrow_put_aside */
    /* See escrow_put_off; on clock_mono_ms(). */
    int64_t retry_at_ms, retry_ms;
    unsigned char id[ESCROW_ID_SIZE];
    int writer;              /* of an earlier process; -1: the call is this server's own */
    int64_t until_ms;        /* of such a call: it has ended by then, on clock_mono_ms() */
    struct share_key *share; /* likewise; NULL: of an earlier process */
};

struct escrow {
    char path[4096];
    struct courier *courier;
    atomic_int left;
    atomic_bool is_looked_at;
    pthread_mutex_t mutex; /* guards what follows */
    int fd;                /* -1: there is no file */
    int writer_fd;         /* -1: no call was made */
    int writer;
    bool courier_is_gone;
    int used;
    struct keyed_share share;
    struct escrow_slot slots[ESCROW_SLOTS];
};

/* --- under the lock --- */

static void set_use(struct escrow *escrow, int index, enum slot_use use)
{
    struct escrow_slot *slot = &escrow->slots[index];
    bool was_left = slot->use >= SLOT_LEFT, is_left = use >= SLOT_LEFT;
    escrow->used += (use != SLOT_FREE) - (slot->use != SLOT_FREE);
    atomic_fetch_add(&escrow->left, is_left - was_left);
    metrics_set(&metric_escrow_slots, escrow->used);
    slot->use = use;
}

static void free_slot(struct escrow *escrow, int index)
{
    struct escrow_slot *slot = &escrow->slots[index];
    escrow_slot_clear(escrow->fd, index);
    set_use(escrow, index, SLOT_FREE);
    if (slot->share)
        share_give(&escrow->share, slot->share);
    *slot = (struct escrow_slot){0};
}

/* Whether an answer may still come into the slot. When this server has locked the number of the
 * slot's writer, that writer has ended. */
static bool is_in_progress(const struct escrow *escrow, const struct escrow_slot *slot)
{
    if (slot->writer < 0)
        return clock_mono_ms() < slot->until_ms;
    bool is_own = escrow->writer_fd >= 0 && slot->writer == escrow->writer;
    return !is_own && escrow_writer_lives(escrow->fd, slot->writer);
}

static bool is_answered(const struct escrow *escrow, int index)
{
    return escrow_slot_is_answered(escrow->fd, index, escrow->slots[index].id);
}

/* --- the file --- */

static bool open_file(struct escrow *escrow, bool make, struct error *error)
{
    if (!escrow_file_open(escrow->path, make, &escrow->fd, error))
        return false;
    if (escrow->fd < 0 || escrow_file_own(escrow->fd))
        return true;
    close_fd(&escrow->fd);
    return fail(error, ERR_CONFLICT,
                "Another server uses %s. Give each server a data directory of its own.",
                escrow->path);
}

/* What processes before this one left. */
static void read_slots(struct escrow *escrow)
{
    struct arena arena = {0};
    struct escrow_head head;
    for (int i = 0; i < ESCROW_SLOTS; i++) {
        if (!escrow_slot_read(escrow->fd, i, &arena, &head))
            continue;
        escrow->slots[i].writer = head.writer;
        memcpy(escrow->slots[i].id, head.id, ESCROW_ID_SIZE);
        set_use(escrow, i, SLOT_LEFT);
    }
    arena_done(&arena);
}

bool escrow_new(const char *directory, struct courier *courier, struct escrow **ret_escrow,
                struct error *error)
{
    struct escrow *escrow = xcalloc(1, sizeof(*escrow));
    escrow->courier = courier;
    escrow->fd = escrow->writer_fd = -1;
    escrow->share.size = ESCROW_SLOTS;
    pthread_mutex_init(&escrow->mutex, NULL);
    snprintf(escrow->path, sizeof(escrow->path), "%s/escrow", directory);
    if (!open_file(escrow, false, error)) {
        escrow_free(escrow);
        return false;
    }
    if (escrow->fd >= 0)
        read_slots(escrow);
    *ret_escrow = escrow;
    return true;
}

void escrow_free(struct escrow *escrow)
{
    if (!escrow)
        return;
    close_fd(&escrow->writer_fd);
    close_fd(&escrow->fd);
    for (int i = 0; i < ESCROW_SLOTS; i++) {
        if (escrow->slots[i].share)
            share_give(&escrow->share, escrow->slots[i].share);
    }
    share_done(&escrow->share);
    pthread_mutex_destroy(&escrow->mutex);
    free(escrow);
}

/* --- a call --- */

/* With the first call. The courier has the same descriptor, and keeps the lock when this process
 * ends. */
static bool lock_writer(struct escrow *escrow, struct error *error)
{
    if (escrow->writer_fd >= 0)
        return true;
    if (!escrow_writer_lock(escrow->path, &escrow->writer_fd, &escrow->writer, error))
        return false;
    if (escrow->courier)
        courier_give_writer(escrow->courier,
                            escrow->writer_fd); /* the call finds out if it is gone */
    return true;
}

/* Before a vendor is asked for the first time: a disk that is full then loses nothing. */
static bool make_ready(struct escrow *escrow, struct error *error)
{
    if (escrow->fd < 0 && !open_file(escrow, true, error))
        return false;
    return lock_writer(escrow, error);
}

static int find_free(const struct escrow *escrow)
{
    for (int i = 0; i < ESCROW_SLOTS; i++) {
        if (escrow->slots[i].use == SLOT_FREE)
            return i;
    }
    return -1;
}

static bool take(struct escrow *escrow, struct str account, int *ret_slot, struct error *error)
{
    if (!make_ready(escrow, error)) {
        error->code = ERR_UNAVAILABLE;
        return false;
    }
    int index = find_free(escrow);
    struct share_key *share = index >= 0 ? share_take(&escrow->share, account) : NULL;
    if (!share)
        return fail(error, ERR_THROTTLING,
                    "As many renewals of tokens are under way as the server can keep answers of.");
    escrow->slots[index] = (struct escrow_slot){.writer = -1, .share = share};
    set_use(escrow, index, SLOT_HELD);
    *ret_slot = index;
    return true;
}

bool escrow_take(struct escrow *escrow, struct str account, struct escrow_hold *ret_hold,
                 struct error *error)
{
    pthread_mutex_lock(&escrow->mutex);
    bool taken = take(escrow, account, &ret_hold->slot, error);
    pthread_mutex_unlock(&escrow->mutex);
    if (!taken)
        return false;
    random_bytes(&ret_hold->key, sizeof(ret_hold->key));
    return true;
}

bool escrow_prepare(struct escrow *escrow, const struct escrow_hold *hold,
                    const unsigned char tag[ESCROW_TAG_SIZE], struct str envelope,
                    struct error *error)
{
    struct escrow_slot *slot = &escrow->slots[hold->slot];
    pthread_mutex_lock(&escrow->mutex);
    memcpy(slot->tag, tag, ESCROW_TAG_SIZE);
    memcpy(slot->id, hold->key.id, ESCROW_ID_SIZE);
    slot->has_tag = true;
    bool done =
        escrow_slot_prepare(escrow->fd, hold->slot, hold->key.id, escrow->writer, envelope, error);
    pthread_mutex_unlock(&escrow->mutex);
    return done;
}

static void set_until(struct escrow *escrow, int slot, int64_t until_ms)
{
    pthread_mutex_lock(&escrow->mutex);
    escrow->slots[slot].until_ms = until_ms;
    pthread_mutex_unlock(&escrow->mutex);
}

static void tell_courier_is_gone(struct escrow *escrow)
{
    pthread_mutex_lock(&escrow->mutex);
    bool is_news = !escrow->courier_is_gone;
    escrow->courier_is_gone = true;
    pthread_mutex_unlock(&escrow->mutex);
    if (is_news)
        log_warn("The process that renews tokens is gone. The server renews them itself, so that "
                 "its own end could lose an answer: start it again.");
}

static bool call_here(struct escrow *escrow, const struct escrow_order *order, client_call_fn *call,
                      struct client *client, struct arena *arena,
                      struct client_response *ret_response)
{
    call(client, arena, &order->request, ret_response);
    return !escrow_is_kept(ret_response) ||
           escrow_slot_answer(escrow->writer_fd, order->slot, &order->key, ret_response->body);
}

bool escrow_call(struct escrow *escrow, const struct escrow_hold *hold, client_call_fn *call,
                 struct client *client, struct arena *arena, const struct client_request *request,
                 struct client_response *ret_response)
{
    struct escrow_order order = {.slot = hold->slot, .key = hold->key, .request = *request};
    struct escrow_reply reply = {.is_kept = true};
    enum courier_end end = COURIER_GONE;
    if (request->body_max == 0 || request->body_max > ESCROW_BODY_MAX)
        order.request.body_max = ESCROW_BODY_MAX;
    set_until(escrow, hold->slot, request->deadline_ms + FLIGHT_EXTRA_MS);
    if (escrow->courier)
        end = courier_call(escrow->courier, &order, arena, &reply);
    *ret_response = reply.response;
    if (escrow->courier && end == COURIER_GONE)
        tell_courier_is_gone(escrow);
    if (end == COURIER_GONE)
        reply.is_kept = call_here(escrow, &order, call, client, arena, ret_response);
    explicit_bzero(&order.key, sizeof(order.key));
    if (end != COURIER_UNKNOWN)
        set_until(escrow, hold->slot, 0);
    fault_point("escrow:answered");
    return end == COURIER_UNKNOWN || reply.is_kept;
}

void escrow_settle(struct escrow *escrow, const struct escrow_hold *hold)
{
    pthread_mutex_lock(&escrow->mutex);
    free_slot(escrow, hold->slot);
    pthread_mutex_unlock(&escrow->mutex);
}

bool escrow_leave(struct escrow *escrow, const struct escrow_hold *hold)
{
    struct escrow_slot *slot = &escrow->slots[hold->slot];
    pthread_mutex_lock(&escrow->mutex);
    /* In this order: the answer may come between the two. */
    bool in_progress = is_in_progress(escrow, slot);
    bool stays = is_answered(escrow, hold->slot) || in_progress;
    if (stays)
        set_use(escrow, hold->slot, SLOT_LEFT);
    else
        free_slot(escrow, hold->slot);
    pthread_mutex_unlock(&escrow->mutex);
    return stays;
}

/* --- what is left --- */

bool escrow_has_left(const struct escrow *escrow)
{
    return atomic_load(&escrow->left) > 0;
}

bool escrow_look_begin(struct escrow *escrow)
{
    return !atomic_exchange(&escrow->is_looked_at, true);
}

void escrow_look_end(struct escrow *escrow)
{
    atomic_store(&escrow->is_looked_at, false);
}

static enum escrow_left judge(struct escrow *escrow, int index)
{
    struct escrow_slot *slot = &escrow->slots[index];
    if (slot->use == SLOT_TAKEN)
        return ESCROW_LEFT_TAKEN;
    if (slot->use != SLOT_LEFT)
        return ESCROW_LEFT_NONE;
    /* First whether the call has ended: its answer may come between the two. */
    bool in_progress = is_in_progress(escrow, slot);
    if (is_answered(escrow, index))
        return ESCROW_LEFT_ANSWERED;
    return in_progress ? ESCROW_LEFT_IN_PROGRESS : ESCROW_LEFT_NONE;
}

enum escrow_left escrow_find_left(struct escrow *escrow, const unsigned char tag[ESCROW_TAG_SIZE])
{
    enum escrow_left found = ESCROW_LEFT_NONE;
    if (!escrow_has_left(escrow))
        return found;
    pthread_mutex_lock(&escrow->mutex);
    for (int i = 0; i < ESCROW_SLOTS && found == ESCROW_LEFT_NONE; i++) {
        const struct escrow_slot *slot = &escrow->slots[i];
        if (slot->use < SLOT_LEFT || slot->aside || !slot->has_tag ||
            memcmp(slot->tag, tag, ESCROW_TAG_SIZE) != 0)
            continue;
        found = judge(escrow, i);
        if (found == ESCROW_LEFT_NONE)
            free_slot(escrow, i);
    }
    pthread_mutex_unlock(&escrow->mutex);
    return found;
}

static bool is_looked_for(const struct escrow_slot *slot, const struct escrow_cursor *cursor)
{
    if (slot->use != SLOT_LEFT || slot->aside || (cursor->untagged && slot->has_tag))
        return false;
    return !cursor->tag || (slot->has_tag && memcmp(slot->tag, cursor->tag, ESCROW_TAG_SIZE) == 0);
}

static bool is_wanted(struct escrow *escrow, int index, const struct escrow_cursor *cursor)
{
    const struct escrow_slot *slot = &escrow->slots[index];
    if (!is_looked_for(slot, cursor) || clock_mono_ms() < slot->retry_at_ms)
        return false;
    enum escrow_left left = judge(escrow, index);
    if (left == ESCROW_LEFT_NONE)
        free_slot(escrow, index);
    return left == ESCROW_LEFT_ANSWERED || (left == ESCROW_LEFT_IN_PROGRESS && !slot->has_tag);
}

bool escrow_take_up(struct escrow *escrow, struct escrow_cursor *cursor, struct arena *arena,
                    int *ret_slot, struct escrow_head *ret_head)
{
    bool found = false;
    pthread_mutex_lock(&escrow->mutex);
    for (int i; !found && (i = cursor->slot) < ESCROW_SLOTS;) {
        cursor->slot++;
        if (!is_wanted(escrow, i, cursor))
            continue;
        found = escrow_slot_read(escrow->fd, i, arena, ret_head);
        if (found)
            set_use(escrow, i, SLOT_TAKEN);
        else
            free_slot(escrow, i);
        *ret_slot = i;
    }
    pthread_mutex_unlock(&escrow->mutex);
    return found;
}

bool escrow_is_answered(struct escrow *escrow, int slot)
{
    pthread_mutex_lock(&escrow->mutex);
    bool answered = is_answered(escrow, slot);
    pthread_mutex_unlock(&escrow->mutex);
    return answered;
}

enum escrow_found escrow_open(struct escrow *escrow, int slot, const struct escrow_call_key *key,
                              struct arena *arena, struct str *ret_answer)
{
    return escrow_slot_open(escrow->fd, slot, key, arena, ret_answer);
}

static void put_back(struct escrow *escrow, int index, const unsigned char *tag)
{
    struct escrow_slot *slot = &escrow->slots[index];
    if (tag)
        memcpy(slot->tag, tag, ESCROW_TAG_SIZE);
    slot->has_tag |= tag != NULL;
    set_use(escrow, index, SLOT_LEFT);
}

void escrow_put_back(struct escrow *escrow, int slot, const unsigned char *tag)
{
    pthread_mutex_lock(&escrow->mutex);
    put_back(escrow, slot, tag);
    pthread_mutex_unlock(&escrow->mutex);
}

void escrow_put_off(struct escrow *escrow, int index, const unsigned char *tag)
{
    struct escrow_slot *slot = &escrow->slots[index];
    pthread_mutex_lock(&escrow->mutex);
    slot->retry_ms = slot->retry_ms > 0 ? 2 * slot->retry_ms : ESCROW_RETRY_MIN_MS;
    if (slot->retry_ms > ESCROW_RETRY_MAX_MS)
        slot->retry_ms = ESCROW_RETRY_MAX_MS;
    slot->retry_at_ms = clock_mono_ms() + slot->retry_ms;
    put_back(escrow, index, tag);
    pthread_mutex_unlock(&escrow->mutex);
}

void escrow_put_aside(struct escrow *escrow, int slot)
{
    pthread_mutex_lock(&escrow->mutex);
    escrow->slots[slot].aside = true;
    set_use(escrow, slot, SLOT_LEFT);
    pthread_mutex_unlock(&escrow->mutex);
}

void escrow_drop(struct escrow *escrow, int slot)
{
    pthread_mutex_lock(&escrow->mutex);
    free_slot(escrow, slot);
    pthread_mutex_unlock(&escrow->mutex);
}

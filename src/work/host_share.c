/* Lanes and hosts are there while a job needs them. Both are found by their names in one kind of
 * table. */
#include "work/host_share.h"

#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

/* What share and hosts have in common; stands first in both. */
struct named {
    struct named *next; /* in its bucket */
    size_t users;       /* a host's share, a queue's jobs */
    struct str name;
};

struct host {
    struct named named;
    size_t in_hand;
    size_t queued;
    size_t answers; /* since it last gave none */
};

struct waiting {
    struct waiting *next;
    struct share_task job;
};

struct host_queue {
    struct named named;
    struct host *hosts[HOST_SHARE_HOSTS_MAX];
    size_t host_count;
    struct waiting *first, *last; /* its jobs, oldest first */
    size_t queued;
    struct host_queue *next_turn; /* among share with waiting jobs */
};

struct host_share {
    struct host_share_config config;
    size_t in_hand;
    size_t queued;
    struct host_queue *turns, *last_turn; /* share with waiting jobs, in the order of their turns */
    struct named *host_buckets[BUCKETS];
    struct named *lane_buckets[BUCKETS];
};

struct host_share *host_share_new(const struct host_share_config *config)
{
    struct host_share *share = xcalloc(1, sizeof(*share));
    share->config = *config;
    return share;
}

void host_share_free(struct host_share *share)
{
    free(share);
}

/* --- names --- */

/* Where the name hangs, or would be hung in: FNV-1a spreads them. */
static struct named **find(struct named **buckets, struct str name)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.data[i]) * 16777619U;
    struct named **slot = &buckets[hash % BUCKETS];
    while (*slot && !str_eq((*slot)->name, name))
        slot = &(*slot)->next;
    return slot;
}

/* What has this name, with one user more; made of `size` zero bytes when it is not there. */
static void *hold(struct named **buckets, struct str name, size_t size)
{
    struct named **slot = find(buckets, name);
    if (!*slot) {
        char *memory = xcalloc(1, size + name.len);
        if (name.len > 0)
            memcpy(memory + size, name.data, name.len);
        *slot = (void *)memory;
        (*slot)->name = (struct str){memory + size, name.len};
    }
    (*slot)->users++;
    return *slot;
}

/* True when that was its last user: it is gone from the table, and the caller's to free. */
static bool let_go(struct named **buckets, struct named *named)
{
    if (--named->users > 0)
        return false;
    *find(buckets, named->name) = named->next;
    return true;
}

static struct host_queue *lane_hold(struct host_share *share, struct str name)
{
    struct host_queue *queue = hold(share->lane_buckets, name, sizeof(*queue));
    struct str rest = queue->named.name, host = rest;
    if (queue->named.users > 1)
        return queue;
    while (rest.len > 0 && queue->host_count < HOST_SHARE_HOSTS_MAX) {
        if (!str_cut(rest, '\n', &host, &rest)) {
            host = rest;
            rest = STR_NULL;
        }
        queue->hosts[queue->host_count++] = hold(share->host_buckets, host, sizeof(struct host));
    }
    return queue;
}

static void lane_let_go(struct host_share *share, struct host_queue *queue)
{
    if (!let_go(share->lane_buckets, &queue->named))
        return;
    for (size_t i = 0; i < queue->host_count; i++) {
        if (let_go(share->host_buckets, &queue->hosts[i]->named))
            free(queue->hosts[i]);
    }
    free(queue);
}

/* --- shares --- */

static bool may_start(const struct host_share *share, const struct host_queue *queue)
{
    size_t slots = share->config.slots - share->in_hand, most = share->config.host_max;
    for (size_t i = 0; i < queue->host_count; i++) {
        size_t has = queue->hosts[i]->in_hand;
        if (has >= slots || (most > 0 && has >= most))
            return false;
        if (share->config.by_answers && has > queue->hosts[i]->answers)
            return false;
    }
    return slots > 0;
}

static enum host_share_room room_to_wait(const struct host_share *share,
                                         const struct host_queue *queue)
{
    if (share->queued >= share->config.queue_max)
        return HOST_SHARE_FULL;
    for (size_t i = 0; i < queue->host_count; i++) {
        if (queue->hosts[i]->queued >= share->config.queue_max - share->queued)
            return HOST_SHARE_HOST_FULL;
    }
    return HOST_SHARE_ROOM;
}

/* --- turns --- */

static void add_turn(struct host_share *share, struct host_queue *queue)
{
    queue->next_turn = NULL;
    if (share->turns)
        share->last_turn->next_turn = queue;
    else
        share->turns = queue;
    share->last_turn = queue;
}

static void remove_turn(struct host_share *share, struct host_queue *queue,
                        struct host_queue *before)
{
    if (before)
        before->next_turn = queue->next_turn;
    else
        share->turns = queue->next_turn;
    if (share->last_turn == queue)
        share->last_turn = before;
}

/* Each is counted wherever it is looked at: in all, and for each host of its queue. */
static void count_queued(struct host_share *share, struct host_queue *queue, size_t change)
{
    share->queued += change;
    queue->queued += change;
    for (size_t i = 0; i < queue->host_count; i++)
        queue->hosts[i]->queued += change;
}

static void count_in_hand(struct host_share *share, struct host_queue *queue, size_t change)
{
    share->in_hand += change;
    for (size_t i = 0; i < queue->host_count; i++)
        queue->hosts[i]->in_hand += change;
}

enum { ONE_LESS = -1 }; /* as a size_t it wraps around, which is subtraction */

enum host_share_room host_share_enter(struct host_share *share, struct str hosts,
                                      struct share_task job)
{
    struct host_queue *queue = lane_hold(share, hosts);
    bool at_once = !queue->first && may_start(share, queue);
    enum host_share_room room = at_once ? HOST_SHARE_ROOM : room_to_wait(share, queue);
    if (room != HOST_SHARE_ROOM) {
        lane_let_go(share, queue);
        return room;
    }
    struct waiting *waiting = xcalloc(1, sizeof(*waiting));
    waiting->job = job;
    waiting->job.queue = queue;
    if (queue->first)
        queue->last->next = waiting;
    else
        queue->first = waiting;
    queue->last = waiting;
    if (queue->queued == 0)
        add_turn(share, queue);
    count_queued(share, queue, 1);
    return HOST_SHARE_ROOM;
}

static void take_first(struct host_share *share, struct host_queue *queue,
                       struct share_task *ret_job)
{
    struct waiting *waiting = queue->first;
    queue->first = waiting->next;
    *ret_job = waiting->job;
    free(waiting);
    count_queued(share, queue, (size_t)ONE_LESS);
    count_in_hand(share, queue, 1);
}

bool host_share_next(struct host_share *share, struct share_task *ret_job)
{
    struct host_queue *before = NULL, *queue = share->turns;
    while (queue && !may_start(share, queue)) {
        before = queue;
        queue = queue->next_turn;
    }
    if (!queue)
        return false;
    remove_turn(share, queue, before);
    take_first(share, queue, ret_job);
    if (queue->first)
        add_turn(share, queue);
    return true;
}

void host_share_note(struct host_share *share, struct str hosts, bool answered)
{
    struct host_queue *queue = (struct host_queue *)*find(share->lane_buckets, hosts);
    for (size_t i = 0; i < queue->host_count; i++)
        queue->hosts[i]->answers = answered ? queue->hosts[i]->answers + 1 : 0;
}

void host_share_leave(struct host_share *share, const struct share_task *job)
{
    count_in_hand(share, job->queue, (size_t)ONE_LESS);
    lane_let_go(share, job->queue);
}

struct host_share_counts host_share_counts(const struct host_share *share)
{
    struct host_share_counts counts = {.in_hand = share->in_hand, .queued = share->queued};
    if (share->in_hand == share->config.slots)
        return counts;
    for (const struct host_queue *queue = share->turns; queue; queue = queue->next_turn)
        counts.held += may_start(share, queue) ? 0 : queue->queued;
    return counts;
}

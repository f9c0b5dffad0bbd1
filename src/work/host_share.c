/* Queues and hosts exist while a job needs them. Both are found by name in a hash map. */
#include "work/host_share.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

/* What hosts and queues have in common; stands first in both. */
struct named {
    struct map_link link;
    size_t users; /* a host's queues, a queue's jobs */
};

struct host {
    struct named named;
    size_t in_hand;
    size_t queued;
    size_t answers; /* since it last gave none */
};

struct waiting {
    struct list_link link;
    struct share_task job;
};

struct host_queue {
    struct named named;
    struct host *hosts[HOST_SHARE_HOSTS_MAX];
    size_t host_count;
    struct list waiting; /* its jobs, oldest first */
    size_t queued;
    struct list_link turn; /* while jobs wait */
};

struct host_share {
    struct host_share_config config;
    size_t in_hand;
    size_t queued;
    struct list turns; /* queues with waiting jobs, in the order of their turns */
    struct map hosts;
    struct map queues;
};

struct host_share *host_share_new(const struct host_share_config *config)
{
    struct host_share *share = xcalloc(1, sizeof(*share));
    share->config = *config;
    return share;
}

void host_share_free(struct host_share *share)
{
    map_done(&share->hosts);
    map_done(&share->queues);
    free(share);
}

/* --- names --- */

/* What has this name, with one user more; made of `size` zero bytes when it is not there. */
static void *hold(struct map *map, struct str name, size_t size)
{
    struct named *named = (struct named *)map_find(map, name);
    if (!named) {
        char *memory = xcalloc(1, size + name.len);
        if (name.len > 0)
            memcpy(memory + size, name.data, name.len);
        named = (void *)memory;
        named->link.name = (struct str){memory + size, name.len};
        map_add(map, &named->link);
    }
    named->users++;
    return named;
}

/* Frees it with its last user. */
static void let_go(struct map *map, struct named *named)
{
    if (--named->users > 0)
        return;
    map_remove(map, &named->link);
    free(named);
}

static struct host_queue *queue_hold(struct host_share *share, struct str name)
{
    struct host_queue *queue = hold(&share->queues, name, sizeof(*queue));
    struct str rest = queue->named.link.name, host = rest;
    if (queue->named.users > 1)
        return queue;
    while (rest.len > 0 && queue->host_count < HOST_SHARE_HOSTS_MAX) {
        if (!str_cut(rest, '\n', &host, &rest)) {
            host = rest;
            rest = STR_NULL;
        }
        queue->hosts[queue->host_count++] = hold(&share->hosts, host, sizeof(struct host));
    }
    return queue;
}

static void queue_let_go(struct host_share *share, struct host_queue *queue)
{
    for (size_t i = 0; queue->named.users == 1 && i < queue->host_count; i++)
        let_go(&share->hosts, &queue->hosts[i]->named);
    let_go(&share->queues, &queue->named);
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
    struct host_queue *queue = queue_hold(share, hosts);
    bool at_once = !queue->waiting.first && may_start(share, queue);
    enum host_share_room room = at_once ? HOST_SHARE_ROOM : room_to_wait(share, queue);
    if (room != HOST_SHARE_ROOM) {
        queue_let_go(share, queue);
        return room;
    }
    struct waiting *waiting = xcalloc(1, sizeof(*waiting));
    waiting->job = job;
    waiting->job.queue = queue;
    list_append(&queue->waiting, &waiting->link);
    if (queue->queued == 0)
        list_append(&share->turns, &queue->turn);
    count_queued(share, queue, 1);
    return HOST_SHARE_ROOM;
}

static void take_first(struct host_share *share, struct host_queue *queue,
                       struct share_task *ret_job)
{
    struct waiting *waiting = list_item(list_take_first(&queue->waiting), struct waiting, link);
    *ret_job = waiting->job;
    free(waiting);
    count_queued(share, queue, (size_t)ONE_LESS);
    count_in_hand(share, queue, 1);
}

bool host_share_next(struct host_share *share, struct share_task *ret_job)
{
    for (list_each(struct host_queue, queue, &share->turns, turn)) {
        if (!may_start(share, queue))
            continue;
        list_remove(&share->turns, &queue->turn);
        take_first(share, queue, ret_job);
        if (queue->waiting.first)
            list_append(&share->turns, &queue->turn);
        return true;
    }
    return false;
}

void host_share_note(struct host_share *share, struct str hosts, bool answered)
{
    struct host_queue *queue = (struct host_queue *)map_find(&share->queues, hosts);
    for (size_t i = 0; i < queue->host_count; i++)
        queue->hosts[i]->answers = answered ? queue->hosts[i]->answers + 1 : 0;
}

void host_share_leave(struct host_share *share, const struct share_task *job)
{
    count_in_hand(share, job->queue, (size_t)ONE_LESS);
    queue_let_go(share, job->queue);
}

struct host_share_counts host_share_counts(const struct host_share *share)
{
    struct host_share_counts counts = {.in_hand = share->in_hand, .queued = share->queued};
    if (share->in_hand == share->config.slots)
        return counts;
    for (list_each(const struct host_queue, queue, &share->turns, turn))
        counts.held += may_start(share, queue) ? 0 : queue->queued;
    return counts;
}

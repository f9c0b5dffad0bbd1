/* Accounts, hosts and queues exist while a job needs them, and are found by name in hash maps; so
 * there are never more of them than jobs. */
#include "work/host_share.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "work/keyed_share.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What is shared: jobs in hand, and jobs that wait. */
enum resource { SLOTS, QUEUE, RESOURCES };

/* What accounts, hosts and queues have in common; stands first in each. */
struct named {
    struct map_link link;
    size_t users; /* an account's and a host's queues, a queue's jobs */
    size_t has[RESOURCES];
};

struct share_account {
    struct named named;
    bool is_bound;         /* by the account's share: the name begins with an account */
    struct list turns;     /* its queues with waiting jobs, in the order of their turns */
    struct list_link turn; /* while there are any */
};

struct host {
    struct named named;
    size_t answers; /* since it last gave none */
};

struct waiting {
    struct list_link link;
    struct share_task job;
};

struct host_queue {
    struct named named;
    struct share_account *account;
    struct host *hosts[HOST_SHARE_HOSTS_MAX];  /* over all accounts */
    struct named *parts[HOST_SHARE_HOSTS_MAX]; /* what the account holds of each, if it is bound */
    size_t host_count;
    size_t part_count;
    struct list waiting;   /* its jobs, oldest first */
    struct list_link turn; /* while jobs wait */
};

struct host_share {
    struct host_share_config config;
    size_t size[RESOURCES];
    size_t account_max[RESOURCES]; /* 0: what an account leaves free */
    size_t has[RESOURCES];         /* all jobs together */
    struct list turns;             /* accounts with waiting jobs, in the order of their turns */
    struct map accounts;
    struct map hosts; /* by name; the parts by account and name */
    struct map queues;
};

struct host_share *host_share_new(const struct host_share_config *config)
{
    struct host_share *share = xcalloc(1, sizeof(*share));
    share->config = *config;
    share->size[SLOTS] = config->slots;
    share->size[QUEUE] = config->queue_max;
    share->account_max[SLOTS] = config->account_max;
    share->account_max[QUEUE] = config->account_queue_max;
    return share;
}

void host_share_free(struct host_share *share)
{
    map_done(&share->accounts);
    map_done(&share->hosts);
    map_done(&share->queues);
    free(share);
}

/* --- names --- */

struct str host_share_name(struct arena *arena, struct str account, struct str hosts)
{
    char *name = arena_alloc(arena, 1 + account.len + 1 + hosts.len);
    char *at = name;
    *at++ = '@';
    if (account.len > 0)
        memcpy(at, account.data, account.len);
    at += account.len;
    if (hosts.len > 0) {
        *at++ = '\n';
        memcpy(at, hosts.data, hosts.len);
        at += hosts.len;
    }
    return (struct str){name, (size_t)(at - name)};
}

/* What has this name, with one user more; made of `size` zero bytes when it is not there. */
static void *hold(struct map *map, struct str name, size_t size)
{
    uint64_t hash = hash_text(name);
    struct named *named = (struct named *)map_find_hashed(map, name, hash);
    if (!named) {
        char *memory = xmalloc(size + name.len);
        memset(memory, 0, size);
        if (name.len > 0)
            memcpy(memory + size, name.data, name.len);
        named = (void *)memory;
        named->link.name = (struct str){memory + size, name.len};
        map_add_hashed(map, &named->link, hash);
    }
    named->users++;
    return named;
}

/* Frees it with its last user. */
static void let_go(struct map *map, struct named *named)
{
    assert(named->users > 0);
    if (--named->users > 0)
        return;
    assert(named->has[SLOTS] == 0 && named->has[QUEUE] == 0);
    map_remove(map, &named->link);
    free(named);
}

/* The first host's part has the beginning of the queue's name. */
static struct named *hold_part(struct host_share *share, struct str account, struct str host)
{
    if (account.data + account.len + 1 == host.data)
        return hold(&share->hosts, (struct str){account.data, account.len + 1 + host.len},
                    sizeof(struct named));
    struct str name = {.len = account.len + 1 + host.len};
    char *text = xmalloc(name.len);
    memcpy(text, account.data, account.len);
    text[account.len] = '\n';
    memcpy(text + account.len + 1, host.data, host.len);
    name.data = text;
    struct named *part = hold(&share->hosts, name, sizeof(struct named));
    free(text);
    return part;
}

static struct str next_line(struct str *rest)
{
    struct str line = *rest, after = STR_NULL;
    str_cut(*rest, '\n', &line, &after);
    *rest = after;
    return line;
}

static struct host_queue *queue_hold(struct host_share *share, struct str name)
{
    struct host_queue *queue = hold(&share->queues, name, sizeof(*queue));
    struct str rest = queue->named.link.name, account = STR_NULL;
    if (queue->named.users > 1)
        return queue;
    bool is_bound = rest.len > 0 && rest.data[0] == '@';
    if (is_bound)
        account = next_line(&rest);
    queue->account = hold(&share->accounts, account, sizeof(struct share_account));
    queue->account->is_bound = is_bound;
    bool has_parts = is_bound && share->config.account_max == 0;
    while (rest.len > 0 && queue->host_count < HOST_SHARE_HOSTS_MAX) {
        struct str host = next_line(&rest);
        queue->hosts[queue->host_count++] = hold(&share->hosts, host, sizeof(struct host));
        if (has_parts)
            queue->parts[queue->part_count++] = hold_part(share, account, host);
    }
    return queue;
}

static void queue_let_go(struct host_share *share, struct host_queue *queue)
{
    if (queue->named.users == 1) {
        for (size_t i = 0; i < queue->host_count; i++)
            let_go(&share->hosts, &queue->hosts[i]->named);
        for (size_t i = 0; i < queue->part_count; i++)
            let_go(&share->hosts, queue->parts[i]);
        let_go(&share->accounts, &queue->account->named);
    }
    let_go(&share->queues, &queue->named);
}

/* --- shares --- */

/* How many more of a resource the account may have. */
static size_t left_to_account(const struct host_share *share, const struct share_account *account,
                              enum resource resource)
{
    size_t has = account->named.has[resource], free = share->size[resource] - share->has[resource];
    size_t most = share->account_max[resource];
    if (!account->is_bound)
        return free;
    if (most == 0)
        return share_left(has, free);
    return free > 0 && has < most ? most - has : 0;
}

/* Whether a host may have one slot more, besides its share. */
static bool may_call(const struct host_share *share, const struct host *host)
{
    const struct host_share_config *config = &share->config;
    size_t has = host->named.has[SLOTS];
    return (config->host_max == 0 || has < config->host_max) &&
           (!config->by_answers || has <= host->answers) &&
           (!config->host_limit ||
            has < config->host_limit(config->host_limit_context, host->named.link.name));
}

/* `left`: to the queue's account. */
static enum host_share_room room_for(const struct host_share *share, const struct host_queue *queue,
                                     enum resource resource, size_t left)
{
    size_t free = share->size[resource] - share->has[resource];
    if (free == 0)
        return HOST_SHARE_FULL;
    if (left == 0)
        return HOST_SHARE_ACCOUNT_FULL;
    for (size_t i = 0; i < queue->host_count; i++) {
        const struct host *host = queue->hosts[i];
        if (share_left(host->named.has[resource], free) == 0 ||
            (resource == SLOTS && !may_call(share, host)))
            return HOST_SHARE_HOST_FULL;
    }
    for (size_t i = 0; i < queue->part_count; i++) {
        if (share_left(queue->parts[i]->has[resource], left) == 0)
            return HOST_SHARE_HOST_FULL;
    }
    return HOST_SHARE_ROOM;
}

static enum host_share_room room(const struct host_share *share, const struct host_queue *queue,
                                 enum resource resource)
{
    return room_for(share, queue, resource, left_to_account(share, queue->account, resource));
}

/* --- turns --- */

/* Each is counted wherever it is looked at: in all, for its account, for each host of its queue. */
static void count(struct host_share *share, struct host_queue *queue, enum resource resource,
                  size_t change)
{
    assert(change == 1 || queue->named.has[resource] > 0);
    assert(share->has[resource] >= queue->named.has[resource]);
    share->has[resource] += change;
    queue->named.has[resource] += change;
    queue->account->named.has[resource] += change;
    for (size_t i = 0; i < queue->host_count; i++)
        queue->hosts[i]->named.has[resource] += change;
    for (size_t i = 0; i < queue->part_count; i++)
        queue->parts[i]->has[resource] += change;
}

enum { ONE_LESS = -1 }; /* as a size_t it wraps around, which is subtraction */

/* Where nothing may wait, what is missing is a slot. */
static enum host_share_room room_to_enter(const struct host_share *share,
                                          const struct host_queue *queue)
{
    enum host_share_room to_start =
        queue->waiting.first ? HOST_SHARE_FULL : room(share, queue, SLOTS);
    if (to_start == HOST_SHARE_ROOM || share->size[QUEUE] == 0)
        return to_start;
    return room(share, queue, QUEUE);
}

enum host_share_room host_share_enter(struct host_share *share, struct str name,
                                      struct share_task job)
{
    struct host_queue *queue = queue_hold(share, name);
    struct share_account *account = queue->account;
    enum host_share_room entered = room_to_enter(share, queue);
    if (entered != HOST_SHARE_ROOM) {
        queue_let_go(share, queue);
        return entered;
    }
    struct waiting *waiting = xmalloc(sizeof(*waiting));
    *waiting = (struct waiting){.job = job};
    waiting->job.queue = queue;
    list_append(&queue->waiting, &waiting->link);
    if (account->named.has[QUEUE] == 0)
        list_append(&share->turns, &account->turn);
    if (queue->named.has[QUEUE] == 0)
        list_append(&account->turns, &queue->turn);
    count(share, queue, QUEUE, 1);
    return HOST_SHARE_ROOM;
}

static void take_first(struct host_share *share, struct host_queue *queue,
                       struct share_task *ret_job)
{
    struct waiting *waiting = list_item(list_take_first(&queue->waiting), struct waiting, link);
    assert(waiting && share->has[SLOTS] < share->size[SLOTS]);
    *ret_job = waiting->job;
    free(waiting);
    count(share, queue, QUEUE, (size_t)ONE_LESS);
    count(share, queue, SLOTS, 1);
}

static struct host_queue *next_queue(const struct host_share *share,
                                     const struct share_account *account)
{
    size_t left = left_to_account(share, account, SLOTS);
    if (left == 0)
        return NULL;
    for (list_each(struct host_queue, queue, &account->turns, turn)) {
        if (room_for(share, queue, SLOTS, left) == HOST_SHARE_ROOM)
            return queue;
    }
    return NULL;
}

bool host_share_next(struct host_share *share, struct share_task *ret_job)
{
    for (list_each(struct share_account, account, &share->turns, turn)) {
        struct host_queue *queue = next_queue(share, account);
        if (!queue)
            continue;
        list_remove(&share->turns, &account->turn);
        list_remove(&account->turns, &queue->turn);
        take_first(share, queue, ret_job);
        if (queue->waiting.first)
            list_append(&account->turns, &queue->turn);
        if (account->turns.first)
            list_append(&share->turns, &account->turn);
        return true;
    }
    return false;
}

void host_share_note(struct host_share *share, struct str name, bool answered)
{
    struct host_queue *queue = (struct host_queue *)map_find(&share->queues, name);
    for (size_t i = 0; i < queue->host_count; i++)
        queue->hosts[i]->answers = answered ? queue->hosts[i]->answers + 1 : 0;
}

void host_share_leave(struct host_share *share, const struct share_task *job)
{
    count(share, job->queue, SLOTS, (size_t)ONE_LESS);
    queue_let_go(share, job->queue);
}

static size_t held_of(const struct host_share *share, const struct share_account *account)
{
    size_t left = left_to_account(share, account, SLOTS), held = 0;
    if (left == 0)
        return account->named.has[QUEUE];
    for (list_each(const struct host_queue, queue, &account->turns, turn))
        held +=
            room_for(share, queue, SLOTS, left) == HOST_SHARE_ROOM ? 0 : queue->named.has[QUEUE];
    return held;
}

struct host_share_counts host_share_counts(const struct host_share *share)
{
    struct host_share_counts counts = {.in_hand = share->has[SLOTS], .queued = share->has[QUEUE]};
    if (share->has[SLOTS] == share->size[SLOTS])
        return counts;
    for (list_each(const struct share_account, account, &share->turns, turn))
        counts.held += held_of(share, account);
    return counts;
}

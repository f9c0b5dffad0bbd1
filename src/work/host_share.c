/* Lanes and hosts are there while a job needs them. Both are found by their names in one kind of
 * table. */
#include "work/host_share.h"

#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

/* What lanes and hosts have in common; stands first in both. */
struct named {
    struct named *next; /* in its bucket */
    size_t users;       /* a host's lanes, a lane's jobs */
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
    struct job job;
};

struct lane {
    struct named named;
    struct host *hosts[LANE_HOSTS_MAX];
    size_t host_count;
    struct waiting *first, *last; /* its jobs, oldest first */
    size_t queued;
    struct lane *next_turn; /* among lanes with waiting jobs */
};

struct lanes {
    struct lanes_config config;
    size_t in_hand;
    size_t queued;
    struct lane *turns, *last_turn; /* lanes with waiting jobs, in the order of their turns */
    struct named *host_buckets[BUCKETS];
    struct named *lane_buckets[BUCKETS];
};

struct lanes *lanes_new(const struct lanes_config *config)
{
    struct lanes *lanes = xcalloc(1, sizeof(*lanes));
    lanes->config = *config;
    return lanes;
}

void lanes_free(struct lanes *lanes)
{
    free(lanes);
}

/* --- names --- */

/* Where the name hangs, or would be hung in: FNV-1a spreads them. */
static struct named **find(struct named **buckets, struct str name)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.data[i]) * 16777619U;
    struct named **place = &buckets[hash % BUCKETS];
    while (*place && !str_eq((*place)->name, name))
        place = &(*place)->next;
    return place;
}

/* What has this name, with one user more; made of `size` zero bytes when it is not there. */
static void *hold(struct named **buckets, struct str name, size_t size)
{
    struct named **place = find(buckets, name);
    if (!*place) {
        char *memory = xcalloc(1, size + name.len);
        if (name.len > 0)
            memcpy(memory + size, name.data, name.len);
        *place = (void *)memory;
        (*place)->name = (struct str){memory + size, name.len};
    }
    (*place)->users++;
    return *place;
}

/* True when that was its last user: it is gone from the table, and the caller's to free. */
static bool let_go(struct named **buckets, struct named *named)
{
    if (--named->users > 0)
        return false;
    *find(buckets, named->name) = named->next;
    return true;
}

static struct lane *lane_hold(struct lanes *lanes, struct str name)
{
    struct lane *lane = hold(lanes->lane_buckets, name, sizeof(*lane));
    struct str rest = lane->named.name, host = rest;
    if (lane->named.users > 1)
        return lane;
    while (rest.len > 0 && lane->host_count < LANE_HOSTS_MAX) {
        if (!str_cut(rest, '\n', &host, &rest)) {
            host = rest;
            rest = STR_NULL;
        }
        lane->hosts[lane->host_count++] = hold(lanes->host_buckets, host, sizeof(struct host));
    }
    return lane;
}

static void lane_let_go(struct lanes *lanes, struct lane *lane)
{
    if (!let_go(lanes->lane_buckets, &lane->named))
        return;
    for (size_t i = 0; i < lane->host_count; i++) {
        if (let_go(lanes->host_buckets, &lane->hosts[i]->named))
            free(lane->hosts[i]);
    }
    free(lane);
}

/* --- shares --- */

static bool may_start(const struct lanes *lanes, const struct lane *lane)
{
    size_t places = lanes->config.places - lanes->in_hand, most = lanes->config.host_max;
    for (size_t i = 0; i < lane->host_count; i++) {
        size_t has = lane->hosts[i]->in_hand;
        if (has >= places || (most > 0 && has >= most))
            return false;
        if (lanes->config.by_answers && has > lane->hosts[i]->answers)
            return false;
    }
    return places > 0;
}

static enum lanes_room room_to_wait(const struct lanes *lanes, const struct lane *lane)
{
    if (lanes->queued >= lanes->config.queue_max)
        return LANES_FULL;
    for (size_t i = 0; i < lane->host_count; i++) {
        if (lane->hosts[i]->queued >= lanes->config.queue_max - lanes->queued)
            return LANES_HOST_FULL;
    }
    return LANES_ROOM;
}

/* --- turns --- */

static void add_turn(struct lanes *lanes, struct lane *lane)
{
    lane->next_turn = NULL;
    if (lanes->turns)
        lanes->last_turn->next_turn = lane;
    else
        lanes->turns = lane;
    lanes->last_turn = lane;
}

static void remove_turn(struct lanes *lanes, struct lane *lane, struct lane *before)
{
    if (before)
        before->next_turn = lane->next_turn;
    else
        lanes->turns = lane->next_turn;
    if (lanes->last_turn == lane)
        lanes->last_turn = before;
}

/* Each is counted wherever it is looked at: in all, and for each host of its lane. */
static void count_queued(struct lanes *lanes, struct lane *lane, size_t change)
{
    lanes->queued += change;
    lane->queued += change;
    for (size_t i = 0; i < lane->host_count; i++)
        lane->hosts[i]->queued += change;
}

static void count_in_hand(struct lanes *lanes, struct lane *lane, size_t change)
{
    lanes->in_hand += change;
    for (size_t i = 0; i < lane->host_count; i++)
        lane->hosts[i]->in_hand += change;
}

enum { ONE_LESS = -1 }; /* as a size_t it wraps around, which is subtraction */

enum lanes_room lanes_enter(struct lanes *lanes, struct str hosts, struct job job)
{
    struct lane *lane = lane_hold(lanes, hosts);
    bool at_once = !lane->first && may_start(lanes, lane);
    enum lanes_room room = at_once ? LANES_ROOM : room_to_wait(lanes, lane);
    if (room != LANES_ROOM) {
        lane_let_go(lanes, lane);
        return room;
    }
    struct waiting *waiting = xcalloc(1, sizeof(*waiting));
    waiting->job = job;
    waiting->job.lane = lane;
    if (lane->first)
        lane->last->next = waiting;
    else
        lane->first = waiting;
    lane->last = waiting;
    if (lane->queued == 0)
        add_turn(lanes, lane);
    count_queued(lanes, lane, 1);
    return LANES_ROOM;
}

static void take_first(struct lanes *lanes, struct lane *lane, struct job *ret_job)
{
    struct waiting *waiting = lane->first;
    lane->first = waiting->next;
    *ret_job = waiting->job;
    free(waiting);
    count_queued(lanes, lane, (size_t)ONE_LESS);
    count_in_hand(lanes, lane, 1);
}

bool lanes_next(struct lanes *lanes, struct job *ret_job)
{
    struct lane *before = NULL, *lane = lanes->turns;
    while (lane && !may_start(lanes, lane)) {
        before = lane;
        lane = lane->next_turn;
    }
    if (!lane)
        return false;
    remove_turn(lanes, lane, before);
    take_first(lanes, lane, ret_job);
    if (lane->first)
        add_turn(lanes, lane);
    return true;
}

void lanes_note(struct lanes *lanes, struct str hosts, bool answered)
{
    struct lane *lane = (struct lane *)*find(lanes->lane_buckets, hosts);
    for (size_t i = 0; i < lane->host_count; i++)
        lane->hosts[i]->answers = answered ? lane->hosts[i]->answers + 1 : 0;
}

void lanes_leave(struct lanes *lanes, const struct job *job)
{
    count_in_hand(lanes, job->lane, (size_t)ONE_LESS);
    lane_let_go(lanes, job->lane);
}

struct lanes_counts lanes_counts(const struct lanes *lanes)
{
    struct lanes_counts counts = {.in_hand = lanes->in_hand, .queued = lanes->queued};
    if (lanes->in_hand == lanes->config.places)
        return counts;
    for (const struct lane *lane = lanes->turns; lane; lane = lane->next_turn)
        counts.held += may_start(lanes, lane) ? 0 : lane->queued;
    return counts;
}

/* A quota is known by its key. Its turn is the number of times that a wait began: the answer to a
 * call that was sent before the last one tells nothing of what the vendor takes since. */
#include "work/call_quota.h"

#include "base/alloc.h"
#include "base/int64.h"
#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEP_MS = 60 * 1000 };

struct call_quota {
    struct map_link link; /* first, so that one pointer is both */
    struct list_link all;
    struct list line;   /* of places that wait */
    size_t calls;       /* under way */
    size_t most;        /* of them at once; CALL_QUOTA_FREE: any number */
    int64_t until_ms;   /* no call is made before */
    int64_t changed_ms; /* when a call ended last */
    int64_t pause_ms;   /* of the next wait whose length the vendor does not say */
    uint64_t turn;
    struct quota_history history;
};

struct call_quotas {
    pthread_mutex_t lock;
    struct map map;
    struct list all;
    int64_t swept_ms;
    uint64_t tickets;
};

struct call_quotas *call_quotas_new(void)
{
    struct call_quotas *quotas = xcalloc(1, sizeof(*quotas));
    pthread_mutex_init(&quotas->lock, NULL);
    return quotas;
}

static void remove_quota(struct call_quotas *quotas, struct call_quota *quota)
{
    map_remove(&quotas->map, &quota->link);
    list_remove(&quotas->all, &quota->all);
    free(quota);
}

void call_quotas_free(struct call_quotas *quotas)
{
    if (!quotas)
        return;
    while (quotas->all.first)
        remove_quota(quotas, list_first(&quotas->all, struct call_quota, all));
    map_done(&quotas->map);
    pthread_mutex_destroy(&quotas->lock);
    free(quotas);
}

/* --- the table --- */

static bool is_used(const struct call_quota *quota)
{
    return quota->calls > 0 || quota->line.first;
}

/* Whether nothing is known of it, but for its history, that a new one would not say as well. */
static bool is_forgotten(const struct call_quota *quota, int64_t now_ms)
{
    if (is_used(quota) || quota->until_ms > now_ms)
        return false;
    return quota->most >= CALL_QUOTA_FREE || now_ms - quota->changed_ms >= CALL_QUOTA_KEPT_MS;
}

/* `for_room`: histories go as well. */
static void sweep(struct call_quotas *quotas, bool for_room, int64_t now_ms)
{
    struct list_link *link = quotas->all.first;
    quotas->swept_ms = now_ms;
    while (link) {
        struct call_quota *quota = list_item(link, struct call_quota, all);
        link = link->next;
        if (is_forgotten(quota, now_ms) &&
            (for_room || !quota_history_is_known(&quota->history, now_ms)))
            remove_quota(quotas, quota);
    }
}

/* NULL: there are too many. */
static struct call_quota *find(struct call_quotas *quotas, struct str key, int64_t now_ms)
{
    struct map_link *link = map_find(&quotas->map, key);
    if (link)
        return (struct call_quota *)link;
    bool is_full = quotas->map.count >= CALL_QUOTAS_MAX;
    if (now_ms - quotas->swept_ms >= SWEEP_MS || is_full)
        sweep(quotas, is_full, now_ms);
    if (quotas->map.count >= CALL_QUOTAS_MAX)
        return NULL;
    struct call_quota *quota = xcalloc(1, sizeof(*quota) + key.len);
    memcpy((char *)(quota + 1), key.data, key.len);
    quota->link.name = (struct str){(char *)(quota + 1), key.len};
    quota->most = CALL_QUOTA_FREE;
    quota->pause_ms = CALL_QUOTA_PAUSE_MS;
    map_add(&quotas->map, &quota->link);
    list_append(&quotas->all, &quota->all);
    return quota;
}

static void free_if_forgotten(struct call_quotas *quotas, struct call_quota *quota, int64_t now_ms)
{
    if (is_forgotten(quota, now_ms) && !quota_history_is_known(&quota->history, now_ms))
        remove_quota(quotas, quota);
}

/* --- a call --- */

/* A caller that is away for longer than it said keeps no other caller waiting. */
static bool is_there(const struct call_quota_place *place, int64_t now_ms)
{
    return place->away_until_ms == 0 || place->away_until_ms > now_ms;
}

/* Places before this one in the line, or all of them when it does not stand there. */
static size_t count_before(const struct call_quota *quota, const struct call_quota_place *place,
                           int64_t now_ms)
{
    size_t count = 0;
    for (struct list_link *link = quota->line.first; link && link != &place->link;
         link = link->next)
        count += is_there(list_item(link, struct call_quota_place, link), now_ms);
    return count;
}

static bool may_call(const struct call_quota *quota, const struct call_quota_place *place,
                     int64_t now_ms)
{
    if (quota->until_ms > now_ms)
        return false;
    return quota->most >= CALL_QUOTA_FREE ||
           quota->calls + count_before(quota, place, now_ms) < quota->most;
}

/* Lines are short, and nearly always the newest place is the last one. */
static void enter_line(struct call_quota *quota, struct call_quota_place *place)
{
    struct list_link *behind = NULL, *link = quota->line.last;
    while (link && list_item(link, struct call_quota_place, link)->ticket > place->ticket) {
        behind = link;
        link = link->previous;
    }
    list_insert(&quota->line, behind, &place->link);
    place->quota = quota;
}

static void leave_line(struct call_quota_place *place)
{
    list_remove(&place->quota->line, &place->link);
    place->quota = NULL;
}

/* The quota that a place asks for, whose line it stands in if it stands in one. */
static struct call_quota *quota_of(struct call_quotas *quotas, struct call_quota_place *place,
                                   struct str key, int64_t now_ms)
{
    if (place->ticket == 0)
        place->ticket = ++quotas->tickets;
    place->away_until_ms = place->back_ms = 0;
    if (place->quota && str_eq(place->quota->link.name, key))
        return place->quota;
    if (place->quota)
        leave_line(place);
    return find(quotas, key, now_ms);
}

bool call_quota_enter(struct call_quotas *quotas, struct call_quota_place *place, struct str key,
                      int64_t now_ms, int64_t *ret_wait_ms)
{
    *ret_wait_ms = 0;
    pthread_mutex_lock(&quotas->lock);
    struct call_quota *quota = quota_of(quotas, place, key, now_ms);
    bool may = !quota || may_call(quota, place, now_ms);
    if (may && place->quota)
        leave_line(place);
    if (may && quota) {
        *place = (struct call_quota_place){
            .quota = quota, .calls = true, .turn = quota->turn, .ticket = place->ticket};
        quota->calls++;
    }
    if (!may && !place->quota)
        enter_line(quota, place);
    if (!may && quota->until_ms > now_ms)
        *ret_wait_ms = quota->until_ms - now_ms;
    pthread_mutex_unlock(&quotas->lock);
    return may;
}

/* From when on it holds up others by being away. */
static int64_t turn_ms(const struct call_quota_place *place, int64_t until_ms, int64_t now_ms)
{
    return i64_min(until_ms, i64_max(place->quota->until_ms, now_ms));
}

void call_quota_away(struct call_quotas *quotas, struct call_quota_place *place, int64_t until_ms,
                     int64_t now_ms)
{
    pthread_mutex_lock(&quotas->lock);
    if (place->quota && !place->calls) {
        place->away_until_ms =
            until_ms > 0 ? turn_ms(place, until_ms, now_ms) + CALL_QUOTA_GRACE_MS : 1;
        place->back_ms = until_ms;
    }
    pthread_mutex_unlock(&quotas->lock);
}

void call_quota_step_aside(struct call_quotas *quotas, struct call_quota_place *place)
{
    pthread_mutex_lock(&quotas->lock);
    if (place->quota && !place->calls) {
        place->away_until_ms = 1;
        place->back_ms = INT64_MAX;
    }
    pthread_mutex_unlock(&quotas->lock);
}

bool call_quota_is_near(struct call_quotas *quotas, const struct call_quota_place *place,
                        int64_t now_ms)
{
    size_t before = 0, most = CALL_QUOTA_NEAR;
    int64_t soon_ms = now_ms + CALL_QUOTA_GRACE_MS; /* for so long turns are kept */
    pthread_mutex_lock(&quotas->lock);
    if (place->quota && !place->calls) {
        most = place->quota->most > most ? place->quota->most : most;
        for (struct list_link *link = place->link.previous; link && before < most;
             link = link->previous)
            before += list_item(link, struct call_quota_place, link)->back_ms <= soon_ms;
    }
    pthread_mutex_unlock(&quotas->lock);
    return before < most;
}

void call_quota_give_up(struct call_quotas *quotas, struct call_quota_place *place)
{
    pthread_mutex_lock(&quotas->lock);
    if (place->quota && !place->calls) {
        leave_line(place);
        place->ticket = 0;
    }
    pthread_mutex_unlock(&quotas->lock);
}

/* The wait that begins; 0: it is known of already. */
static int64_t hold(struct call_quota *quota, bool is_news, int64_t wait_ms, int64_t now_ms)
{
    wait_ms = i64_min(wait_ms, CALL_QUOTA_WAIT_MAX_MS);
    if (now_ms + wait_ms > quota->until_ms)
        quota->until_ms = now_ms + wait_ms;
    if (!is_news)
        return 0;
    quota->turn++;
    quota->most = 1;
    return wait_ms;
}

static int64_t pause_of(struct call_quota *quota, bool is_news)
{
    int64_t pause_ms = quota->pause_ms;
    if (is_news)
        quota->pause_ms = i64_min(2 * pause_ms, CALL_QUOTA_PAUSE_MAX_MS);
    return pause_ms;
}

/* As many calls at once as were taken in a row, and no more than are left. */
static void note_taken(struct call_quota *quota, int64_t left)
{
    quota->pause_ms = CALL_QUOTA_PAUSE_MS;
    if (quota->most < CALL_QUOTA_FREE)
        quota->most++;
    if (left >= 0 && left < (int64_t)quota->most)
        quota->most = left > 0 ? (size_t)left : 1;
}

static int64_t learn(struct call_quota *quota, bool is_news, const struct call_quota_said *said,
                     int64_t now_ms)
{
    if (said->end == CALL_THROTTLED)
        return hold(quota, is_news, said->wait_ms > 0 ? said->wait_ms : pause_of(quota, is_news),
                    now_ms);
    if (said->end == CALL_TAKEN && said->left == 0 && said->renew_ms > 0)
        return hold(quota, is_news, said->renew_ms, now_ms);
    if (said->end == CALL_TAKEN && is_news)
        note_taken(quota, said->left);
    return 0;
}

int64_t call_quota_leave(struct call_quotas *quotas, struct call_quota_place *place,
                         const struct call_quota_said *said, int64_t now_ms)
{
    struct call_quota *quota = place->quota;
    if (!quota)
        return 0;
    pthread_mutex_lock(&quotas->lock);
    int64_t wait_ms = learn(quota, place->turn == quota->turn, said, now_ms);
    if (said->left >= 0)
        quota_history_add(&quota->history, said->left, said->renew_ms, now_ms);
    quota->calls--;
    quota->changed_ms = now_ms;
    *place = (struct call_quota_place){.ticket = place->ticket};
    if (said->end == CALL_THROTTLED)
        enter_line(quota, place);
    else
        place->ticket = 0;
    free_if_forgotten(quotas, quota, now_ms);
    pthread_mutex_unlock(&quotas->lock);
    return wait_ms;
}

static size_t count_line(const struct call_quota *quota)
{
    size_t count = 0;
    for (const struct list_link *link = quota->line.first; link; link = link->next)
        count++;
    return count;
}

void call_quotas_list(struct call_quotas *quotas, struct str prefix, size_t most, int64_t now_ms,
                      struct arena *arena, struct call_quota_shown **ret_shown, size_t *ret_count)
{
    pthread_mutex_lock(&quotas->lock);
    size_t room = quotas->map.count < most ? quotas->map.count : most, count = 0;
    struct call_quota_shown *shown = arena_array(arena, struct call_quota_shown, room + 1);
    for (list_each(struct call_quota, quota, &quotas->all, all)) {
        if (count == room || !str_starts(quota->link.name, prefix))
            continue;
        shown[count++] = (struct call_quota_shown){
            .key = arena_copy(arena, quota->link.name),
            .calls = quota->calls,
            .waiting = count_line(quota),
            .until_ms = quota->until_ms > now_ms ? quota->until_ms : 0,
            .forecast = quota_history_forecast(&quota->history, now_ms),
        };
    }
    pthread_mutex_unlock(&quotas->lock);
    *ret_shown = shown;
    *ret_count = count;
}

struct call_quota_counts call_quotas_counts(struct call_quotas *quotas, int64_t now_ms)
{
    struct call_quota_counts counts = {0};
    pthread_mutex_lock(&quotas->lock);
    for (list_each(struct call_quota, quota, &quotas->all, all)) {
        counts.quotas += !is_forgotten(quota, now_ms);
        counts.waiting += quota->until_ms > now_ms;
        counts.held += count_line(quota);
    }
    pthread_mutex_unlock(&quotas->lock);
    return counts;
}

/* Functions that have failed since their last answer: a map by key, and a list from the one that
 * failed first. */
#include "connector/custom/function_breaker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

const struct metric metric_function_calls_held = {
    "headgate_function_calls_held_total",
    "Calls of connectors' functions that were not made, since the function did not answer.",
    METRIC_SERIES(1),
};

struct breaker {
    struct map_link link; /* first, so that one pointer is both */
    struct list_link age;
    int failures;      /* in sequence */
    int64_t opened_ms; /* when its current pause began; 0: it is closed */
    int64_t pause_ms;
    int64_t until_ms; /* no call is made before */
    char key[];
};

struct function_breakers {
    struct function_breakers_config config;
    pthread_mutex_t lock;
    struct map map;
    struct list by_age;
    size_t open;
};

struct function_breakers *function_breakers_new(const struct function_breakers_config *config)
{
    struct function_breakers *breakers = xcalloc(1, sizeof(*breakers));
    breakers->config = *config;
    pthread_mutex_init(&breakers->lock, NULL);
    return breakers;
}

/* --- with the lock held --- */

static struct breaker *find(struct function_breakers *breakers, struct str key)
{
    return (struct breaker *)(void *)map_find(&breakers->map, key);
}

static void forget(struct function_breakers *breakers, struct breaker *breaker)
{
    breakers->open -= breaker->opened_ms != 0;
    map_remove(&breakers->map, &breaker->link);
    list_remove(&breakers->by_age, &breaker->age);
    free(breaker);
}

static struct breaker *add(struct function_breakers *breakers, struct str key)
{
    struct breaker *oldest = list_first(&breakers->by_age, struct breaker, age);
    if (oldest && breakers->map.count == FUNCTION_BREAKERS_MAX)
        forget(breakers, oldest);
    struct breaker *breaker = xcalloc(1, sizeof(*breaker) + key.len + 1);
    memcpy(breaker->key, key.data, key.len);
    breaker->link.name = (struct str){breaker->key, key.len};
    map_add(&breakers->map, &breaker->link);
    list_append(&breakers->by_age, &breaker->age);
    return breaker;
}

static int arn_length(const struct breaker *breaker)
{
    return (int)strcspn(breaker->key, " ");
}

static void open_for(struct breaker *breaker, int64_t pause_ms)
{
    breaker->opened_ms = clock_mono_ms();
    breaker->pause_ms = pause_ms;
    breaker->until_ms = breaker->opened_ms + pause_ms;
    log_warn("Function %.*s: the last %d calls with the same settings were not answered. No call "
             "with these is made for %lld seconds.",
             arn_length(breaker), breaker->key, breaker->failures, (long long)(pause_ms / 1000));
}

/* A call that began before the breaker opened says nothing new. */
static void note_failure(struct function_breakers *breakers, struct str key, int64_t begun_ms)
{
    struct breaker *breaker = find(breakers, key);
    if (!breaker)
        breaker = add(breakers, key);
    breaker->failures++;
    if (breaker->opened_ms == 0 && breaker->failures >= FUNCTION_BREAKER_FAILURES) {
        breakers->open++;
        open_for(breaker, breakers->config.open_ms);
    } else if (breaker->opened_ms != 0 && begun_ms >= breaker->opened_ms) {
        int64_t twice_ms = 2 * breaker->pause_ms, max_ms = breakers->config.open_max_ms;
        open_for(breaker, twice_ms < max_ms ? twice_ms : max_ms);
    }
}

static void note_answer(struct function_breakers *breakers, struct str key)
{
    struct breaker *breaker = find(breakers, key);
    if (breaker && breaker->opened_ms != 0)
        log_info("Function %.*s answers again.", arn_length(breaker), breaker->key);
    if (breaker)
        forget(breakers, breaker);
}

/* --- calls --- */

bool function_breakers_enter(struct function_breakers *breakers, struct str key,
                             int64_t deadline_ms, int64_t *ret_until_ms)
{
    pthread_mutex_lock(&breakers->lock);
    struct breaker *breaker = find(breakers, key);
    bool is_open = breaker && breaker->opened_ms != 0;
    bool enters = !is_open || clock_mono_ms() >= breaker->until_ms;
    if (!enters)
        *ret_until_ms = breaker->until_ms;
    else if (is_open) /* this call is the one that tries; it ends by then */
        breaker->until_ms = deadline_ms;
    pthread_mutex_unlock(&breakers->lock);
    if (!enters)
        metrics_count(&metric_function_calls_held, 0, 0);
    return enters;
}

void function_breakers_leave(struct function_breakers *breakers, struct str key, int64_t begun_ms,
                             enum function_end end)
{
    pthread_mutex_lock(&breakers->lock);
    if (end == FUNCTION_END_UNANSWERED)
        note_failure(breakers, key, begun_ms);
    else if (end == FUNCTION_END_ANSWERED)
        note_answer(breakers, key);
    pthread_mutex_unlock(&breakers->lock);
}

size_t function_breakers_open(struct function_breakers *breakers)
{
    pthread_mutex_lock(&breakers->lock);
    size_t open = breakers->open;
    pthread_mutex_unlock(&breakers->lock);
    return open;
}

void function_breakers_free(struct function_breakers *breakers)
{
    struct breaker *breaker;
    if (!breakers)
        return;
    while ((breaker = list_first(&breakers->by_age, struct breaker, age)))
        forget(breakers, breaker);
    map_done(&breakers->map);
    pthread_mutex_destroy(&breakers->lock);
    free(breakers);
}

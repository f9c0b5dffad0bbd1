/* A token bucket is stored as one number: the time at which it will be full again. */
#include "work/rate_limit.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    RATE_DECIMALS = 3,
    BURST_MAX = 1000000,
};
#define NS_PER_S 1000000000LL
#define RATE_MAX_MILLI (100000 * 1000ULL) /* thousandths a second */

/* An account whose bucket is not full; one with a time that has passed is as good as none. */
struct bucket {
    uint64_t account;
    int64_t full_ns;
    int64_t seen_ns; /* of two threads that read the clock, the later one may come first */
};

struct set {
    pthread_mutex_t lock;
    struct bucket buckets[RATE_LIMIT_WAYS];
};

struct rate_limit {
    struct rate rate;
    struct set sets[RATE_LIMIT_SETS];
};

/* "0.25" in thousandths. */
static bool thousandths_from(struct str text, unsigned long long *ret_value)
{
    struct str whole = text, part = STR("");
    unsigned long long units, parts = 0;
    bool has_part = str_cut(text, '.', &whole, &part);
    if (!str_to_u64(whole, RATE_MAX_MILLI / 1000, &units) || part.len > RATE_DECIMALS ||
        (has_part && !str_to_u64(part, 999, &parts)))
        return false;
    for (size_t i = part.len; i < RATE_DECIMALS; i++)
        parts *= 10;
    *ret_value = units * 1000 + parts;
    return *ret_value <= RATE_MAX_MILLI;
}

bool rate_from(struct str text, struct rate *ret_rate)
{
    struct str number = text, burst_text = STR("");
    unsigned long long milli, burst;
    bool has_burst = str_cut(text, ':', &number, &burst_text);
    if (!thousandths_from(number, &milli))
        return false;
    burst = milli > 1000 ? milli / 1000 : 1;
    if (has_burst && (!str_to_u64(burst_text, BURST_MAX, &burst) || burst == 0))
        return false;
    *ret_rate = (struct rate){
        .interval_ns = milli > 0 ? (int64_t)(NS_PER_S * 1000 / (int64_t)milli) : 0,
        .burst = (int64_t)burst,
    };
    return true;
}

struct rate_limit *rate_limit_new(struct rate rate)
{
    if (rate.interval_ns == 0)
        return NULL;
    struct rate_limit *made = xcalloc(1, sizeof(*made));
    made->rate = rate;
    for (size_t i = 0; i < RATE_LIMIT_SETS; i++)
        pthread_mutex_init(&made->sets[i].lock, NULL);
    return made;
}

void rate_limit_free(struct rate_limit *rate)
{
    if (!rate)
        return;
    for (size_t i = 0; i < RATE_LIMIT_SETS; i++)
        pthread_mutex_destroy(&rate->sets[i].lock);
    free(rate);
}

/* The account's bucket, or the place of the one that is full first. */
static struct bucket *find(struct set *set, uint64_t account)
{
    struct bucket *first = &set->buckets[0];
    for (size_t i = 0; i < RATE_LIMIT_WAYS; i++) {
        struct bucket *bucket = &set->buckets[i];
        if (bucket->account == account)
            return bucket;
        if (bucket->full_ns < first->full_ns)
            first = bucket;
    }
    *first = (struct bucket){.account = account};
    return first;
}

bool rate_limit_take(struct rate_limit *rate, struct str account, int64_t now_ns,
                     int64_t *ret_wait_ns)
{
    *ret_wait_ns = 0;
    if (!rate)
        return true;
    uint64_t number = hash_text(account); /* two accounts that share 64 bits share a bucket */
    struct set *set = &rate->sets[number % RATE_LIMIT_SETS];
    pthread_mutex_lock(&set->lock);
    struct bucket *bucket = find(set, number);
    bucket->seen_ns = bucket->seen_ns > now_ns ? bucket->seen_ns : now_ns;
    now_ns = bucket->seen_ns;
    int64_t full_ns = bucket->full_ns > now_ns ? bucket->full_ns : now_ns;
    int64_t wait_ns = full_ns - now_ns - (rate->rate.burst - 1) * rate->rate.interval_ns;
    if (wait_ns <= 0)
        bucket->full_ns = full_ns + rate->rate.interval_ns;
    pthread_mutex_unlock(&set->lock);
    *ret_wait_ns = wait_ns > 0 ? wait_ns : 0;
    return wait_ns <= 0;
}

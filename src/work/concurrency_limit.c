/* A counter for each account that has changes in hand, and none for the others. */
#include "work/concurrency_limit.h"

#include "base/alloc.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 256, ACCOUNT_SIZE = 16 /* 12 digits */ };

struct share {
    struct share *next; /* in its bucket */
    long count;         /* 1 at least */
    char account[ACCOUNT_SIZE];
};

struct concurrency_limit {
    long most;
    pthread_mutex_t lock;
    struct share *buckets[BUCKETS];
};

struct concurrency_limit *concurrency_limit_new(long most)
{
    struct concurrency_limit *limit = xcalloc(1, sizeof(*limit));
    limit->most = most;
    pthread_mutex_init(&limit->lock, NULL);
    return limit;
}

void concurrency_limit_free(struct concurrency_limit *limit)
{
    pthread_mutex_destroy(&limit->lock);
    free(limit);
}

/* Where the account's share hangs, or would be hung in: FNV-1a spreads them. */
static struct share **find(struct concurrency_limit *limit, struct str account)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < account.len; i++)
        hash = (hash ^ (unsigned char)account.data[i]) * 16777619U;
    struct share **place = &limit->buckets[hash % BUCKETS];
    while (*place && !str_eq(str_from((*place)->account), account))
        place = &(*place)->next;
    return place;
}

static struct share *share_new(struct str account)
{
    struct share *share = xcalloc(1, sizeof(*share));
    memcpy(share->account, account.data,
           account.len < ACCOUNT_SIZE ? account.len : ACCOUNT_SIZE - 1);
    return share;
}

bool concurrency_limit_enter(struct concurrency_limit *limit, struct str account)
{
    if (limit->most == 0)
        return true;
    pthread_mutex_lock(&limit->lock);
    struct share **place = find(limit, account);
    if (!*place)
        *place = share_new(account);
    bool entered = (*place)->count < limit->most;
    (*place)->count += entered;
    pthread_mutex_unlock(&limit->lock);
    return entered;
}

void concurrency_limit_leave(struct concurrency_limit *limit, struct str account)
{
    if (limit->most == 0)
        return;
    pthread_mutex_lock(&limit->lock);
    struct share **place = find(limit, account), *share = *place;
    if (share && --share->count == 0) {
        *place = share->next;
        free(share);
    }
    pthread_mutex_unlock(&limit->lock);
}

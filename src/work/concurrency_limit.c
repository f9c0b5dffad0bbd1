/* A counter for each account that has changes in hand, and none for the others. */
#include "work/concurrency_limit.h"

#include "base/alloc.h"
#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct share {
    struct map_link link; /* first, so that one pointer is both */
    long count;           /* 1 at least */
    char account[];
};

struct concurrency_limit {
    long most;
    pthread_mutex_t lock;
    struct map shares;
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
    map_done(&limit->shares);
    free(limit);
}

static struct share *share_new(struct concurrency_limit *limit, struct str account)
{
    struct share *share = xcalloc(1, sizeof(*share) + account.len);
    if (account.len > 0)
        memcpy(share->account, account.data, account.len);
    share->link.name = (struct str){share->account, account.len};
    map_add(&limit->shares, &share->link);
    return share;
}

bool concurrency_limit_enter(struct concurrency_limit *limit, struct str account)
{
    if (limit->most == 0)
        return true;
    pthread_mutex_lock(&limit->lock);
    struct share *share = (struct share *)map_find(&limit->shares, account);
    if (!share)
        share = share_new(limit, account);
    bool entered = share->count < limit->most;
    share->count += entered;
    pthread_mutex_unlock(&limit->lock);
    return entered;
}

void concurrency_limit_leave(struct concurrency_limit *limit, struct str account)
{
    if (limit->most == 0)
        return;
    pthread_mutex_lock(&limit->lock);
    struct share *share = (struct share *)map_find(&limit->shares, account);
    if (share && --share->count == 0) {
        map_remove(&limit->shares, &share->link);
        free(share);
    }
    pthread_mutex_unlock(&limit->lock);
}

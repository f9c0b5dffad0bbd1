/* A keyed share with a fixed number for each account, behind a lock. */
#include "work/concurrency_limit.h"

#include "base/alloc.h"
#include "work/keyed_share.h"

#include <pthread.h>
#include <stdlib.h>

struct concurrency_limit {
    pthread_mutex_t lock;
    struct keyed_share accounts;
};

struct concurrency_limit *concurrency_limit_new(long most)
{
    struct concurrency_limit *limit = xcalloc(1, sizeof(*limit));
    limit->accounts.most = (size_t)most;
    pthread_mutex_init(&limit->lock, NULL);
    return limit;
}

void concurrency_limit_free(struct concurrency_limit *limit)
{
    pthread_mutex_destroy(&limit->lock);
    share_done(&limit->accounts);
    free(limit);
}

bool concurrency_limit_enter(struct concurrency_limit *limit, struct str account)
{
    if (limit->accounts.most == 0)
        return true;
    pthread_mutex_lock(&limit->lock);
    bool entered = share_take(&limit->accounts, account);
    pthread_mutex_unlock(&limit->lock);
    return entered;
}

void concurrency_limit_leave(struct concurrency_limit *limit, struct str account)
{
    if (limit->accounts.most == 0)
        return;
    pthread_mutex_lock(&limit->lock);
    share_give(&limit->accounts, share_find(&limit->accounts, account));
    pthread_mutex_unlock(&limit->lock);
}

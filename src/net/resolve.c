/* A look-up belongs to two: who asked, and the thread that asks the system. The last one frees it.
 */
#include "net/resolve.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/timed.h"
#include "work/cpu_slots.h"
#include "work/keyed_share.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct lookup {
    pthread_mutex_t lock; /* guards what follows, but for `host` */
    pthread_cond_t ended_now;
    int owners;
    bool ended;
    struct resolved resolved;
    struct share_key *account; /* under the lock of `shares` */
    char host[RESOLVE_HOST_MAX + 1];
};

static pthread_mutex_t shares_lock = PTHREAD_MUTEX_INITIALIZER;
static struct keyed_share shares = {.size = RESOLVE_LOOKUPS_MAX}; /* by account */

static const char *const limit_name[] = {"lookups"};

const struct metric metric_lookups_throttled = {
    "headgate_throttled_total",
    .labels = {{"limit", 1, limit_name, NULL}},
    METRIC_SERIES(1),
};

static void let_go(struct lookup *lookup)
{
    pthread_mutex_lock(&lookup->lock);
    bool last = --lookup->owners == 0;
    pthread_mutex_unlock(&lookup->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&lookup->lock);
    pthread_cond_destroy(&lookup->ended_now);
    pthread_mutex_lock(&shares_lock);
    share_give(&shares, lookup->account);
    pthread_mutex_unlock(&shares_lock);
    free(lookup);
}

static void ask_system(const char *host, int flags, struct resolved *ret_resolved)
{
    struct addrinfo hints = {.ai_flags = flags, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    *ret_resolved = (struct resolved){0};
    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return;
    for (struct addrinfo *each = list; each && ret_resolved->count < RESOLVE_ADDRESSES_MAX;
         each = each->ai_next) {
        if (each->ai_addrlen <= sizeof(struct sockaddr_storage))
            memcpy(&ret_resolved->addresses[ret_resolved->count++], each->ai_addr,
                   each->ai_addrlen);
    }
    freeaddrinfo(list);
}

static void *look_up(void *argument)
{
    struct lookup *lookup = argument;
    struct resolved resolved;
    ask_system(lookup->host, 0, &resolved);
    pthread_mutex_lock(&lookup->lock);
    lookup->resolved = resolved;
    lookup->ended = true;
    pthread_cond_signal(&lookup->ended_now);
    pthread_mutex_unlock(&lookup->lock);
    let_go(lookup);
    return NULL;
}

/* Its signals are other threads' business. */
static bool start_thread(struct lookup *lookup)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    lookup->owners++; /* the thread is one, from before it runs */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&thread, NULL, look_up, lookup) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!started) {
        lookup->owners--;
        return false;
    }
    pthread_setname_np(thread, "lookup");
    pthread_detach(thread);
    return true;
}

/* NULL: the account has its share of look-ups. */
static struct lookup *lookup_new(const char *host, struct str account)
{
    pthread_mutex_lock(&shares_lock);
    struct share_key *key = share_take(&shares, account);
    pthread_mutex_unlock(&shares_lock);
    if (!key)
        return NULL;
    struct lookup *lookup = xcalloc(1, sizeof(*lookup));
    cond_init_timed(&lookup->ended_now);
    pthread_mutex_init(&lookup->lock, NULL);
    memcpy(lookup->host, host, strlen(host) + 1);
    lookup->owners = 1;
    lookup->account = key;
    return lookup;
}

static void await(struct lookup *lookup, int64_t deadline_ms, struct resolved *ret_resolved)
{
    bool in_time = true;
    slot_release();
    pthread_mutex_lock(&lookup->lock);
    while (!lookup->ended && in_time)
        in_time = cond_wait_until(&lookup->ended_now, &lookup->lock, deadline_ms);
    *ret_resolved = lookup->resolved;
    ret_resolved->timed_out = !lookup->ended;
    pthread_mutex_unlock(&lookup->lock);
    slot_acquire();
}

bool resolve_host(struct str host, struct str account, int64_t deadline_ms,
                  struct resolved *ret_resolved)
{
    char text[RESOLVE_HOST_MAX + 1] = "";
    *ret_resolved = (struct resolved){0};
    if (host.len == 0 || host.len > RESOLVE_HOST_MAX || memchr(host.data, '\0', host.len))
        return false;
    memcpy(text, host.data, host.len);
    ask_system(text, AI_NUMERICHOST, ret_resolved);
    if (ret_resolved->count > 0)
        return true;
    struct lookup *lookup = lookup_new(text, account);
    if (!lookup) {
        metrics_count(&metric_lookups_throttled, 0, 0);
        ret_resolved->busy = true;
        return false;
    }
    if (start_thread(lookup))
        await(lookup, deadline_ms, ret_resolved);
    let_go(lookup);
    return ret_resolved->count > 0;
}

/* Two looks a second: stat(2) of the keyring's file, one row of the store. A store that cannot be
 * read is not reported here: readiness and requests report it. */
#include "cli/keyring_watch.h"

#include "api/key_state.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/random.h"
#include "base/timed.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct keyring_watch {
    struct data_dir *data;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping, reload_wanted;
    char node_id[KEY_NODE_ID_SIZE];
    char node_name[KEY_NODE_NAME_SIZE];
    int64_t answered; /* the newest question that was */
};

static void log_keys(const struct keyring *keyring, const char *why)
{
    struct arena arena = {0};
    log_info("%s: the keyring was read; its keys are %.*s, new values are sealed with %.*s.", why,
             STR_ARG(keyring_ids(keyring, &arena)), STR_ARG(keyring_primary_id(keyring)));
    arena_done(&arena);
}

static bool reload(struct keyring *keyring, const char *why)
{
    struct error error = {0};
    if (keyring_reload(keyring, &error)) {
        log_keys(keyring, why);
        return true;
    }
    log_error("%s: the keyring was not read again, the keys that are known stay in use: %s", why,
              error.message);
    return false;
}

static void heed(struct keyring *keyring, const struct key_state *state)
{
    if (!*state->in_use || str_eq(keyring_primary_id(keyring), str_from(state->in_use)))
        return;
    if (!keyring_use(keyring, str_from(state->in_use)))
        return; /* `headgate key rotate` waits until every keyring has it */
    log_info("New values are sealed with key %s from now on.", state->in_use);
}

/* On the watch's thread, after heed(): the answer has the key that this node seals with from here
 * on. */
static void answer(struct keyring_watch *watch, struct keyring *keyring, int64_t question)
{
    struct arena arena = {0};
    struct error error = {0};
    struct key_answer answer = {
        .node = str_from(watch->node_name),
        .in_use = keyring_primary_id(keyring),
        .ids = keyring_ids(keyring, &arena),
        .question = question,
    };
    if (key_answer_put(watch->data->store, watch->node_id, &answer, &error))
        watch->answered = question;
    arena_done(&arena);
}

static void look(struct keyring_watch *watch)
{
    struct keyring *keyring = watch->data->keys.keyring;
    struct key_state state;
    struct error ignored = {0};
    if (keyring_reload_changed(keyring))
        log_keys(keyring, "The file has changed");
    if (!key_state_read(watch->data->store, &state, &ignored))
        return;
    bool is_asked = state.question > watch->answered;
    if (is_asked) /* a file, too: why it cannot be read is logged then */
        (void)reload(keyring, "A rotation of keys begins");
    heed(keyring, &state);
    if (is_asked)
        answer(watch, keyring, state.question);
}

static bool wait_for_next(struct keyring_watch *watch, bool *ret_reload)
{
    int64_t until_ms = clock_mono_ms() + KEY_LOOK_MS;
    pthread_mutex_lock(&watch->mutex);
    while (!watch->stopping && !watch->reload_wanted &&
           cond_wait_until(&watch->changed, &watch->mutex, until_ms))
        continue;
    bool more = !watch->stopping;
    *ret_reload = watch->reload_wanted;
    watch->reload_wanted = false;
    pthread_mutex_unlock(&watch->mutex);
    return more;
}

static void *run(void *argument)
{
    struct keyring_watch *watch = argument;
    bool wants_reload;
    pthread_setname_np(pthread_self(), "keyring");
    while (wait_for_next(watch, &wants_reload)) {
        if (wants_reload)
            (void)reload(watch->data->keys.keyring, "SIGHUP");
        look(watch);
    }
    return NULL;
}

static void name_node(struct keyring_watch *watch)
{
    unsigned char id[(KEY_NODE_ID_SIZE - 1) / 2];
    char host[64] = "?";
    (void)gethostname(host, sizeof(host));
    host[sizeof(host) - 1] = '\0';
    random_bytes(id, sizeof(id));
    encode_hex(id, sizeof(id), watch->node_id);
    snprintf(watch->node_name, sizeof(watch->node_name), "%s, process %ld", host, (long)getpid());
}

/* A question that was asked shortly before the start is answered: its rotation may still run. */
static void skip_old_question(struct keyring_watch *watch)
{
    struct key_state state;
    struct error ignored = {0};
    if (key_state_read(watch->data->store, &state, &ignored) &&
        state.question < clock_wall_ms() - KEY_QUESTION_LIFE_MS)
        watch->answered = state.question;
}

bool keyring_watch_start(struct data_dir *data, struct keyring_watch **ret_watch,
                         struct error *error)
{
    struct keyring_watch *watch = xcalloc(1, sizeof(*watch));
    watch->data = data;
    name_node(watch);
    skip_old_question(watch);
    pthread_mutex_init(&watch->mutex, NULL);
    cond_init_timed(&watch->changed);
    watch->has_thread = pthread_create(&watch->thread, NULL, run, watch) == 0;
    *ret_watch = watch;
    return watch->has_thread ||
           fail(error, ERR_UNAVAILABLE, "The thread that watches the keyring cannot be started.");
}

static void wake(struct keyring_watch *watch, bool *flag)
{
    pthread_mutex_lock(&watch->mutex);
    *flag = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->mutex);
}

void keyring_watch_reload(struct keyring_watch *watch)
{
    wake(watch, &watch->reload_wanted);
}

void keyring_watch_stop(struct keyring_watch *watch)
{
    if (!watch)
        return;
    wake(watch, &watch->stopping);
    if (watch->has_thread)
        pthread_join(watch->thread, NULL);
    pthread_mutex_destroy(&watch->mutex);
    pthread_cond_destroy(&watch->changed);
    free(watch);
}

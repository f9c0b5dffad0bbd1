/* A committer that is held, so that a test decides what gets into one batch, and what is posted to
 * it.
 */
#pragma once

#include "store_fixture.h"

#include <semaphore.h>

struct gate {
    struct store_write write;
    sem_t entered, open, passed;
};

static inline bool apply_gate(struct db *db, void *argument, struct error *error)
{
    struct gate *gate = argument;
    (void)db, (void)error;
    sem_post(&gate->entered);
    sem_wait(&gate->open);
    return true;
}

static inline void gate_done(struct store_write *write)
{
    sem_post(&((struct gate *)write)->passed);
}

static inline void gate_hold(struct fixture *f, struct gate *gate)
{
    *gate = (struct gate){.write = {.apply = apply_gate, .argument = gate, .done = gate_done}};
    sem_init(&gate->entered, 0, 0);
    sem_init(&gate->open, 0, 0);
    sem_init(&gate->passed, 0, 0);
    check(f, store_post(f->store, &gate->write, &f->error));
    sem_wait(&gate->entered);
}

static inline void gate_open(struct gate *gate)
{
    sem_post(&gate->open);
    sem_wait(&gate->passed);
    sem_destroy(&gate->entered);
    sem_destroy(&gate->open);
    sem_destroy(&gate->passed);
}

/* --- writes that are posted without waiting for each --- */

struct posted {
    struct store_write write;
    struct insert_argument insert;
    char name[16];
    bool fails;
    sem_t *done;
};

static inline bool apply_posted(struct db *db, void *argument, struct error *error)
{
    struct posted *posted = argument;
    if (!profile_insert(db, &posted->insert.profile, 0, error))
        return false;
    return !posted->fails || fail(error, ERR_QUOTA, "Not this one.");
}

static inline void posted_done(struct store_write *write)
{
    sem_post(((struct posted *)write)->done);
}

static inline void post_insert(struct fixture *f, struct posted *posted, const char *name,
                               sem_t *done)
{
    snprintf(posted->name, sizeof(posted->name), "%s", name);
    posted->insert.profile = sample_profile(posted->name);
    posted->done = done;
    posted->write =
        (struct store_write){.apply = apply_posted, .argument = posted, .done = posted_done};
    check(f, store_post(f->store, &posted->write, &f->error));
}

static inline void wait_times(sem_t *done, int times)
{
    for (int i = 0; i < times; i++)
        sem_wait(done);
}

static inline void post_inserts(struct fixture *f, struct posted *posted, int count, sem_t *done)
{
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", i);
        post_insert(f, &posted[i], name, done);
    }
}

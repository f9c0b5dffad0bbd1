/* A committer that is held, so that a test decides what gets into one batch. */
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

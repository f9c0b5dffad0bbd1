/* The folders that a run has written objects to, as its Partition tasks name them (partition.h):
 * each is one partition of a table. */
#pragma once

#include "base/map.h"
#include "flow/engine_run.h"
#include "flow/object_key.h"
#include "flow/partition.h"

enum { RUN_FOLDERS_MAX = 10 * 1000 };

struct run_folder {
    struct map_link link; /* its name is the folder, "Country=DE/City=Ulm/" */
    struct str *values;   /* "DE", "Ulm" */
};

struct run_folders {
    struct arena *arena;
    struct map by_name;
    struct run_folder **folders; /* in the order in which they were written first */
    size_t count, room;
    struct str keys[PARTITION_KEYS_MAX]; /* "Country", "City" */
    size_t key_count;
};

/* Reads the list of the run's objects, those of its checkpoints and those since. ERR_VALIDATION:
 * there are more than RUN_FOLDERS_MAX; others are the store's. run_folders_done in any case. */
_must_use_ bool run_folders_read(struct flow_engine_run *run, const struct object_key_config *keys,
                                 struct arena *arena, struct run_folders *ret_folders,
                                 struct error *error);
void run_folders_done(struct run_folders *folders); /* may be called on a zeroed one */

/* What the commands `headgate key …` share. */
#pragma once

#include "api/key_state.h"
#include "cli/command.h"
#include "cli/data_dir.h"

enum { KEY_NODES_WAIT_S = 60 };

/* Values by key, as sealed_counts reads them. */
struct key_counts {
    struct sealed_count *rows;
    size_t count;
};
_must_use_ bool key_counts_read(struct store *store, struct arena *arena,
                                struct key_counts *ret_counts, struct error *error);
/* How many values are sealed with this key, or with any other. */
size_t key_counts_of(const struct key_counts *counts, struct str id);
size_t key_counts_but(const struct key_counts *counts, struct str id);

/* The keyring's file, NULL with a command. The text is the options' or in `out`. */
const char *key_file(const struct options *options, char out[DATA_PATH_SIZE]);

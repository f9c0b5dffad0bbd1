/* Waiting until every running server has a key of the keyring, or seals with it. */
#pragma once

#include "cli/data_dir.h"

enum key_wish {
    KEY_IS_KNOWN,  /* it is in the node's keyring */
    KEY_IS_IN_USE, /* the node seals with it */
};

/* Asks the nodes again and again until each answer fulfils the wish, and prints which ones do not.
 * *ret_nodes: how many answered. ERR_UNAVAILABLE after `limit_ms`, or when a server that holds the
 * data directory does not answer. */
_must_use_ bool key_nodes_wait(const struct data_dir *data, enum key_wish wish, struct str id,
                               int64_t limit_ms, size_t *ret_nodes, struct error *error);

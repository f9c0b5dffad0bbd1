/* Which key of the keyring the nodes that share a store seal with, and what each of them has read
 * of its keyring: how a key is put to use, and taken out of use, while servers run.
 *
 * The store says which key is in use ("keyring" in `meta`). It decides for every node and every
 * command; the mark in the keyring's text decides only while the store says nothing, which is so
 * until the first rotation. So a new key can be in every node's keyring before any of them seals
 * with it. The row needs no seal: what can be named in it is a key of the keyring, all of which are
 * trusted, and a key of which an intruder knows more is one to retire.
 *
 * A command asks a question by raising a number in that row. Each running node sees it within
 * KEY_LOOK_MS, reads its keyring again, changes to the key in use, and writes a row of its own
 * ("keyring-node-…" in `meta`): who it is, the key that it seals with, and all keys that it has. */
#pragma once

#include "store/core/store.h"
#include "vault/keyring.h"

enum {
    KEY_LOOK_MS = 500,        /* between two looks of a node at the row */
    KEY_ANSWER_MS = 2 * 1000, /* after the last answer, until no more are expected */
    /* The same where nodes run a command before they answer. */
    KEY_COMMAND_ANSWER_MS = KEYRING_COMMAND_MS + 6 * 1000,
    KEY_FIRST_ANSWER_MS = 30000,           /* for the answer of a server that is known to run */
    KEY_QUESTION_LIFE_MS = 10 * 60 * 1000, /* a node that starts later does not answer any more */
    KEY_NODE_ID_SIZE = 17,                 /* 16 hex digits, NUL */
    KEY_NODE_NAME_SIZE = 128,              /* "db1, process 4711", NUL */
};

struct key_state {
    char in_use[KEYRING_ID_SIZE + 1]; /* empty: the one that the keyring marks */
    int64_t since_ms;                 /* when it was put to use */
    bool is_renewing; /* a rotation to it has not ended: values may be sealed with older keys */
    int64_t question; /* the newest one: when it was asked, and more than the one before; 0: none */
};

/* A state of zeros when the store says nothing. */
_must_use_ bool key_state_read(struct store *store, struct key_state *ret_state,
                               struct error *error);
/* Makes the ring seal with the key in use, if it has it. */
void key_state_heed(const struct key_state *state, struct keyring *keyring);

/* For a store that says nothing: says that this key, which is in use, is. */
_must_use_ bool key_state_begin(struct store *store, struct str id, struct error *error);
/* Puts a key to use, in the transaction of `also`. ERR_LOST_RACE when the key in use is not
 * `expected` any more. */
_must_use_ bool key_state_use(struct store *store, struct str expected, struct str id,
                              store_apply_fn *also, void *argument, struct error *error);
/* Notes that the rotation to the key in use has ended, in the transaction of `also`. What it
 * replaced is gone from SQLite's files when this returns. ERR_LOST_RACE as above. */
_must_use_ bool key_state_end(struct store *store, struct str expected, store_apply_fn *also,
                              void *argument, struct error *error);

/* Asks all nodes; earlier answers are removed. */
_must_use_ bool key_question_ask(struct store *store, int64_t *ret_question, struct error *error);

struct key_answer {
    struct str node;   /* its name, for people */
    struct str in_use; /* the id of the key that it seals with */
    struct str ids;    /* of all its keys, with commas between */
    int64_t question;
};
_must_use_ bool key_answer_put(struct store *store, const char *node_id,
                               const struct key_answer *answer, struct error *error);
/* Answers to the question. */
_must_use_ bool key_answers_list(struct store *store, int64_t question, struct arena *arena,
                                 struct key_answer **ret_answers, size_t *ret_count,
                                 struct error *error);

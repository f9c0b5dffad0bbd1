/* The escrow's file: slots of fixed size for vendors' answers that must not be lost between their
 * arrival and the commit in the store. The file is made before the first call, with all of its
 * blocks allocated, so that a full disk refuses a call and no answer.
 *
 * Slot: a head of ESCROW_HEAD_SIZE bytes, written by the server before a call, then the answer,
 * written when it has come.
 *
 *   head    magic "HGE1head" | id 16 | writer 4 | size 4 | sealed envelope (vault/seal.h)
 *   answer  magic "HGE1answ" | id 16 | nonce 12 | size 4 | text | tag 16
 *
 * The answer is encrypted with AES-256-GCM under a data key of the call's own, with the id as
 * associated data; the sealed envelope has that key, and the caller's notes. So the process that
 * writes answers needs no key of the keyring, and a write that was torn, or a bit that flipped, is
 * found by a tag. What is not whole counts as not there.
 *
 * Processes that write into slots are numbered. A lock on the byte of its number shows that a
 * writer lives (fcntl(2), F_OFD_SETLK): it lasts as long as a descriptor of the open file
 * description is open. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "vault/crypto.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    ESCROW_SLOTS = 256,
    ESCROW_SLOT_SIZE = 32 * 1024,
    ESCROW_HEAD_SIZE = 16 * 1024, /* room for a wrapped key of AWS KMS, see grant_escrow.c */
    ESCROW_WRITERS = 64, /* processes at once: one, and those before it that end their calls */
    ESCROW_ID_SIZE = 16,
    ESCROW_ENVELOPE_MAX = ESCROW_HEAD_SIZE - 8 - ESCROW_ID_SIZE - 4 - 4,
    /* Bytes of an answer's text. */
    ESCROW_ANSWER_MAX = ESCROW_SLOT_SIZE - ESCROW_HEAD_SIZE - 8 - ESCROW_ID_SIZE -
                        CRYPTO_NONCE_SIZE - 4 - CRYPTO_TAG_SIZE,
    ESCROW_FILE_SIZE = ESCROW_SLOTS * ESCROW_SLOT_SIZE,
};

/* What one call writes its answer with. */
struct escrow_call_key {
    unsigned char id[ESCROW_ID_SIZE];   /* random, new for each use of a slot */
    unsigned char key[CRYPTO_KEY_SIZE]; /* likewise */
};

/* Opens the file; makes it where there is none and `make` is set, else *ret_fd is -1. ERR_INTERNAL
 * when it cannot be made, has another size or belongs to someone else. */
_must_use_ bool escrow_file_open(const char *path, bool make, int *ret_fd, struct error *error);

/* How many slots have an envelope that this key of the keyring seals; any process. 0 where there is
 * no file. ERR_INTERNAL: it cannot be read. */
_must_use_ bool escrow_file_count(const char *path, struct str key_id, size_t *ret_count,
                                  struct error *error);

/* Takes the file for this server, as long as the descriptor is open. False: another one has it. */
_must_use_ bool escrow_file_own(int fd);

/* Opens the file once more and locks a free number with that descriptor. ERR_UNAVAILABLE: none is
 * free. */
_must_use_ bool escrow_writer_lock(const char *path, int *ret_fd, int *ret_writer,
                                   struct error *error);
/* `fd` is another descriptor than the one with the lock. */
bool escrow_writer_lives(int fd, int writer);

/* --- the server: before a call --- */

_must_use_ bool escrow_slot_prepare(int fd, int slot, const unsigned char id[ESCROW_ID_SIZE],
                                    int writer, struct str envelope, struct error *error);
/* Overwrites the head, and with it the envelope: the answer cannot be opened any more. */
bool escrow_slot_clear(int fd, int slot);

/* --- the process that makes the call --- */

/* Durable when it returns. A later answer takes the place of an earlier one. False: it could not be
 * written, is longer than ESCROW_ANSWER_MAX, or the slot has another use by now. */
_must_use_ bool escrow_slot_answer(int fd, int slot, const struct escrow_call_key *key,
                                   struct str answer);

/* --- finding answers --- */

struct escrow_head {
    unsigned char id[ESCROW_ID_SIZE];
    int writer;
    struct str envelope; /* of the arena */
};

/* False: the slot is free, or its head is not whole. */
bool escrow_slot_read(int fd, int slot, struct arena *arena, struct escrow_head *ret_head);

enum escrow_found {
    ESCROW_NO_ANSWER,
    ESCROW_ANSWER,
    ESCROW_DAMAGED, /* there is one, and it does not open */
};

/* Whether there is an answer, whole or not, that was written for this use of the slot. */
bool escrow_slot_is_answered(int fd, int slot, const unsigned char id[ESCROW_ID_SIZE]);
enum escrow_found escrow_slot_open(int fd, int slot, const struct escrow_call_key *key,
                                   struct arena *arena, struct str *ret_answer);

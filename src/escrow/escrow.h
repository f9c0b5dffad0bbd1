/* The escrow: answers of vendors that must not be lost between their arrival and the commit of what
 * they bring. A slot of its file (escrow/slots.h) is held from before a call until what came of it
 * is in the store. The courier (escrow/courier.h) makes the call and writes the answer; without one
 * the server does both, and its own death can lose an answer.
 *
 * A slot that was given up with an answer in it, or while one may still come, is left: by this
 * process, or by one before it that was killed. Its owner looks at what is left at the start and
 * later, and takes it up. Any thread. */
#pragma once

#include "base/metrics.h"
#include "escrow/courier.h"
#include "escrow/slots.h"
#include "net/client/client.h"

struct escrow;

enum {
    ESCROW_TAG_SIZE = 32,
    ESCROW_RETRY_MIN_MS = 2 * 1000,
    ESCROW_RETRY_MAX_MS = 5 * 60 * 1000,
};

extern const struct metric metric_escrow_slots; /* that are held or left */

/* Finds what an earlier process left. The file is made before the first call. `directory` exists as
 * long as the escrow. `courier` (NULL: none) is the caller's. ERR_CONFLICT: another server has the
 * file; ERR_INTERNAL: it is not the escrow's. */
_must_use_ bool escrow_new(const char *directory, struct courier *courier,
                           struct escrow **ret_escrow, struct error *error);
void escrow_free(struct escrow *escrow); /* NULL is fine; what is held stays in the file */

/* --- a call --- */

struct escrow_hold {
    int slot;
    struct escrow_call_key key;
};

/* Takes a slot for a call of the account: each has at most as many as it leaves free.
 * ERR_THROTTLING when there is none; ERR_UNAVAILABLE when the file cannot be made or written. */
_must_use_ bool escrow_take(struct escrow *escrow, struct str account, struct escrow_hold *ret_hold,
                            struct error *error);
/* Writes its head. `envelope` is sealed and has hold->key.key and what the owner needs to take an
 * answer up; `tag` names what the call is for. */
_must_use_ bool escrow_prepare(struct escrow *escrow, const struct escrow_hold *hold,
                               const unsigned char tag[ESCROW_TAG_SIZE], struct str envelope,
                               struct error *error);

/* Makes the call, as client_call does, with at most ESCROW_BODY_MAX bytes of a body; `call` where
 * the server itself makes it. The answer is in its slot when this returns, if it is of success.
 * False: that one could not be kept, or has more than ESCROW_ANSWER_MAX bytes; *ret_response has
 * it. */
_must_use_ bool escrow_call(struct escrow *escrow, const struct escrow_hold *hold,
                            client_call_fn *call, struct client *client, struct arena *arena,
                            const struct client_request *request,
                            struct client_response *ret_response);

/* What came of the call is in the store, or nothing did: the slot is free. */
void escrow_settle(struct escrow *escrow, const struct escrow_hold *hold);
/* The slot is left, with an answer or while one may come: true; else it is free. */
bool escrow_leave(struct escrow *escrow, const struct escrow_hold *hold);

/* --- what is left --- */

enum escrow_left {
    ESCROW_LEFT_NONE,        /* no such slot is left */
    ESCROW_LEFT_IN_PROGRESS, /* an answer may come */
    ESCROW_LEFT_ANSWERED,    /* with an answer, which escrow_take_up gives to one caller */
    ESCROW_LEFT_TAKEN,       /* another thread has taken it up */
};

bool escrow_has_left(const struct escrow *escrow);
/* One thread at a time looks at all that is left. False: another one does; else
 * escrow_look_end follows. */
bool escrow_look_begin(struct escrow *escrow);
void escrow_look_end(struct escrow *escrow);
/* What is left for a tag. A slot without an answer whose call has ended becomes free. */
enum escrow_left escrow_find_left(struct escrow *escrow, const unsigned char tag[ESCROW_TAG_SIZE]);

/* Where it looks from, and for which slots; zeros at first: for all. */
struct escrow_cursor {
    int slot;
    const unsigned char *tag; /* NULL, or of this tag only */
    bool untagged;            /* only those whose tag is not known */
};
/* Takes up the next slot with an answer, or with a tag that is not known yet, which one that was
 * left by an earlier process has not; none before the time that it was put off to. False: there is
 * no more. One of the last four functions follows. */
bool escrow_take_up(struct escrow *escrow, struct escrow_cursor *cursor, struct arena *arena,
                    int *ret_slot, struct escrow_head *ret_head);
/* Whether there is an answer in a slot that was taken up. */
bool escrow_is_answered(struct escrow *escrow, int slot);
enum escrow_found escrow_open(struct escrow *escrow, int slot, const struct escrow_call_key *key,
                              struct arena *arena, struct str *ret_answer);
/* `tag` (NULL: as before) is known from now on. */
void escrow_put_back(struct escrow *escrow, int slot, const unsigned char *tag);
/* Likewise, for ESCROW_RETRY_MIN_MS, twice as long each time, at most ESCROW_RETRY_MAX_MS. */
void escrow_put_off(struct escrow *escrow, int slot, const unsigned char *tag);
/* It stays in use, and is not given again before the server's next start. */
void escrow_put_aside(struct escrow *escrow, int slot);
void escrow_drop(struct escrow *escrow, int slot); /* it is free */

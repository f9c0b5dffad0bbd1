/* One limit for the memory that requests and vendor calls hold together, and each account's share
 * of it, so that what peers send cannot use up the process's memory.
 *
 * A request reserves what it needs before it is handed to a worker, so that accepted requests do
 * not wait for each other's memory; what peers send beyond that (a vendor's long response) is asked
 * for when it comes, and refused when there is no room. An account may take more only while it then
 * holds no more than is left free: one account takes at most 1/2 of the limit, a second 1/4, and so
 * on, as with workers (work/keyed_share.h).
 *
 * What is counted: blocks of the arenas of a reservation's meter, and the HTTP server's buffers
 * over 4 KiB, which no account is known for yet. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct memory_limit; /* thread-safe */

struct memory_limit *memory_limit_new(size_t bytes_max);
void memory_limit_free(struct memory_limit *limit); /* when all reservations have ended */

/* What one request or job holds. One thread at a time uses it. All zeros: not begun. */
struct memory_reservation {
    struct arena_meter meter; /* first, so that one pointer is both; of its arenas */
    struct memory_limit *limit;
    struct memory_account *account;
};

/* Nothing is reserved yet. Without a limit (NULL) there is always room. */
void memory_reservation_begin(struct memory_limit *limit, struct str account,
                              struct memory_reservation *reservation);
/* Reserves `bytes` more than its arenas hold now. False, and nothing changed: no room, or past the
 * account's share. */
_must_use_ bool memory_reserve(struct memory_reservation *reservation, size_t bytes);
/* Takes its arenas' meter away: they are to be freed, or have been set to another, before. May be
 * called twice. */
void memory_reservation_end(struct memory_reservation *reservation);

/* What is counted for no account: buffers of the HTTP server. Never refused here. */
void memory_limit_add(struct memory_limit *limit, size_t bytes);
void memory_limit_remove(struct memory_limit *limit, size_t bytes);

/* Whether a party that holds so many bytes may take more: there is some left, and it has no more
 * than that. 0: whether there is some left. */
bool memory_limit_has_room(const struct memory_limit *limit, size_t held);

size_t memory_limit_bytes(const struct memory_limit *limit); /* held and reserved */

/* The courier: a process of this program that makes the calls whose answers must not be lost, and
 * writes each answer into its slot (escrow/slots.h) before the server sees it. It outlives a server
 * that is killed until its calls have ended, which their deadlines bound, and then ends.
 *
 * It is forked before the server has threads, keys or a database, and does nothing until the first
 * call: it then makes its own outbound client from the same options, so that the same egress
 * policy, proxy and certificates count, and gives up what it does not need. It gets a data key for
 * each call and no key of the keyring. docs/internals/token-keeper.md says why it makes the whole
 * call. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "escrow/message.h"
#include "net/client/client.h"

#include <stdbool.h>

struct courier;

/* Both run in the courier's process, before its first call, in this order, on its only thread. They
 * and the context must be usable in a process that was forked. */
struct courier_config {
    bool (*make_client)(void *context, struct client **ret_client, struct error *error);
    bool (*lock_down)(void *context, struct error *error);
    void *context;
};

/* Before the first thread. Returns when the courier has wiped the secrets that it inherited, such
 * as those in its environment (pthread_atfork). ERR_UNAVAILABLE. */
_must_use_ bool courier_start(const struct courier_config *config, struct courier **ret_courier,
                              struct error *error);
/* Gives the courier the descriptor through which it writes slots, and with it the writer's lock.
 * Once, before the first call. The descriptor stays the caller's. False: the courier is gone. */
bool courier_give_writer(struct courier *courier, int writer_fd);

enum courier_end {
    COURIER_GONE,     /* it did not begin the call: nothing was sent */
    COURIER_ANSWERED, /* *ret_reply is what came of it */
    COURIER_UNKNOWN,  /* it took the call, and what comes of it is not known here */
};

/* Waits until the call has ended; gives the CPU slot back meanwhile. Any thread. With
 * COURIER_UNKNOWN, the reply's response says that the request may have been sent. */
enum courier_end courier_call(struct courier *courier, const struct escrow_order *order,
                              struct arena *arena, struct escrow_reply *ret_reply);

/* Ends every wait of courier_call, and every later call, with COURIER_UNKNOWN and CLIENT_STOPPED;
 * the courier completes the calls that it has. */
void courier_interrupt(struct courier *courier);
/* Without calls, waits until it has ended, for a moment at most: it ends by itself. */
void courier_free(struct courier *courier); /* NULL is fine */

/* --- courier_process.c --- */

/* Messages on the courier's socket, of one byte and, to the courier, a descriptor. */
enum courier_message {
    COURIER_READY = 'R',  /* to the server, without a descriptor: it has wiped what it inherited */
    COURIER_WRITER = 'W', /* where it writes slots */
    COURIER_CALL = 'C',   /* a socket of one call: a size of 8 bytes and an order; back comes
                             COURIER_BEGUN before the request is sent, then likewise a reply. If the
                             socket ends without COURIER_BEGUN, nothing was sent */
    COURIER_BEGUN = 'B',
};

_Noreturn void courier_run(int socket, const struct courier_config *config);

/* Writes or reads a whole piece, until `until_ms` on clock_mono_ms(). False: errno says why;
 * ECONNRESET also where the other end was closed. */
bool courier_write(int fd, const void *bytes, size_t size, int64_t until_ms);
bool courier_read(int fd, void *bytes, size_t size, int64_t until_ms);

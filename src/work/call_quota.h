/* The quotas that vendors give their customers, shared by all that call the same vendor with the
 * same customer's credentials. What the vendor says to one caller counts for all: after "too many"
 * none of them calls until the time that the vendor named, then one at a time, and with each call
 * that is taken one more at once. Callers that may not call yet stand in a line, in the order in
 * which they first asked; one whose call was refused stands there again, before later ones.
 *
 *     while (!call_quota_enter)   may the call be made now? else wait, and ask again
 *     …                           the call
 *     call_quota_leave            what the vendor said
 *
 * A quota takes memory while something is known of it or a call is under way. What the vendor said
 * of its size is kept for a day, for forecasts, while there is room. Times are those of
 * clock_mono_ms(). Thread-safe. */
#pragma once

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"
#include "work/quota_history.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CALL_QUOTAS_MAX = 4096,                  /* calls of more vendors than that are not held back */
    CALL_QUOTA_WAIT_MAX_MS = 60 * 60 * 1000, /* after a longer wait a call is tried all the same */
    CALL_QUOTA_PAUSE_MS = 1000, /* where the vendor does not say how long; then doubled */
    CALL_QUOTA_PAUSE_MAX_MS = 30 * 1000,
    CALL_QUOTA_FREE = 64,               /* with so many calls at once there is no limit any more */
    CALL_QUOTA_KEPT_MS = 5 * 60 * 1000, /* that a limit is remembered without calls */
    CALL_QUOTA_GRACE_MS = 2000,         /* that a turn is kept for a caller that is late */
    CALL_QUOTA_NEAR = 4,                /* of the first ones in the line the turn comes soon */
};

struct call_quotas;

struct call_quotas *call_quotas_new(void);
void call_quotas_free(struct call_quotas *quotas); /* when no place is in use; NULL is fine */

/* A caller's place; zeroed at first. One thread at a time uses it. */
struct call_quota_place {
    struct call_quota *quota; /* that it waits for or calls under; NULL: none */
    struct list_link link;    /* in the line */
    bool calls;
    uint64_t turn;         /* of the quota when the call began */
    uint64_t ticket;       /* grows with the time at which it asked first; 0: it has not */
    int64_t away_until_ms; /* its caller is away, and from then on its turn goes to others; 0: it is
                            * not away */
    int64_t back_ms;       /* its caller does not ask again before */
};

/* True: the call may be made, and call_quota_leave follows. False: the place is in the line, and
 * *ret_wait_ms says when it makes sense to ask again; 0: when another call has ended. With another
 * key than before, the place changes lines. */
bool call_quota_enter(struct call_quotas *quotas, struct call_quota_place *place, struct str key,
                      int64_t now_ms, int64_t *ret_wait_ms);

enum call_quota_end {
    CALL_TAKEN,     /* the vendor did not limit it, whatever else it said */
    CALL_THROTTLED, /* too many calls */
    CALL_UNKNOWN,   /* there was no answer that tells */
};

/* Negative: the vendor did not say. */
struct call_quota_said {
    enum call_quota_end end;
    int64_t wait_ms;  /* that it asks for */
    int64_t left;     /* calls until the quota is renewed */
    int64_t renew_ms; /* until then */
};

/* The call has ended. Returns the wait that begins by what the vendor said, in milliseconds; 0:
 * none that was not known. After CALL_THROTTLED the place is in the line. */
int64_t call_quota_leave(struct call_quotas *quotas, struct call_quota_place *place,
                         const struct call_quota_said *said, int64_t now_ms);

/* The caller of a place in the line, if it is there, asks again at about `until_ms`: its turn is
 * kept until CALL_QUOTA_GRACE_MS after that, or after the quota's own wait where that ends before.
 * 0: it is not kept. The place stays before later ones. */
void call_quota_away(struct call_quotas *quotas, struct call_quota_place *place, int64_t until_ms,
                     int64_t now_ms);

/* The caller of a place in the line, if it is there, has other things to do, and does not say when
 * it asks again: its turn is not kept. The place stays before later ones. */
void call_quota_step_aside(struct call_quotas *quotas, struct call_quota_place *place);

/* Whether it is soon the turn of a place, so that its caller should be there. Places before it
 * whose callers do not ask soon do not count. */
bool call_quota_is_near(struct call_quotas *quotas, const struct call_quota_place *place,
                        int64_t now_ms);

/* The place leaves the line. Also of a zeroed one. */
void call_quota_give_up(struct call_quotas *quotas, struct call_quota_place *place);

/* One quota as it stands. */
struct call_quota_shown {
    struct str key;   /* in the arena */
    size_t calls;     /* under way */
    size_t waiting;   /* calls in the line */
    int64_t until_ms; /* no call is made before; 0: calls are made */
    struct quota_forecast forecast;
};
/* Those whose keys begin with `prefix`, at most `most`, in no order. */
void call_quotas_list(struct call_quotas *quotas, struct str prefix, size_t most, int64_t now_ms,
                      struct arena *arena, struct call_quota_shown **ret_shown, size_t *ret_count);

struct call_quota_counts {
    size_t quotas;  /* by which calls are held back, or may be */
    size_t waiting; /* of them, those whose vendor is not called at the moment */
    size_t held;    /* calls in lines */
};
struct call_quota_counts call_quotas_counts(struct call_quotas *quotas, int64_t now_ms);

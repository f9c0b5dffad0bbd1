/* Delivers queued events (store/event_queue.h) to a receiver: the webhook (profile/webhook.h), or
 * an event bus (profile/event_bus.h). At least once, and in order for each subject, a profile or a
 * flow; docs/notices.md has what a receiver sees.
 *
 * One durable job a subject that has events waiting: it sends them in order until one is not taken,
 * and then waits, longer with each failure. While the receiver does not answer, a circuit breaker
 * leaves it alone but for one try each HOST_BREAKER_PROBE_MS. */
#pragma once

#include "base/metrics.h"
#include "job/job.h"
#include "net/client/client.h"
#include "store/event_queue.h"

enum {
    EVENT_THREADS = 8,            /* of one receiver */
    EVENT_JOBS_MAX = 256,         /* that a node has in hand */
    EVENTS_A_RUN = 16,            /* of one subject */
    EVENT_TIMEOUT_MS = 10 * 1000, /* of one delivery */
    EVENT_ANSWER_MAX = 64 * 1024, /* bytes that are read of an answer */
    EVENT_RETRY_MS = 1000,        /* first wait after a failure; then doubled */
    EVENT_RETRY_MAX_MS = 15 * 60 * 1000,
    EVENT_AGAIN_MS = 5 * 1000,           /* while the store, or the circuit breaker, has it wait */
    EVENT_AFTER_MAX_MS = 60 * 60 * 1000, /* of Retry-After */
    /* Events of one kind of an account: beyond it the oldest are dropped. */
    EVENTS_WAITING_MAX = 10 * 1000,
    EVENT_AGE_MAX_S = 7 * 24 * 60 * 60, /* older events are dropped */
    EVENT_COUNT_MS = 15 * 1000,         /* between counts, for metrics and for the bound */
};

/* The label of a metric that counts a receiver's events. */
enum event_outcome { EVENT_DELIVERED, EVENT_FAILED, EVENT_DROPPED, EVENT_EXPIRED, EVENT_OUTCOMES };
extern const char *const event_outcome_names[EVENT_OUTCOMES];

enum event_end {
    EVENT_TAKEN,
    EVENT_REFUSED,   /* the receiver answered something else */
    EVENT_UNREACHED, /* there was no answer */
    EVENT_NOT_SENT,  /* something else is missing, which says nothing of the receiver */
    EVENT_CUT_OFF,   /* the server is stopping */
};

struct event_answer {
    enum event_end end;
    struct str why;         /* unless it was taken: a clause for the log */
    int64_t retry_after_ms; /* that the receiver asks for; 0: nothing */
};

struct event_receiver {
    const char *name; /* "the webhook" */
    struct str host;  /* for the log, and of the circuit breaker unless there is the next */
    /* Of a subject's events, in the arena; NULL: there is one host. */
    struct str (*host_of)(const void *context, const struct job_key *subject, struct arena *arena);
    unsigned kinds; /* 1 << each event_kind that it gets */
    /* On a thread that may wait; all that is returned is in the arena. */
    void (*send)(void *context, const struct job_key *subject, const struct queued_event *event,
                 struct arena *arena, struct event_answer *ret_answer);
    void *context;
    const struct metric *events;  /* by event_outcome */
    const struct metric *waiting; /* a gauge */
    const struct metric *age;     /* of the oldest that waits, in seconds: a gauge */
};

/* `store` and what the receiver points to outlive it. */
struct event_delivery *event_delivery_new(struct store *store,
                                          const struct event_receiver *receiver);
void event_delivery_free(struct event_delivery *delivery); /* NULL is fine; after its runner */

/* The context of both is a struct event_delivery. */
extern const struct job_kind webhook_kind, event_bus_kind;

/* Sets what came of a call that was sent: `end` but for an answer, which is EVENT_REFUSED with its
 * status and Retry-After. */
void event_answer_of(const struct client_response *response, struct arena *arena,
                     struct event_answer *ret_answer);

/* Delivers events (store/webhook_events.h) to the operator's webhook: an HTTP POST of each event's
 * JSON, signed (auth/webhook_signature.h). At least once, and in order for each subject, a profile
 * or a flow; docs/notices.md has what a receiver sees.
 *
 * One durable job a subject that has events waiting (kind "webhook"): it sends them in order until
 * one is not taken, and then waits, longer with each failure. While the receiver does not answer,
 * a circuit breaker leaves it alone but for one try each HOST_BREAKER_PROBE_MS. */
#pragma once

#include "auth/webhook_signature.h"
#include "base/metrics.h"
#include "job/job.h"
#include "net/client/client.h"
#include "store/webhook_events.h"

enum {
    WEBHOOK_THREADS = 8,
    WEBHOOK_JOBS_MAX = 256,         /* that a node has in hand */
    WEBHOOK_EVENTS_A_RUN = 16,      /* of one subject */
    WEBHOOK_TIMEOUT_MS = 10 * 1000, /* of one delivery */
    WEBHOOK_ANSWER_MAX = 64 * 1024, /* bytes that are read; nothing in them is used */
    WEBHOOK_RETRY_MS = 1000,        /* first wait after a failure; then doubled */
    WEBHOOK_RETRY_MAX_MS = 15 * 60 * 1000,
    WEBHOOK_AGAIN_MS = 5 * 1000, /* while the store, or the circuit breaker, has it wait */
    WEBHOOK_AFTER_MAX_MS = 60 * 60 * 1000, /* of Retry-After */
    /* Events of an account's flows, and as many of its credentials: beyond it the oldest are
     * dropped. */
    WEBHOOK_WAITING_MAX = 10 * 1000,
    WEBHOOK_AGE_MAX_S = 7 * 24 * 60 * 60, /* older events are dropped */
    WEBHOOK_COUNT_MS = 15 * 1000,         /* between counts, for metrics and for the bound */
};

struct webhook_config {
    struct client *client;
    struct store *store;
    struct str url;
    const struct webhook_secrets *secrets;
};

/* The config's parts outlive it. */
struct webhook *webhook_new(const struct webhook_config *config);
void webhook_free(struct webhook *webhook); /* NULL is fine; after its runner */

/* Its context is a struct webhook. */
extern const struct job_kind webhook_kind;

extern const struct metric metric_webhook_events; /* outcome: delivered, failed, dropped, expired */
extern const struct metric metric_webhook_waiting;

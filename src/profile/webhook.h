/* The operator's webhook as a receiver of events (profile/event_delivery.h): an HTTP POST of each
 * event's JSON, signed (auth/webhook_signature.h). */
#pragma once

#include "auth/webhook_signature.h"
#include "profile/event_delivery.h"

struct webhook_config {
    struct client *client;
    struct str url;
    const struct webhook_secrets *secrets;
};

/* The config's parts outlive it. */
struct webhook *webhook_new(const struct webhook_config *config);
void webhook_free(struct webhook *webhook); /* NULL is fine */
/* It lives as long as the webhook. */
struct event_receiver webhook_receiver(struct webhook *webhook);

extern const struct metric metric_webhook_events;
extern const struct metric metric_webhook_waiting;
extern const struct metric metric_webhook_age;

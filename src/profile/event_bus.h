/* Amazon EventBridge, or what speaks its protocol, as a receiver of the events of runs
 * (profile/event_delivery.h): a PutEvents of each (docs.aws.amazon.com/eventbridge/latest/
 * APIReference/API_PutEvents.html), signed with the server's access key or a role of the event's
 * account. An event of the store, which is as the real service's come out of a bus, is taken apart
 * into the entry that goes in; EventBridge gives it an id of its own. */
#pragma once

#include "auth/aws_account.h"
#include "profile/event_delivery.h"

struct event_bus_config {
    struct aws_account_config aws;
    struct aws_role_cache *roles;
    struct str url;    /* "{region}" in it becomes the event's */
    struct str name;   /* the bus, or its ARN */
    struct str source; /* of all events; STR_NULL: what each has, "aws.appflow" */
};

/* The config's parts outlive it. */
struct event_bus *event_bus_new(const struct event_bus_config *config);
void event_bus_free(struct event_bus *bus); /* NULL is fine */
/* It lives as long as the bus. */
struct event_receiver event_bus_receiver(struct event_bus *bus);

extern const struct metric metric_bus_events;
extern const struct metric metric_bus_waiting;
extern const struct metric metric_bus_age;

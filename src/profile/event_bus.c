/* One event is one call: EventBridge keeps no order within a call either, and an answer then says
 * of one event alone whether it was taken. */
#include "profile/event_bus.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/time_text.h"
#include "base/url.h"
#include "wire/errors.h"
#include "wire/json_pointer.h"
#include "wire/json_value.h"

#include <stdlib.h>

enum {
    ENTRY_MAX = 256 * 1024, /* bytes of an entry that EventBridge takes */
    NODES_MAX = 1024,       /* of an event's JSON */
    ERROR_NAME_MAX = 64,    /* bytes */
    US_A_MS = 1000,
};

struct event_bus {
    struct event_bus_config config;
    struct arena arena; /* of `host` */
    struct str host;
};

const struct metric metric_bus_events = {
    "headgate_event_bus_events_total",
    "Events for EventBridge: delivered, a delivery that failed, dropped over the limit, too old.",
    .labels = {{"outcome", EVENT_OUTCOMES, event_outcome_names, NULL}},
    METRIC_SERIES(EVENT_OUTCOMES),
};

const struct metric metric_bus_waiting = {"headgate_event_bus_events_waiting",
                                          "Events that wait for EventBridge, in the store.",
                                          METRIC_GAUGE, METRIC_SERIES(1)};

const struct metric metric_bus_age = {"headgate_event_bus_oldest_event_seconds",
                                      "Age of the oldest event that waits for EventBridge.",
                                      METRIC_GAUGE, METRIC_SERIES(1)};

struct event_bus *event_bus_new(const struct event_bus_config *config)
{
    struct event_bus *bus = xcalloc(1, sizeof(*bus));
    struct url_parts parts = {0};
    bus->config = *config;
    if (url_split(config->url, &parts)) /* the option's check has seen it */
        bus->host = arena_copy(&bus->arena, parts.authority);
    return bus;
}

void event_bus_free(struct event_bus *bus)
{
    if (!bus)
        return;
    arena_done(&bus->arena);
    free(bus);
}

/* --- the request --- */

/* STR_NULL: the event is none that this server made. */
static struct str request_body(const struct event_bus *bus, struct str event, struct arena *arena)
{
    const struct event_bus_config *config = &bus->config;
    struct value *parsed;
    struct time_text time;
    if (json_parse_own(event, NODES_MAX, arena, &parsed) != JSON_READ ||
        !time_text_read(value_text(parsed, "time"), 0, &time))
        return STR_NULL;
    struct buf detail = buf_in(arena, ENTRY_MAX), body = buf_in(arena, 2 * ENTRY_MAX);
    struct value *entry = value_structure(arena), *entries = value_list(arena);
    struct value *request = value_structure(arena);
    value_encode(&detail, value_get(parsed, "detail"));
    value_put_time(arena, entry, "Time", time.us / US_A_MS);
    value_put_text(arena, entry, "Source",
                   config->source.len > 0 ? config->source : value_text(parsed, "source"));
    value_put(arena, entry, "Resources", (struct value *)value_get(parsed, "resources"));
    value_put_text(arena, entry, "DetailType", value_text(parsed, "detail-type"));
    value_put_text(arena, entry, "Detail", buf_str(&detail));
    value_put_text(arena, entry, "EventBusName", config->name);
    value_append(arena, entries, entry);
    value_put(arena, request, "Entries", entries);
    value_encode(&body, request);
    return detail.overflow || body.overflow ? STR_NULL : buf_str(&body);
}

/* --- the answer --- */

/* Names of errors are the service's; what is none is not repeated. */
static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!ascii_is_alnum(name.data[i]))
            return false;
    }
    return name.len > 0 && name.len <= ERROR_NAME_MAX;
}

/* What to do about it, where that is documented. */
static const char *advice(int status, struct str name)
{
    if (str_eq(name, STR("NotAuthorizedForSourceException")))
        return ": it takes no source that begins with \"aws.\" from others. Set --events-source";
    if (str_eq(name, STR("AccessDeniedException")))
        return ": the access key, or the role of --connector-role, needs events:PutEvents on the "
               "bus";
    if (str_eq(name, STR("ResourceNotFoundException")))
        return ": the account has no such bus in this region. Check --events-bus";
    if (aws_refuses_credentials(name) || status == 403)
        return ": check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    return "";
}

/* 200 says of each entry whether it was taken. */
static void judge(const struct client_response *response, struct arena *arena,
                  struct event_answer *answer)
{
    struct value *parsed = NULL;
    if (answer->end != EVENT_REFUSED)
        return;
    if (!json_parse(response->body, arena, &parsed))
        parsed = NULL;
    bool good = response->status == 200 && parsed;
    if (good && value_integer(parsed, "FailedEntryCount", -1) == 0) {
        answer->end = EVENT_TAKEN;
        return;
    }
    struct str name = good ? pointer_text(arena, parsed, "/Entries/0/ErrorCode")
                           : aws_error_name(response, parsed);
    if (!is_name(name))
        name = STR("");
    answer->why =
        arena_printf(arena, "answered %d%s%.*s%s", response->status, name.len > 0 ? " with " : "",
                     STR_ARG(name), advice(response->status, name));
}

/* --- the receiver --- */

/* False: what is missing is in *ret_answer. */
static bool find_access(const struct event_bus *bus, const struct job_key *subject,
                        int64_t deadline_ms, struct arena *arena, struct aws_role *ret_role,
                        struct aws_access *ret_access, struct event_answer *ret_answer)
{
    struct error error;
    const struct event_bus_config *config = &bus->config;
    *ret_answer = (struct event_answer){.end = EVENT_NOT_SENT};
    if (!config->aws.aws->secret_access_key) {
        ret_answer->why = STR("this server has no access key for AWS. Set AWS_ACCESS_KEY_ID and "
                              "AWS_SECRET_ACCESS_KEY");
        return false;
    }
    if (aws_account_access(&config->aws, config->roles, subject->account, subject->region,
                           deadline_ms, arena, ret_role, ret_access, &error))
        return true;
    if (error.code == ERR_UNAVAILABLE)
        ret_answer->end = EVENT_CUT_OFF;
    ret_answer->why = arena_copy(arena, str_from(error.message));
    return false;
}

static void put_event(const struct event_bus *bus, const struct aws_access *access,
                      const struct job_key *subject, struct str body, int64_t deadline_ms,
                      struct arena *arena, struct event_answer *ret_answer)
{
    struct error error;
    struct client_response response = {0};
    const struct aws_request request = {
        .url = bus->config.url,
        .region = subject->region,
        .service = STR("events"),
        .content_type = STR("application/x-amz-json-1.1"),
        .target = STR("AWSEvents.PutEvents"),
        .body = body,
        .answer_max = EVENT_ANSWER_MAX,
        .deadline_ms = deadline_ms,
    };
    if (!aws_call(access, &request, arena, &response, &error)) {
        ret_answer->why = arena_copy(arena, str_from(error.message));
        return; /* EVENT_NOT_SENT */
    }
    event_answer_of(&response, arena, ret_answer);
    judge(&response, arena, ret_answer);
}

static void send_event(void *context, const struct job_key *subject,
                       const struct queued_event *event, struct arena *arena,
                       struct event_answer *ret_answer)
{
    const struct event_bus *bus = context;
    int64_t deadline_ms = clock_mono_ms() + EVENT_TIMEOUT_MS;
    struct str body = request_body(bus, event->body, arena);
    struct aws_role role = {0};
    struct aws_access access;
    if (!body.data) {
        *ret_answer = (struct event_answer){EVENT_NOT_SENT, STR("it cannot be read"), 0};
        return;
    }
    if (find_access(bus, subject, deadline_ms, arena, &role, &access, ret_answer))
        put_event(bus, &access, subject, body, deadline_ms, arena, ret_answer);
    aws_role_done(&role);
}

/* Each region's endpoint is a host of its own. */
static struct str host_of(const void *context, const struct job_key *subject, struct arena *arena)
{
    const struct event_bus *bus = context;
    struct buf host = buf_in(arena, URL_MAX);
    buf_add_replaced(&host, bus->host, STR("{region}"), subject->region);
    return buf_str(&host);
}

struct event_receiver event_bus_receiver(struct event_bus *bus)
{
    return (struct event_receiver){
        .name = "EventBridge",
        .host = bus->host,
        .host_of = host_of,
        .kinds = 1U << EVENTS_FOR_BUS,
        .send = send_event,
        .context = bus,
        .events = &metric_bus_events,
        .waiting = &metric_bus_waiting,
        .age = &metric_bus_age,
    };
}

/* Triggers and schedules. An end that is a destination only may limit both, as the catalogue says
 * of it; else the source does. */
#include "flow/trigger.h"

#include "connector/catalogue.h"
#include "flow/ends.h"
#include "flow/schedule.h"

enum { LIST_TEXT_MAX = 256, MINUTES_OF_DAY = 24 * 60, MINUTE_MS = 60 * 1000 };

static const struct {
    struct str name;
    unsigned flag; /* enum connector_trigger */
} triggers[] = {
    {STR("OnDemand"), TRIGGER_ON_DEMAND},
    {STR("Scheduled"), TRIGGER_SCHEDULED},
    {STR("Event"), TRIGGER_EVENT},
};

static const struct {
    struct str name;
    unsigned flag; /* enum connector_frequency */
    long long minutes;
} frequencies[] = {
    {STR("BYMINUTE"), FREQUENCY_BY_MINUTE, 1},
    {STR("HOURLY"), FREQUENCY_HOURLY, 60},
    {STR("DAILY"), FREQUENCY_DAILY, MINUTES_OF_DAY},
    {STR("WEEKLY"), FREQUENCY_WEEKLY, 7 * MINUTES_OF_DAY},
    {STR("MONTHLY"), FREQUENCY_MONTHLY, 30 * MINUTES_OF_DAY},
    {STR("ONCE"), FREQUENCY_ONCE, 0},
};

enum {
    TRIGGERS = sizeof(triggers) / sizeof(*triggers),
    FREQUENCIES = sizeof(frequencies) / sizeof(*frequencies),
};

bool flow_is_of_documents(const struct flow_definition *definition)
{
    const struct flow_end *source = &definition->source;
    const struct value *properties = flow_end_properties(source);
    if (!properties || !source->connector->catalogue->flows.document_member)
        return false;
    const struct catalogue_flow_rules *rules = &source->connector->catalogue->flows;
    return value_get(properties, rules->document_member) ||
           str_starts(value_text(properties, "object"), str_from(rules->document_objects));
}

/* --- the trigger's type --- */

static unsigned triggers_of_source(const struct flow_end *source)
{
    const struct value *declared = value_get(source->declared, "supportedTriggerTypes");
    unsigned flags = 0;
    for (size_t i = 0; i < TRIGGERS; i++)
        flags |= flow_has_text(declared, triggers[i].name) ? triggers[i].flag : 0;
    return declared ? flags : source->connector->catalogue->triggers;
}

static bool limits_triggers(const struct flow_end *destination)
{
    return destination->connector && !(destination->connector->roles & ROLE_SOURCE) &&
           destination->connector->catalogue->triggers;
}

static void check_type(struct flow_checking *checking)
{
    const struct flow_definition *definition = checking->definition;
    const struct flow_end *source = &definition->source, *destination = &definition->destination;
    struct buf list = buf_in(checking->arena, LIST_TEXT_MAX);
    unsigned flags = triggers_of_source(source);
    if (limits_triggers(destination))
        flags &= destination->connector->catalogue->triggers;
    for (size_t i = 0; i < TRIGGERS; i++) {
        if (!(flags & triggers[i].flag))
            continue;
        if (str_eq(definition->trigger_type, triggers[i].name))
            return;
        buf_add_item(&list, triggers[i].name);
    }
    flow_fault(&checking->faults, "triggerType %.*s is not for flows from %.*s to %.*s, but %s%.*s",
               STR_ARG(definition->trigger_type), STR_ARG(source->type), STR_ARG(destination->type),
               list.len > 0 ? "" : "none", STR_ARG(buf_str(&list)));
}

/* --- schedules --- */

/* Flags of enum connector_frequency; 0: any. */
static unsigned frequencies_of(const struct flow_end *end)
{
    const struct value *declared = value_get(end->declared, "supportedSchedulingFrequencies");
    unsigned flags = 0;
    for (size_t i = 0; i < FREQUENCIES; i++)
        flags |= flow_has_text(declared, frequencies[i].name) ? frequencies[i].flag : 0;
    return declared ? flags : end->connector->catalogue->frequencies;
}

/* The shortest period, in minutes; 0: any. */
static long long shortest_period(const struct flow_end *end)
{
    unsigned flags = frequencies_of(end);
    for (size_t i = 0; i < FREQUENCIES; i++) {
        if (flags & frequencies[i].flag)
            return frequencies[i].minutes;
    }
    return 0;
}

/* Whether the source runs again and again, or at a single time. */
static void check_kind(struct flow_checking *checking, enum schedule_kind kind)
{
    const struct flow_end *source = &checking->definition->source;
    unsigned flags = frequencies_of(source);
    unsigned of_kind = kind == SCHEDULE_ONCE ? FREQUENCY_ONCE : ~(unsigned)FREQUENCY_ONCE;
    if (flags != 0 && !(flags & of_kind))
        flow_fault(&checking->faults, "scheduleExpression must be %s for flows from %.*s",
                   kind == SCHEDULE_ONCE ? "rate(…) or cron(…)" : "at(…)", STR_ARG(source->type));
}

static void check_period(struct flow_checking *checking, int64_t period_ms,
                         const struct value *scheduled)
{
    const struct flow_end *source = &checking->definition->source;
    long long shortest = shortest_period(source);
    bool is_complete = str_eq(value_text(scheduled, "dataPullMode"), STR("Complete"));
    if (flow_is_of_documents(checking->definition) && shortest < 60)
        shortest = 60;
    if (period_ms < MINUTE_MS && !checking->sub_minute_schedules)
        flow_fault(&checking->faults, "scheduleExpression must have a period of at least one "
                                      "minute: this server was started without "
                                      "--sub-minute-schedules");
    else if (period_ms < MINUTE_MS ? shortest > 1 : period_ms < shortest * MINUTE_MS)
        flow_fault(&checking->faults,
                   "scheduleExpression must have a period of at least %lld minutes for flows from "
                   "%.*s",
                   shortest, STR_ARG(source->type));
    if (is_complete && source->connector->catalogue->flows.complete_is_daily &&
        period_ms < (int64_t)MINUTES_OF_DAY * MINUTE_MS)
        flow_fault(&checking->faults,
                   "scheduleExpression must have a period of at least one day for flows from %.*s "
                   "with dataPullMode Complete",
                   STR_ARG(source->type));
}

static void check_destination_period(struct flow_checking *checking, int64_t period_ms)
{
    const struct flow_end *destination = &checking->definition->destination;
    struct buf list = buf_in(checking->arena, LIST_TEXT_MAX);
    if (!destination->connector)
        return;
    const struct catalogue_flow_rules *rules = &destination->connector->catalogue->flows;
    for (size_t i = 0; i < rules->periods_minutes.count; i++) {
        if (period_ms == (int64_t)rules->periods_minutes.rows[i] * MINUTE_MS)
            return;
        buf_printf(&list, "%s%d", i > 0 ? ", " : "", rules->periods_minutes.rows[i]);
    }
    if (rules->periods_minutes.count > 0)
        flow_fault(&checking->faults,
                   "scheduleExpression must have a period of one of these minutes for flows to "
                   "%.*s: %.*s",
                   STR_ARG(destination->type), STR_ARG(buf_str(&list)));
}

static void check_schedule(struct flow_checking *checking, const struct value *scheduled)
{
    struct schedule_expression schedule;
    struct str expression = value_text(scheduled, "scheduleExpression");
    int64_t start_ms = value_integer(scheduled, "scheduleStartTime", INT64_MIN);
    int64_t end_ms = value_integer(scheduled, "scheduleEndTime", INT64_MAX), first_ms;
    if (end_ms <= start_ms)
        flow_fault(&checking->faults, "scheduleEndTime must be after scheduleStartTime");
    if (!schedule_expression_read(expression, &schedule)) {
        flow_fault(&checking->faults,
                   "scheduleExpression must be rate(5minutes), with any number of minutes, hours, "
                   "days, weeks or months; cron(minute hour day month weekday year); or "
                   "at(yyyy-mm-ddThh:mm:ss)");
        return;
    }
    check_kind(checking, schedule.kind);
    if (schedule.kind == SCHEDULE_CRON && !cron_next(&schedule.cron, -1, &first_ms))
        flow_fault(&checking->faults,
                   "scheduleExpression must fit a day: no calendar has one that it fits");
    if (schedule.kind == SCHEDULE_RATE) {
        check_period(checking, schedule.period_ms, scheduled);
        check_destination_period(checking, schedule.period_ms);
    }
}

void flow_trigger_check(struct flow_checking *checking)
{
    const struct flow_definition *definition = checking->definition;
    const struct value *trigger = value_get(definition->input, "triggerConfig");
    const struct value *scheduled = value_get(value_get(trigger, "triggerProperties"), "Scheduled");
    if (!(definition->source.connector->roles & ROLE_SOURCE))
        return; /* nothing is known of such a flow */
    check_type(checking);
    if (!str_eq(definition->trigger_type, STR("Scheduled"))) {
        if (scheduled)
            flow_fault(&checking->faults,
                       "triggerProperties.Scheduled is only for triggerType Scheduled");
    } else if (!scheduled) {
        flow_fault(&checking->faults, "TriggerProps is required for Scheduled Trigger Type.");
    } else {
        check_schedule(checking, scheduled);
    }
}

/* The checks in order, and what they found as one answer. */
#include "flow/check.h"

#include "flow/ends.h"
#include "flow/output.h"
#include "flow/tasks.h"
#include "flow/trigger.h"

/* As the real service begins its message (aws-cdk issue 14452 for the second). */
#define CREATE_OPENING "Create Flow request failed: "
#define UPDATE_OPENING "Update Flow request failed due to:"

/* Missing profiles have an exception of their own unless there are other faults to name. */
static bool fail_missing(const struct flow_checking *checking)
{
    struct buf text = buf_in(checking->arena, ERROR_MESSAGE_MAX);
    for (size_t i = 0; i < checking->missing_count; i++)
        buf_printf(&text, "%sConnector Profile with name %.*s does not exist.", i > 0 ? " " : "",
                   STR_ARG(checking->missing_profiles[i]));
    return fail(checking->error, ERR_NOT_FOUND, "%.*s", STR_ARG(buf_str(&text)));
}

static bool answer(struct flow_checking *checking, const char *opening)
{
    if (checking->missing_count > 0 && checking->faults.count == 0)
        return fail_missing(checking);
    for (size_t i = 0; i < checking->missing_count; i++)
        flow_fault(&checking->faults, "Connector Profile with name %.*s does not exist",
                   STR_ARG(flow_shown(checking->missing_profiles[i])));
    return flow_faults_end(&checking->faults, opening, checking->error);
}

bool flow_check(const struct flow_check *check, struct flow_definition *definition,
                struct error *error)
{
    struct flow_checking checking = {
        .context = check->context,
        .arena = check->arena,
        .account = check->account,
        .region = check->region,
        .definition = definition,
        .sub_minute_schedules = check->sub_minute_schedules,
        .error = error,
    };
    flow_faults_init(&checking.faults, check->arena);
    written_fields_read(definition->tasks, check->arena, &checking.written);
    if (!flow_ends_check(&checking))
        return false;
    if (check->current)
        flow_replacement_check(&checking, check->current);
    flow_trigger_check(&checking);
    flow_output_check(&checking, check->kms_arn);
    flow_tasks_check(&checking);
    return answer(&checking, check->current ? UPDATE_OPENING : CREATE_OPENING);
}

/* The audit's view of a request. Changes that succeeded carry their row in their own transaction;
 * those that failed get one here, as far as audit_failures.h gives them one. */
#include "api/request.h"

#include "api/audit_failures.h"
#include "base/clock.h"
#include "profile/consent_terms.h"
#include "wire/errors.h"

/* Of a session, the access key that it descends from first: a session is not stored, so that its
 * own id alone would lead to no one. Of a connector's process, the function that it runs. */
static struct str signed_with(const struct api_request *request)
{
    const struct session_token *session = request->session;
    struct str id = request->caller.access_key_id;
    if (request->function)
        return arena_printf(request->arena, "%.*s/%.*s", STR_ARG(id),
                            STR_ARG(request->function->function_arn));
    if (!session)
        return id;
    return arena_printf(request->arena, "%.*s/%.*s%s%.*s", STR_ARG(session->parent_id), STR_ARG(id),
                        session->name.len > 0 ? "/" : "", STR_ARG(session->name));
}

/* A dry run has an operation of its own, and so has a link, so that a count of changes includes
 * neither; a rollback has one, since what it makes of the profile is not what a request had. */
static struct str operation_of(const struct api_request *request)
{
    bool is_link = request->consent && request->consent->is_start;
    const char *kind = request->is_dry_run    ? "DryRun"
                       : request->is_preview  ? "Preview"
                       : request->is_rollback ? "Rollback"
                       : is_link              ? "ConsentLink"
                                              : "";
    return *kind ? arena_printf(request->arena, "%.*s%s", STR_ARG(request->operation->name), kind)
                 : request->operation->name;
}

struct audit_entry request_audit_entry(const struct api_request *request, const char *outcome,
                                       struct str detail)
{
    return (struct audit_entry){
        .at_ms = clock_wall_ms(),
        .request_id = {request->request_id, UUID_SIZE - 1},
        .account = request->caller.account,
        .region = request->caller.region,
        .access_key_id = signed_with(request),
        .operation = operation_of(request),
        .resource = request_resource(request),
        .outcome = str_from(outcome),
        .detail = detail,
    };
}

void request_audit_failure(struct api_request *request)
{
    struct audit_entry entry = request_audit_entry(
        request, error_kind(request->error.code)->exception, str_from(request->error.message));
    audit_failures_add(request->service->audit_failures, &entry);
}

/* The audit's view of a request. Changes that succeeded carry their row in their own transaction;
 * those that failed get one here, without making the caller wait for it. */
#include "api/request.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "wire/errors.h"

#include <stdlib.h>

struct audit_entry request_audit_entry(const struct api_request *request, const char *outcome,
                                       struct str detail)
{
    return (struct audit_entry){
        .at_ms = clock_wall_ms(),
        .request_id = {request->request_id, UUID_SIZE - 1},
        .account = request->caller.account,
        .region = request->caller.region,
        .access_key_id = request->caller.access_key_id,
        .operation = request->operation->name,
        .resource = request_resource(request),
        .outcome = str_from(outcome),
        .detail = detail,
    };
}

static struct audit_entry entry_copy(struct arena *arena, const struct audit_entry *entry)
{
    return (struct audit_entry){
        .at_ms = entry->at_ms,
        .request_id = arena_copy(arena, entry->request_id),
        .account = arena_copy(arena, entry->account),
        .region = arena_copy(arena, entry->region),
        .access_key_id = arena_copy(arena, entry->access_key_id),
        .operation = arena_copy(arena, entry->operation),
        .resource = arena_copy(arena, entry->resource),
        .outcome = arena_copy(arena, entry->outcome),
        .detail = arena_copy(arena, entry->detail),
    };
}

struct pending_audit {
    struct store_write write;
    struct arena arena;
    struct audit_entry entry;
};

static bool apply_audit(struct db *db, void *argument, struct error *error)
{
    struct pending_audit *pending = argument;
    return audit_add(db, &pending->entry, error);
}

static void free_audit(struct store_write *write)
{
    struct pending_audit *pending = write->argument;
    if (!write->ok)
        log_error("An audit entry could not be written: %s", write->error.message);
    arena_done(&pending->arena);
    free(pending);
}

void request_audit_failure(struct api_request *request)
{
    struct pending_audit *pending = xcalloc(1, sizeof(*pending));
    struct audit_entry entry = request_audit_entry(
        request, error_kind(request->error.code)->exception, str_from(request->error.message));
    pending->entry = entry_copy(&pending->arena, &entry);
    pending->write =
        (struct store_write){.apply = apply_audit, .argument = pending, .done = free_audit};
    struct error error = {0};
    if (!store_post(request->service->config.store, &pending->write, &error)) {
        pending->write.error = error;
        free_audit(&pending->write);
    }
}

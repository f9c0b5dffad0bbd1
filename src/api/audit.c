/* The audit's view of a call. Changes that succeeded carry their row in their own transaction;
 * those that failed get one here, without making the caller wait for it. */
#include "api/request.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "wire/errors.h"

#include <stdlib.h>

struct audit_entry call_audit_entry(const struct call *call, const char *outcome, struct str detail)
{
    return (struct audit_entry){
        .at_ms = clock_wall_ms(),
        .request_id = {call->request_id, UUID_SIZE - 1},
        .account = call->caller.account,
        .region = call->caller.region,
        .access_key_id = call->caller.access_key_id,
        .operation = call->operation->name,
        .resource = value_text(call->input, "connectorProfileName"),
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
        log_error("An audit row could not be written: %s", write->error.message);
    arena_done(&pending->arena);
    free(pending);
}

void call_audit_failure(struct call *call)
{
    struct pending_audit *pending = xcalloc(1, sizeof(*pending));
    struct audit_entry entry = call_audit_entry(call, error_kind(call->error.code)->exception,
                                                str_from(call->error.message));
    pending->entry = entry_copy(&pending->arena, &entry);
    pending->write =
        (struct store_write){.apply = apply_audit, .argument = pending, .done = free_audit};
    struct error error = {0};
    if (!store_post(call->service->config.store, &pending->write, &error)) {
        pending->write.error = error;
        free_audit(&pending->write);
    }
}

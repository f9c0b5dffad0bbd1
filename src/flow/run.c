/* Each change reads the state in its own write and goes where run_state.h says. */
#include "flow/run.h"

#include "vault/seal.h"
#include "vault/secret.h"

#include <stdio.h>

#define PURPOSE_DEFINITION STR("flow run")
#define PURPOSE_PROGRESS STR("flow run progress")

static void compute_mac(const struct secret *service_secret, struct str purpose,
                        const struct flow_run_row *row, struct str text,
                        unsigned char ret_mac[KEYED_HASH_SIZE])
{
    struct str parts[] = {purpose,        row->flow.account, row->flow.region,
                          row->flow.name, row->id,           text};
    keyed_hash(service_secret, parts, sizeof(parts) / sizeof(*parts), ret_mac);
}

enum { NUMBERS_MAX = 80 };

/* A run of no schedule and no window is sealed as before there were schedules. */
static struct str purpose_of_definition(const struct flow_run_row *row, char numbers[NUMBERS_MAX])
{
    if (row->slot_ms == 0 && row->window_to_ms == 0)
        return PURPOSE_DEFINITION;
    snprintf(numbers, NUMBERS_MAX, "flow run %lld %lld %lld", (long long)row->slot_ms,
             (long long)row->window_from_ms, (long long)row->window_to_ms);
    return str_from(numbers);
}

static struct str mac_of(const struct secret *service_secret, struct str purpose,
                         const struct flow_run_row *row, struct str text, struct arena *arena)
{
    unsigned char mac[KEYED_HASH_SIZE];
    compute_mac(service_secret, purpose, row, text, mac);
    return arena_copy(arena, (struct str){(const char *)mac, sizeof(mac)});
}

static bool check_mac(const struct secret *service_secret, struct str purpose,
                      const struct flow_run_row *row, struct str text, struct str given,
                      struct error *error)
{
    unsigned char mac[KEYED_HASH_SIZE];
    compute_mac(service_secret, purpose, row, text, mac);
    return secret_bytes_eq(given, (struct str){(const char *)mac, sizeof(mac)}) ||
           fail(error, ERR_INTERNAL,
                "What is stored of run %.*s of flow %.*s was not written by this server.",
                STR_ARG(row->id), STR_ARG(row->flow.name));
}

void flow_run_seal(const struct secret *service_secret, struct flow_run_row *row,
                   struct arena *arena)
{
    char numbers[NUMBERS_MAX];
    struct str purpose = purpose_of_definition(row, numbers);
    row->mac = mac_of(service_secret, purpose, row, row->definition, arena);
}

bool flow_run_check_seal(const struct secret *service_secret, const struct flow_run_row *row,
                         struct error *error)
{
    char numbers[NUMBERS_MAX];
    struct str purpose = purpose_of_definition(row, numbers);
    return check_mac(service_secret, purpose, row, row->definition, row->mac, error);
}

void flow_run_seal_progress(const struct secret *service_secret, struct flow_run_row *row,
                            struct arena *arena)
{
    row->progress_mac = mac_of(service_secret, PURPOSE_PROGRESS, row, row->progress, arena);
}

bool flow_run_check_progress(const struct secret *service_secret, const struct flow_run_row *row,
                             struct error *error)
{
    return !row->progress.data || check_mac(service_secret, PURPOSE_PROGRESS, row, row->progress,
                                            row->progress_mac, error);
}

/* --- changes --- */

static bool read_state(const struct flow_run_row *row, enum run_state *ret_state,
                       struct error *error)
{
    return run_state_read(row->state, ret_state) ||
           fail(error, ERR_INTERNAL, "Run %.*s of flow %.*s is in the unknown state %.*s.",
                STR_ARG(row->id), STR_ARG(row->flow.name), STR_ARG(row->state));
}

static bool cancel(struct db *db, const struct flow_run_row *row, int64_t now_ms,
                   bool *ret_canceled, struct error *error)
{
    enum run_state state, next;
    if (!read_state(row, &state, error))
        return false;
    *ret_canceled = run_state_next(state, RUN_CANCEL, &next);
    return !*ret_canceled || flow_run_move(db, row, run_state_name(next), now_ms, error);
}

bool flow_run_cancel(struct db *db, struct flow_key flow, struct str id, int64_t now_ms,
                     bool *ret_canceled, struct error *error)
{
    struct arena arena = {0};
    struct flow_run_row row;
    bool found = false;
    *ret_canceled = false;
    bool ok = flow_run_read(db, &arena, flow, id, &row, &found, error) &&
              (!found || cancel(db, &row, now_ms, ret_canceled, error));
    arena_done(&arena);
    return ok;
}

bool flow_run_cancel_newest(struct db *db, struct flow_key flow, int64_t now_ms,
                            struct error *error)
{
    struct arena arena = {0};
    struct flow_run_row row;
    bool found = false, canceled;
    bool ok = flow_run_read_newest(db, &arena, flow, &row, &found, error) &&
              (!found || cancel(db, &row, now_ms, &canceled, error));
    arena_done(&arena);
    return ok;
}

/* Of a run that was canceled nothing is said. */
static bool end_run(struct db *db, const struct flow_run_row *given, const struct flow_run_row *now,
                    enum run_event event, enum run_state *ret_state, struct error *error)
{
    struct flow_run_row row = *given;
    enum run_state state, next;
    row.state = now->state;
    if (!read_state(now, &state, error))
        return false;
    if (!run_state_next(state, event, &next) || !run_state_is_last(next))
        return true;
    if (next == RUN_CANCELED)
        row.message = STR_NULL;
    *ret_state = next;
    return flow_run_end(db, &row, run_state_name(next), error);
}

bool flow_run_conclude(struct db *db, const struct flow_run_row *row, enum run_event event,
                       enum run_state *ret_state, struct error *error)
{
    struct arena arena = {0};
    struct flow_run_row now;
    bool found = false;
    *ret_state = RUN_STATES;
    bool ok = flow_run_read(db, &arena, row->flow, row->id, &now, &found, error) &&
              (!found || end_run(db, row, &now, event, ret_state, error));
    arena_done(&arena);
    return ok;
}

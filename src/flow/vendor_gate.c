/* Short waits pass here, on the run's thread and over its connection; before a longer one the call
 * is refused, so that the run closes its connection first (run_vendor.c). */
#include "flow/vendor_gate.h"

#include "base/clock.h"
#include "base/int64.h"
#include "base/log.h"
#include "connector/connector.h"
#include "flow/run_metrics.h"
#include "flow/vendor_customer.h"
#include "work/cpu_slots.h"

enum { NAP_MS = 20 };

static struct str key_of(const struct flow_vendor_gate *self, struct arena *arena)
{
    return vendor_customer_key(self->connector, self->host, self->profile, arena);
}

/* Whether a wait takes no thread from now on. One for other calls is short, most times; and where
 * the run cannot leave its thread, the connection stays open for it. */
static bool is_long(const struct flow_vendor_gate *self, int64_t began_ms, int64_t wait_ms)
{
    if (wait_ms >= VENDOR_HOLD_MS || self->is_lent)
        return wait_ms >= VENDOR_HOLD_MS;
    return self->run->is_at_checkpoint && clock_mono_ms() - began_ms >= VENDOR_HOLD_MS;
}

static bool is_to_end(const struct flow_vendor_gate *self)
{
    return self->is_lent ? self->is_over : flow_engine_is_to_end(self->run);
}

/* False: the run is to end, or the wait is longer than one over a connection. */
static bool wait_for_turn(struct flow_vendor_gate *self, struct str key, int64_t *ret_wait_ms)
{
    struct call_quotas *quotas = self->run->config->quotas;
    int64_t began_ms = clock_mono_ms();
    while (!call_quota_enter(quotas, self->place, key, clock_mono_ms(), ret_wait_ms)) {
        if (is_long(self, began_ms, *ret_wait_ms) || is_to_end(self)) {
            self->is_in_line = *ret_wait_ms == 0;
            *ret_wait_ms = self->is_in_line ? VENDOR_LINE_MS : *ret_wait_ms;
            return false;
        }
        slot_release();
        clock_nap_us(1000 * (*ret_wait_ms > 0 ? i64_min(NAP_MS, *ret_wait_ms) : NAP_MS));
        slot_acquire();
    }
    return true;
}

static bool enter(void *context, struct str host, int64_t *ret_wait_ms)
{
    struct flow_vendor_gate *self = context;
    struct arena names = {.kind = ARENA_PLAIN};
    self->host = host;
    self->is_in_line = false;
    int64_t began_ms = clock_mono_ms();
    bool entered = wait_for_turn(self, key_of(self, &names), ret_wait_ms);
    self->has_held = !entered;
    self->waited_ms += clock_mono_ms() - began_ms;
    arena_done(&names);
    return entered;
}

static void note_limit(const struct flow_vendor_gate *self, int64_t wait_ms)
{
    struct arena names = {.kind = ARENA_PLAIN};
    struct str name = connector_name(self->connector, &names);
    metrics_count(&metric_vendor_limits, connector_type_index(self->connector), 0);
    log_warn("%.*s at %.*s limits the calls of account %.*s (connector profile %.*s): no run calls "
             "it for %.1f s.",
             STR_ARG(name), STR_ARG(self->host), STR_ARG(self->profile->account),
             STR_ARG(self->profile->name), (double)wait_ms / 1000);
    arena_done(&names);
}

static void leave(void *context, const struct call_quota_said *said)
{
    struct flow_vendor_gate *self = context;
    int64_t wait_ms =
        call_quota_leave(self->run->config->quotas, self->place, said, clock_mono_ms());
    if (wait_ms > 0)
        note_limit(self, wait_ms);
}

void flow_vendor_gate_init(struct flow_vendor_gate *self, struct flow_engine_run *run,
                           const struct profile_key *profile, struct call_quota_place *place)
{
    *self = (struct flow_vendor_gate){
        .gate = {enter, leave, self},
        .run = run,
        .profile = profile,
        .place = place,
    };
}

void flow_vendor_gate_reset(struct flow_vendor_gate *self)
{
    self->has_held = false;
    self->passed_ms = self->waited_ms = 0;
}

void flow_vendor_gate_away(struct flow_vendor_gate *self, int64_t pause_ms)
{
    int64_t now_ms = clock_mono_ms();
    call_quota_away(self->run->config->quotas, self->place,
                    self->is_in_line ? 0 : now_ms + pause_ms, now_ms);
}

void flow_vendor_gate_step_aside(struct flow_vendor_gate *self)
{
    call_quota_step_aside(self->run->config->quotas, self->place);
}

void flow_vendor_gate_done(struct flow_vendor_gate *self)
{
    if (!self->run)
        return;
    if (self->run->pause_ms > 0)
        flow_vendor_gate_away(self, self->run->pause_ms);
    else
        call_quota_give_up(self->run->config->quotas, self->place);
}

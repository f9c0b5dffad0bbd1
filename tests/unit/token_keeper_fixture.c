/* A vendor that answers as it is told, and the rows that the keeper works on. */
#include "token_keeper_fixture.h"

#include "auth/oauth_app.h"
#include "keyring_scratch.h"
#include "profile/grant_journal.h"
#include "profile/seal.h"
#include "profile/tokens.h"
#include "wire/json_value.h"
#include "wire/restjson.h"
#include "work/host_breaker.h"

struct scripted_vendor vendor;
static struct keyring *keyring;

static void call(struct client *client, struct arena *arena, const struct client_request *request,
                 struct client_response *ret_response)
{
    (void)client, (void)arena;
    vendor.calls++;
    if (vendor.meanwhile)
        raw(vendor.path, vendor.meanwhile);
    bool is_busy = vendor.busy > 0 && vendor.busy-- > 0;
    const char *said = is_busy ? BUSY : vendor.body;
    *ret_response = (struct client_response){.outcome = vendor.outcome,
                                             .status = is_busy ? 400 : vendor.status,
                                             .body = str_from(said ? said : ""),
                                             .sent = vendor.outcome == CLIENT_TIMEOUT,
                                             .detail = "scripted"};
    if (request->sink && vendor.outcome == CLIENT_OK) {
        struct str body = ret_response->body;
        ret_response->body = STR_NULL;
        assert_true(!request->sink->head ||
                    request->sink->head(request->sink->context, ret_response));
        assert_true(request->sink->push(request->sink->context, body));
    }
}

static void pause_not(int64_t duration_ms)
{
    (void)duration_ms;
}

static bool find_app(void *context, struct str connector_type, struct arena *arena,
                     struct oauth_app *ret_app, struct error *error)
{
    (void)context, (void)connector_type, (void)arena;
    if (vendor.has_no_app)
        return fail(error, ERR_VALIDATION, "There is no app.");
    *ret_app = (struct oauth_app){STR("app-id"), STR("app-secret")};
    return true;
}

void begin(struct setting *s, struct fixture *f)
{
    static const struct oauth_apps_config apps = {.find = find_app};
    vendor.outcome = CLIENT_OK;
    vendor.status = 200;
    vendor.body = TOKENS;
    vendor.path = f->path;
    vendor.meanwhile = NULL;
    vendor.calls = vendor.busy = 0;
    vendor.has_no_app = false;
    *s = (struct setting){.f = f, .secret = secret_new(STR("a service secret of 32 bytes. .."))};
    s->env =
        (struct connector_env){.apps = oauth_apps_new(&apps), .call = call, .pause = pause_not};
    s->context = (struct profile_context){
        .store = f->store,
        .keyring = keyring,
        .service_secret = s->secret,
        .connectors = &s->env,
        .verify_timeout_ms = 10 * 1000,
        .grants_in_flight = grants_in_flight_new(),
        .token_hosts = host_breakers_new(),
        .token_lanes = token_lanes_new(),
    };
    s->runner = job_runner_new(&token_keeper_kind, &s->context, f->store);
}

void end(struct setting *s)
{
    job_runner_free(s->runner);
    host_breakers_free(s->context.token_hosts);
    token_lanes_free(s->context.token_lanes);
    grants_in_flight_free(s->context.grants_in_flight);
    oauth_apps_free(s->env.apps);
    secret_free(s->secret);
}

/* --- a profile, its state and its job, which this node has --- */

void insert(struct setting *s, const char *account, const char *credentials)
{
    struct fixture *f = s->f;
    struct insert_argument insert = {sample_profile("crm"), 0};
    struct value *value;
    insert.profile.key.account = str_from(account);
    insert.profile.credentials_version = 100;
    assert_true(json_parse(str_from(credentials), &f->arena, &value));
    check(f, profile_seal(keyring, &insert.profile, &(struct profile_sealed){.credentials = value},
                          &f->arena, &insert.profile.sealed_credentials, &f->error));
    check(f, store_apply(f->store, apply_insert, &insert, false, &f->error));
}

static bool apply_due(struct db *db, void *argument, struct error *error)
{
    const struct setting *s = argument;
    return job_insert(db, &s->job, STR("this node"), error);
}

void take_job(struct setting *s, struct job_key key, const char *payload)
{
    s->job = (struct job_row){
        .key = key,
        .fence = job_new_fence(),
        .lease_until_ms = INT64_MAX,
        .payload = str_from(payload),
    };
    check(s->f, store_apply(s->f->store, apply_due, s, false, &s->f->error));
    s->run = token_keeper_kind.begin(&s->context, &s->job);
}

void take_in_lane(struct setting *s, const char *account, const char *lane)
{
    struct job_key key = {TOKEN_KEEPER_JOB, str_from(account), STR("eu-central-1"), STR("crm")};
    take_job(s, key, lane);
}

void take(struct setting *s, const char *account)
{
    take_in_lane(s, account, "");
}

enum job_end keep(struct setting *s)
{
    return token_keeper_kind.run(s->run, s->runner);
}

enum job_hosts_said leave(struct setting *s)
{
    enum job_hosts_said said = token_keeper_kind.hosts_said(s->run);
    token_keeper_kind.free(s->run);
    return said;
}

struct token_state_row state_of(struct setting *s)
{
    struct profile_key key = sample_key("crm");
    struct token_state_row row;
    bool found;
    check(s->f, token_state_find(s->f->reader, &s->f->arena, key, &row, &found, &s->f->error));
    assert_true(found);
    return row;
}

void assert_state(struct setting *s, enum token_state state, const char *reason)
{
    struct token_state_row row = state_of(s);
    assert_int_equal(row.state, state);
    if (reason)
        assert_true(str_eq(row.reason, str_from(reason)));
}

void keep_times(struct setting *s, const char *account, int times)
{
    for (int i = 0; i < times; i++) {
        take(s, account);
        assert_int_equal(keep(s), JOB_DONE);
        leave(s);
    }
}

int prepare(void **state)
{
    if (scratch_begin(state) != 0)
        return -1;
    keyring = scratch_keyring("keyring");
    return 0;
}

int finish(void **state)
{
    keyring_free(keyring);
    return scratch_end(state);
}

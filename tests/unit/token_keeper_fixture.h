/* The token keeper with a scripted vendor: what its tests share. */
#pragma once

#include "store_fixture.h"

#include "base/clock.h"
#include "connector/env.h"
#include "profile/token_keeper.h"
#include "profile/token_lane.h"
#include "store_raw.h"

#define TOKENS                                                                                     \
    "{\"access_token\":\"a2\",\"refresh_token\":\"r2\",\"expires_in\":3600,"                       \
    "\"instance_url\":\"https://acme.my.salesforce.com\"}"
#define REFUSED "{\"error\":\"invalid_grant\",\"error_description\":\"expired\"}"
#define BY_REFRESH_TOKEN "{\"refreshToken\":\"r1\"}"

/* What the vendor answers to each call, and what happens to the database meanwhile. */
struct scripted_vendor {
    enum client_outcome outcome;
    int status;
    const char *body;
    const char *path, *meanwhile;
    int calls;
    bool has_no_app;
    int busy; /* so many calls are refused first, as another one is under way */
};
extern struct scripted_vendor vendor;

#define BUSY                                                                                       \
    "{\"error\":\"invalid_grant\","                                                                \
    "\"error_description\":\"token request is already being processed\"}"

struct setting {
    struct fixture *f;
    struct connector_env env;
    struct secret *secret;
    struct profile_context context;
    struct job_runner *runner; /* never started */
    struct job_row job;
    void *run;
};

void begin(struct setting *s, struct fixture *f);
void end(struct setting *s);

/* A profile, and its job, which this node has. */
void insert(struct setting *s, const char *account, const char *credentials);
void take(struct setting *s, const char *account);
void take_in_lane(struct setting *s, const char *account, const char *lane);
void take_job(struct setting *s, struct job_key key, const char *payload); /* without a profile */
enum job_end keep(struct setting *s);
enum job_hosts_said leave(struct setting *s);
/* All three, so many times. */
void keep_times(struct setting *s, const char *account, int times);

struct token_state_row state_of(struct setting *s);
void assert_state(struct setting *s, enum token_state state, const char *reason);

/* Of a group of tests. */
int prepare(void **state);
int finish(void **state);

#define ACCOUNT "123456789012"
#define NO_WRITE(table, when)                                                                      \
    "CREATE TRIGGER away BEFORE " when " ON " table " BEGIN SELECT RAISE(ABORT, 'away'); END"
#define WRITES "DROP TRIGGER away"

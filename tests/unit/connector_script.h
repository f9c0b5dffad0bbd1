/* A vendor that answers by a script, and a journal that writes down what it was asked: verification
 * with every byte in view and no network. */
#pragma once

#include "cmocka_all.h"

#include "connector/connection.h"
#include "connector/connector.h"
#include "connector/entities.h"
#include "connector/http/http_connector.h"

enum { SCRIPT_TEXT_MAX = 64 * 1024 };
#define SCRIPT_ACCOUNT "123456789012" /* whose profile it is */
#define SCRIPT_SECRET_ARN "arn:aws:secretsmanager:eu-west-3:123456789012:secret:own"

struct scripted {
    /* The exact bytes: request line, headers, empty line, body; %UUID% stands for any UUID. */
    const char *request;
    int status;
    const char *headers; /* "Name: value" lines, each ending in LF; NULL: none */
    const char *body;
    enum client_outcome outcome; /* not CLIENT_OK: there is no answer */
    const char *detail;
    const char *route; /* name of the private route that it must take; NULL: none */
    bool connected;
    bool sent;
    bool reused;
    bool late; /* it answers when the time limit is just over */
};

struct script {
    const struct scripted *steps;
    size_t count;
    size_t next;
    int64_t paused_ms; /* all pauses together */
    int pauses;

    /* The journal. */
    const enum grant_journal_state
        *states;                 /* what begin answers, in turn; NULL: GRANT_JOURNAL_NEW always */
    struct oauth_tokens resumed; /* what came with GRANT_JOURNAL_RESUME */
    struct oauth_tokens resumed_next; /* from the second time on, unless it has no access token */
    bool resumes_in_turn;             /* the first and the next, again and again */
    size_t resumes;
    bool save_fails;
    int64_t attempted_at_ms; /* of an attempt whose outcome is unknown */
    bool durable;            /* what the last begin wanted */
    size_t begun;
    bool held;
    struct oauth_tokens saved;
    struct buf log; /* what the journal and the apps were asked, a line each */

    /* The operator. */
    const char *endpoint;   /* his endpoint map; NULL: empty */
    const char *app_secret; /* of his app "app-id"; NULL: he has none */
    int app_error;          /* why his app is not found, if not because there is none */
    bool no_aws;            /* he has no access to AWS; else dates and signatures are words */
    int64_t time_limit_ms;  /* 0: ten seconds */
    const struct vendor_gate *gate; /* of calls, whose caller waits itself; NULL: none */
    const struct private_routes *private_routes;
    struct function_runner *functions; /* of registered connectors; NULL: none */
    const struct str *token_urls;      /* that the operator allows these */
    size_t token_url_count;
    const char *api_version; /* that entities are asked for; NULL: none */

    struct arena arena;
    int64_t kept_s; /* of the fields that were described */
    struct verdict verdict;
    struct oauth_tokens tokens;
    struct error error;
};

/* The connector's own structure from JSON; fails the test when the model does not allow it. */
const struct value *script_value(struct script *script, const char *shape, const char *json);

/* Verifies, with each call compared with the script and the script used up. `stored` may be NULL.
 */
bool script_verify(struct script *script, const char *type, const char *properties,
                   const char *credentials, const struct oauth_tokens *stored);
bool script_verify_with(struct script *script, const struct connector *connector,
                        const struct value *properties, const struct value *credentials,
                        const struct oauth_tokens *stored);

/* What a test does with the configuration of a connection that it makes itself. `stored` may be
 * NULL. */
typedef void script_fn(struct script *script, const struct connector *connector,
                       const struct vendor_connection_config *config, void *argument);
void script_run_with(struct script *script, const struct connector *connector,
                     const struct value *properties, const struct value *credentials,
                     const struct oauth_tokens *stored, script_fn *run, void *argument);

/* Renews the tokens as the keeper does, whether they have ended or not. */
bool script_renew(struct script *script, const struct connector *connector,
                  const struct value *properties, const struct value *credentials,
                  const struct oauth_tokens *stored);

/* Entities over a connection, with tokens renewed as the server does; the list is sorted, the
 * fields are JSON with commas between them. `within` NULL: the outermost. */
bool script_list(struct script *script, const struct connector *connector,
                 const struct value *properties, const struct value *credentials,
                 const char *within, struct entity_list *ret_list);
bool script_describe(struct script *script, const struct connector *connector,
                     const struct value *properties, const struct value *credentials,
                     const char *entity, struct str *ret_fields);
/* "Properties" or "Credentials" of a type, from JSON; NULL gives NULL. */
const struct value *script_part(struct script *script, const char *type, const char *what,
                                const char *json);

/* The connector's own check; the message goes to script->error. */
bool script_check_with(struct script *script, const struct connector *connector,
                       const struct value *properties, const struct value *credentials);
bool script_check(struct script *script, const char *type, const char *properties,
                  const char *credentials);

/* A profile that the check refuses, and what it says. */
struct refusal {
    const char *type, *properties, *credentials, *message;
};
void assert_refused(struct script *script, const struct refusal *refusal);

void assert_verdict(const struct script *script, enum verdict_kind kind, enum verdict_step step,
                    int status, const char *words);
void assert_str(struct str text, const char *expected); /* NULL: absent */
const char *script_log(struct script *script);
void script_done(struct script *script);

/* A test of its file's `script`, which is new for each. */
#define TEST(name)                                                                                 \
    cmocka_unit_test_prestate_setup_teardown(name, script_set_up, script_tear_down, &script)
int script_set_up(void **state);
int script_tear_down(void **state);

/* headgate access-key session: temporary credentials of an access key. The token is sealed with the
 * keyring and not stored, so that a running server takes it at once. */
#include "api/access_key_set.h"
#include "api/access_limits.h"
#include "api/session_token.h"
#include "cli/command.h"
#include "cli/data_command.h"
#include "cli/key_limits.h"
#include "store/access_keys.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

enum { DURATION_MAX_S = 36 * 60 * 60 }; /* as of STS's GetSessionToken */

static bool check_duration(const char *text, struct error *expected)
{
    int64_t span_s;
    return (read_span(str_from(text), &span_s) && span_s <= DURATION_MAX_S) ||
           fail(expected, ERR_VALIDATION, "a time of at most 36h: 12h, 30m, 90s");
}

static const struct option session_table[] = {
    {.name = "access-key-id",
     .argument = "ID",
     .required = true,
     .heading = "Session",
     .help = "Access key that the session descends from"},
    {.name = "duration",
     .argument = "TIME",
     .fallback = "1h",
     .check = check_duration,
     .help = "How long it works: 12h, 30m; at most 36h, and not longer than the access key"},
    {.name = "json",
     .kind = OPTION_FLAG,
     .help = "Print JSON in the form of an AWS credential_process"},
    KEY_POLICY_OPTIONS,
    DATA_LOOK_OPTIONS,
    {0},
};

/* The account in a policy's names is known once the key was read; the form is the same for each. */
static bool check_session(const struct options *options, struct error *error)
{
    struct arena arena = {0};
    struct str policy;
    bool ok = data_options_check(options, error) &&
              key_policy_read(options, "000000000000", &arena, &policy, error);
    arena_done(&arena);
    return ok;
}

/* --- the access key --- */

static bool find_key(const struct data_dir *data, struct str id, struct arena *arena,
                     struct access_key *ret_key, struct error *error)
{
    struct store_reader *reader;
    struct access_key_state state;
    bool found = false;
    if (!store_reader_take(data->store, &reader, error))
        return false;
    bool ok = access_key_find(reader, arena, id, ret_key, &found, error);
    store_reader_put(data->store, reader);
    if (!ok || !found)
        return ok && fail(error, ERR_NOT_FOUND, "There is no access key %.*s.", STR_ARG(id));
    return access_key_state_open(data->keys.keyring, ret_key->sealed_state, arena, &state, error) &&
           (ret_key->version == state.generation ||
            fail(error, ERR_NOT_FOUND, "The access key %.*s was deleted or replaced.",
                 STR_ARG(id)));
}

static bool read_parent(const struct data_dir *data, const struct access_key *key,
                        struct arena *arena, struct session_parent *ret_parent, struct error *error)
{
    struct seal_binding binding = access_key_binding(key);
    struct access_limits limits;
    struct str plain;
    char *mark = arena_alloc(arena, SESSION_MARK_SIZE), end[CLOCK_TEXT_SIZE];
    if (!seal_open(data->keys.keyring, &binding, key->sealed_secret, arena, &plain, error) ||
        !access_limits_read(key->limits, arena, &limits, error))
        return false;
    clock_text(limits.expires_at_ms, end);
    if (limits.expires_at_ms != 0 && limits.expires_at_ms <= clock_wall_ms())
        return fail(error, ERR_NOT_FOUND, "The access key %.*s was valid until %s.",
                    STR_ARG(key->id), end);
    struct secret *secret = secret_new(plain);
    session_mark(secret, mark);
    secret_free(secret);
    *ret_parent = (struct session_parent){
        .access_key_id = key->id,
        .mark = str_from(mark),
        .policies = STR(""),
        .end_ms = limits.expires_at_ms,
    };
    return true;
}

/* --- the session --- */

struct making {
    const struct options *options;
    struct data_dir *data;
    struct arena *arena;
    struct access_key key;
    struct session_credentials credentials;
};

/* In the transaction of its row in the audit alone. */
static bool apply_audit(struct db *db, void *argument, struct error *error)
{
    (void)db;
    (void)argument;
    (void)error;
    return true;
}

static bool make_session(struct making *making, struct error *error)
{
    const struct options *options = making->options;
    struct str account = making->key.account;
    struct session_parent parent;
    struct session_wish wish = {.role = STR(""), .name = STR("")};
    struct str account_text = arena_printf(making->arena, "%.*s", STR_ARG(account));
    const struct management_action action = {
        .operation = "CreateSession",
        .account = account,
        .resource = making->key.id,
        .apply = apply_audit,
    };
    return read_span(str_from(options_text(options, "duration")), &wish.duration_s) &&
           key_policy_read(options, account_text.data, making->arena, &wish.policy, error) &&
           read_parent(making->data, &making->key, making->arena, &parent, error) &&
           session_make(making->data->keys.keyring, &parent, &wish, making->arena,
                        &making->credentials, error) &&
           management_run(making->data->store, &action, error);
}

static void print_credentials(const struct session_credentials *credentials, bool as_json)
{
    char end[CLOCK_TEXT_SIZE];
    clock_text(credentials->end_ms, end);
    printf(as_json ? "{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"%s\","
                     "\"SessionToken\":\"%.*s\",\"Expiration\":\"%s\"}\n"
                   : "aws_access_key_id = %s\naws_secret_access_key = %s\n"
                     "aws_session_token = %.*s\n# until %s\n",
           credentials->access_key_id, credentials->secret, STR_ARG(credentials->token), end);
}

static int session(const struct options *options)
{
    struct data_dir data = {.path = NULL};
    struct error error = {0};
    struct arena arena = {0};
    struct making making = {.options = options, .data = &data, .arena = &arena};
    secret_init();
    bool ok = data_dir_open(options, DATA_LOOK, &data, &error);
    if (ok)
        management_catch_up(&data);
    ok = ok &&
         find_key(&data, str_from(options_text(options, "access-key-id")), &arena, &making.key,
                  &error) &&
         make_session(&making, &error);
    if (ok)
        print_credentials(&making.credentials, options_flag(options, "json"));
    explicit_bzero(&making.credentials, sizeof(making.credentials));
    data_dir_close(&data);
    arena_done(&arena);
    return ok ? EXIT_OK : command_failed(&error);
}

const struct command access_key_session_command = {
    .name = "access-key session",
    .summary = "Make temporary credentials of an access key",
    .about = "Prints an access key id, a secret and a session token, which work until their end "
             "or until the access key is deleted. They may do what the access key may do, and the "
             "policy allows. They are not stored.",
    .examples = "headgate access-key session --data headgate-data --access-key-id ID\n"
                "headgate access-key session --data headgate-data --access-key-id ID \\\n"
                "    --duration 15m --read-only\n\n"
                "# In ~/.aws/config, for clients that ask for new ones by themselves\n"
                "credential_process = headgate access-key session --access-key-id ID --json",
    .options = session_table,
    .check = check_session,
    .run = session,
};

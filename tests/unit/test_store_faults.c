/* Each call of the system that a data directory's life makes fails once: first start, keyring,
 * access keys, creating, changing, deleting, reading, the end and the next start. What fails says
 * so and works when it is tried again; what was acknowledged is there; what was refused is not. */
#include "store_fixture.h"

#include "failing_calls.h"

#include "base/log.h"
#include "cli/access_keys_made.h"
#include "profile/seal.h"
#include "vault/seal.h"

#include <errno.h>

enum { NAMES = 2, CALLS_MAX = 80000 };

static const char *const names[NAMES] = {"first", "second"};

struct failure {
    const char *what;
    enum call_kind kind;
    int error_number;
    int step;   /* from a call that fails to the next one that does */
    bool lasts; /* until a step has failed */
};

struct life {
    struct fixture f; /* its store and reader are not used */
    struct options options;
    struct data_dir data;
    struct store_reader *reader;
    int64_t versions[NAMES]; /* as acknowledged; 0: there is none */
    bool has_key;
    const char *step;
    const struct failure *failure; /* what fails in this life */
    int failures;
};

/* --- what a data directory goes through --- */

static const struct option options_table[] = {DATA_MAKE_OPTIONS, {0}};

static bool life_open(struct life *life)
{
    struct error *error = &life->f.error;
    if (data_dir_open(&life->options, DATA_SERVE, &life->data, error) &&
        first_key_make(&life->data, "123456789012", error) &&
        store_reader_open(life->data.store, &life->reader, error))
        return true;
    data_dir_close(&life->data);
    return false;
}

static void life_close(struct life *life)
{
    if (life->reader)
        store_reader_close(life->reader);
    life->reader = NULL;
    data_dir_close(&life->data);
}

static bool reopen(struct life *life)
{
    life_close(life);
    return life_open(life);
}

struct change {
    struct profile profile;
    int64_t expected_version; /* 0: insert */
};

static bool apply_change(struct db *db, void *argument, struct error *error)
{
    struct change *change = argument;
    struct audit_entry entry = {.at_ms = 1,
                                .account = change->profile.key.account,
                                .operation = STR("Change"),
                                .outcome = STR("ok")};
    return (change->expected_version == 0
                ? profile_insert(db, &change->profile, 0, error)
                : profile_replace(db, &change->profile, change->expected_version, error)) &&
           audit_add(db, &entry, error);
}

/* More than a page, so that a half written one would be seen. */
static bool put(struct life *life, int which)
{
    char text[6000];
    struct arena arena = {0};
    struct change change = {sample_profile(names[which]), life->versions[which]};
    change.profile.version = life->versions[which] + 100;
    memset(text, 'a' + (char)(change.profile.version / 100), sizeof(text));
    struct seal_binding binding = profile_seal_binding(&change.profile, &arena);
    bool ok = seal_close(life->data.keys.keyring, &binding, (struct str){text, sizeof(text)},
                         &arena, &change.profile.sealed_credentials, &life->f.error) &&
              store_apply(life->data.store, apply_change, &change, false, &life->f.error);
    arena_done(&arena);
    if (ok)
        life->versions[which] = change.profile.version;
    return ok;
}

static bool put_first(struct life *life)
{
    return put(life, 0);
}

static bool put_second(struct life *life)
{
    return put(life, 1);
}

static bool delete_second(struct life *life)
{
    struct profile_key key = sample_key(names[1]);
    store_reader_rest(life->reader);
    if (!store_apply(life->data.store, apply_delete, &key, true, &life->f.error))
        return false;
    life->versions[1] = 0;
    return true;
}

/* As the command line does it beside a running server. */
static bool make_key(struct life *life)
{
    struct data_dir data = {.path = NULL};
    struct made_key key = {.secret = NULL};
    made_key_init(&key, "AKIAHEADGATETEST0001", "a-secret-of-a-test");
    bool ok = data_dir_open(&life->options, DATA_ATTACH, &data, &life->f.error) &&
              made_key_store(&key, &data, "123456789012", STR_NULL, &life->f.error);
    data_dir_close(&data);
    made_key_done(&key);
    life->has_key |= ok;
    return ok;
}

/* --- what must be there --- */

static void assert_opens(struct life *life, const struct profile *profile)
{
    struct seal_binding binding = profile_seal_binding(profile, &life->f.arena);
    struct str plain;
    check(&life->f, seal_open(life->data.keys.keyring, &binding, profile->sealed_credentials,
                              &life->f.arena, &plain, &life->f.error));
    assert_int_equal(plain.len, 6000);
    assert_int_equal(plain.data[5999], 'a' + profile->version / 100);
}

/* False when something cannot be read; what can be read must be right. */
static bool look(struct life *life)
{
    for (int i = 0; i < NAMES; i++) {
        struct profile profile;
        bool found = false;
        if (!profile_find(life->reader, &life->f.arena, sample_key(names[i]), &profile, &found,
                          &life->f.error))
            return false;
        if (found != (life->versions[i] != 0) || (found && profile.version != life->versions[i]))
            fail_msg("%s: %s is at version %lld instead of %lld", life->step, names[i],
                     found ? (long long)profile.version : 0, (long long)life->versions[i]);
        if (found)
            assert_opens(life, &profile);
    }
    struct access_key *keys;
    size_t count;
    if (!access_key_list(life->reader, &life->f.arena, &keys, &count, &life->f.error))
        return false;
    assert_int_equal(count, 1 + life->has_key); /* the first start's, and make_key's */
    store_reader_rest(life->reader);
    return true;
}

/* Whoever reads the sentence must know what happened and where. */
static void assert_clear(const struct life *life)
{
    const char *message = life->f.error.message;
    size_t len = strlen(message);
    bool known = life->f.error.code == ERR_UNAVAILABLE || life->f.error.code == ERR_INTERNAL;
    if (!known || len < 20 || message[len - 1] != '.' || strstr(message, "(null)") ||
        strstr(message, "Success"))
        fail_msg("%s failed, unclearly: %d %s", life->step, (int)life->f.error.code, message);
    if (life->failure->error_number == ENOSPC && !strstr(message, "disk is full") &&
        !strstr(message, strerror(ENOSPC)))
        fail_msg("%s: a full disk is not told: %s", life->step, message);
}

/* --- what fails --- */

static const struct failure failures[] = {
    {"no descriptor left", CALL_OPEN, EMFILE, 1, false},
    {"read-only file system", CALL_OPEN, EROFS, 1, false},
    {"a read error", CALL_READ, EIO, 1, false},
    {"a short read", CALL_READ, CALL_HALF, 1, false},
    {"a full disk", CALL_WRITE, ENOSPC, 1, false},
    {"a write error", CALL_WRITE, EIO, 1, false},
    {"a short write", CALL_WRITE, CALL_HALF, 1, false},
    {"a failing sync", CALL_SYNC, EIO, 1, false},
    {"a failing rename", CALL_LINK, EROFS, 1, false},
    {"a failing unlink", CALL_UNLINK, EIO, 1, false},
    {"a failing truncation", CALL_TRUNCATE, EIO, 1, false},
    {"a failing look at a file", CALL_STAT, EIO, 1, false},
    {"no lock", CALL_LOCK, ENOLCK, 1, false},
    {"a mode that cannot be set", CALL_MODE, EIO, 1, false},
    {"no memory for SQLite", CALL_SQLITE_MEMORY, ENOMEM, 101, false},
    {"a disk that stays full", CALL_WRITE, ENOSPC, 1, true},
    {"syncs that go on failing", CALL_SYNC, EIO, 1, true},
    {"no descriptor left for a while", CALL_OPEN, EMFILE, 1, true},
    {"no memory for SQLite for a while", CALL_SQLITE_MEMORY, ENOMEM, 101, true},
};

/* --- one life, with one failing call in it --- */

typedef bool step_fn(struct life *life);

static const struct step {
    const char *name;
    step_fn *run;
} steps[] = {
    {"first start", life_open},
    {"create", put_first},
    {"read", look},
    {"update", put_first},
    {"create", put_second},
    {"access key", make_key},
    {"read", look},
    {"delete", delete_second},
    {"read", look},
    {"restart", reopen},
    {"read", look},
    {"update", put_first},
};

static void run_step(struct life *life, const struct step *step)
{
    life->step = step->name;
    if (step->run(life))
        return;
    life->failures++;
    assert_true(calls_failed());
    calls_work();
    assert_clear(life);
    if (life->reader)
        check(&life->f, look(life)); /* not half there */
    check(&life->f, step->run(life));
}

static void live(const struct failure *failure, int n)
{
    struct life life = {.step = "start", .failure = failure};
    fixture_make_dir(&life.f);
    char *words[] = {"--data", life.f.dir};
    check(&life.f, options_read(options_table, 2, words, &life.options, &life.f.error));
    if (failure->lasts)
        calls_fail_from(failure->kind, failure->error_number, n);
    else
        calls_fail(failure->kind, failure->error_number, n);
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
        run_step(&life, &steps[i]);
    life_close(&life);
    calls_work();
    life.step = "afterwards";
    check(&life.f, life_open(&life));
    check(&life.f, look(&life));
    life_close(&life);
    assert_true(life.failures <= 1);
    options_done(&life.options);
    arena_done(&life.f.arena);
    nftw(life.f.dir, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* --- the sweep --- */

static void sweep(void **state)
{
    const struct failure *failure = *state;
    int n = 1;
    live(failure, n);
    while (calls_failed()) {
        n += failure->step * CALLS_STRIDE;
        assert_true(n < CALLS_MAX);
        live(failure, n);
    }
    print_message("%s: %d calls\n", failure->what, n - 1);
    assert_true(n > 1);
}

/* --- a keyring that a command prints --- */

static bool open_by_command(const char *path, struct error *error)
{
    struct keyring *keyring = NULL;
    char command[160];
    snprintf(command, sizeof(command), "cat %s", path);
    bool ok = keyring_open(&(struct keyring_source){.command = command}, &keyring, error);
    keyring_free(keyring);
    return ok;
}

static void keyring_command_that_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    char path[96];
    int n = 0;
    snprintf(path, sizeof(path), "%s/keyring", f->dir);
    check(f, keyring_create(path, &f->error));
    do {
        calls_fail(CALL_READ, EIO, ++n);
        bool ok = open_by_command(path, &f->error);
        assert_true(ok != calls_failed());
        if (!ok)
            assert_string_equal(f->error.message, "The keyring command's output cannot be read: "
                                                  "Input/output error.");
        calls_work();
        check(f, open_by_command(path, &f->error));
        calls_fail(CALL_READ, CALL_HALF, n);
        check(f, open_by_command(path, &f->error));
    } while (calls_failed());
    assert_true(n > 1);
}

/* A keyring that was not synced is gone after a power failure, and with it every credential. */
static void a_keyring_that_cannot_be_synced(void **state)
{
    static const char *const reasons[] = {"cannot be written: ", "cannot be synced: "};
    struct fixture *f = *state;
    char path[96];
    for (int n = 1; n <= 2; n++) { /* the file, then its directory */
        snprintf(path, sizeof(path), "%s/keyring-%d", f->dir, n);
        calls_fail(CALL_SYNC, EIO, n);
        bool made = keyring_create(path, &f->error);
        assert_true(calls_failed());
        calls_work();
        assert_false(made);
        assert_non_null(strstr(f->error.message, reasons[n - 1]));
        assert_int_equal(access(path, F_OK) == 0, n == 2);
    }
}

int main(void)
{
    enum { COUNT = sizeof(failures) / sizeof(*failures) };
    struct CMUnitTest tests[COUNT + 2] = {
        [COUNT] = test_with_dir(keyring_command_that_cannot_be_read),
        [COUNT + 1] = test_with_dir(a_keyring_that_cannot_be_synced),
    };
    secret_init();
    log_init(LOG_ERROR, LOG_TEXT);
    calls_watch_sqlite_memory();
    for (int i = 0; i < COUNT; i++)
        tests[i] = (struct CMUnitTest){failures[i].what, sweep, NULL, NULL, (void *)&failures[i]};
    fixture_in_memory = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

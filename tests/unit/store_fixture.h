/* A store in a directory of its own, for the tests of the store. */
#pragma once

#include "cmocka_all.h"

#include "store/access_keys.h"
#include "store/audit.h"
#include "store/core/idempotency_claims.h"
#include "store/core/store.h"
#include "store/meta.h"
#include "store/profiles.h"
#include "store/token_grants.h"
#include "vault/secret.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    char dir[64];
    char path[96]; /* of the database */
    struct store *store;
    struct store_reader *reader;
    struct arena arena;
    struct error error;
};

/* Time stands still until a test moves it. */
#define FIXTURE_NOW_MS 1700000000000LL
static _Atomic int64_t fixture_now_ms;

static inline int64_t fixture_clock(void)
{
    return fixture_now_ms;
}

/* The same tests of what every store does run on a database server's, if the runner names one. */
static inline bool fixture_is_remote(void)
{
    return getenv("HEADGATE_TEST_STORE_URL");
}

static inline struct store_config fixture_config(const struct fixture *f)
{
    return (struct store_config){
        .data_dir = f->dir,
        .now_ms = fixture_clock,
        .url = getenv("HEADGATE_TEST_STORE_URL"),
        .connections = 4,
    };
}

#define check(f, condition) check_at((f), (condition), #condition, __FILE__, __LINE__)
static inline void check_at(const struct fixture *f, bool ok, const char *text, const char *file,
                            int line)
{
    if (!ok)
        print_error("%s: %s\n", text, f->error.message);
    _assert_true(ok, text, file, line);
}

/* A directory is new for each test; a database is emptied by the runner's command. */
static inline void fixture_empty(void)
{
    if (fixture_is_remote())
        assert_int_equal(system(getenv("HEADGATE_TEST_STORE_EMPTY")), 0);
}

/* What audit rows are chained with; the same for each store that is opened again. */
static inline void fixture_use_audit_key(struct store *store)
{
    struct secret *secret = secret_new(STR("a service secret of 32 bytes. .."));
    store_use_audit_key(store, secret);
    secret_free(secret);
}

static inline void fixture_open(struct fixture *f)
{
    struct store_config config = fixture_config(f);
    check(f, store_open(&config, &f->store, &f->error));
    fixture_use_audit_key(f->store);
    check(f, store_reader_open(f->store, &f->reader, &f->error));
}

static inline void fixture_close(struct fixture *f)
{
    if (f->reader)
        store_reader_close(f->reader);
    store_close(f->store);
    f->reader = NULL;
    f->store = NULL;
}

/* A test that opens a store a thousand times has it in memory, where syncing costs nothing. */
static bool fixture_in_memory;

enum { FIXTURE_TMPDIR_MAX = 32 };

static inline void fixture_make_dir(struct fixture *f)
{
    bool in_memory = fixture_in_memory && access("/dev/shm", W_OK) == 0;
    const char *temporary = getenv("TMPDIR"); /* the runner's, which it removes */
    bool short_enough = temporary && strlen(temporary) < FIXTURE_TMPDIR_MAX;
    *f = (struct fixture){.dir = ""};
    snprintf(f->dir, sizeof(f->dir), "%s/headgate-store-XXXXXX",
             in_memory      ? "/dev/shm"
             : short_enough ? temporary
                            : "/tmp");
    fixture_now_ms = FIXTURE_NOW_MS;
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/headgate.db", f->dir);
}

/* What rollback_check.c recorded: an empty database may be made from here on. */
static inline void remove_record(const struct fixture *f)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/newest-change", f->dir);
    assert_int_equal(unlink(path), 0);
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = malloc(sizeof(*f));
    fixture_make_dir(f);
    fixture_empty();
    fixture_open(f);
    *state = f;
    return 0;
}

/* A directory and no store in it yet. */
static inline int fixture_setup_empty(void **state)
{
    struct fixture *f = malloc(sizeof(*f));
    fixture_make_dir(f);
    *state = f;
    return 0;
}

static inline int fixture_remove(const char *path, const struct stat *info, int kind,
                                 struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    arena_done(&f->arena);
    nftw(f->dir, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

#define test_with_store(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define test_with_dir(name)                                                                        \
    cmocka_unit_test_setup_teardown(name, fixture_setup_empty, fixture_teardown)

/* --- profiles --- */

static inline struct profile_key sample_key(const char *name)
{
    return (struct profile_key){STR("123456789012"), STR("eu-central-1"), str_from(name)};
}

static inline struct profile sample_profile(const char *name)
{
    return (struct profile){
        .key = sample_key(name),
        .version = 100,
        .connector_type = STR("Salesforce"),
        .connection_mode = STR("Public"),
        .credentials_arn = STR("arn:aws:secretsmanager:eu-central-1:123456789012:secret:x"),
        .properties = STR("{\"Salesforce\":{}}"),
        .sealed_credentials = STR("sealed\0bytes"),
        .created_at_ms = 5,
        .updated_at_ms = 6,
    };
}

struct insert_argument {
    struct profile profile;
    int64_t quota;
};

static inline bool apply_insert(struct db *db, void *argument, struct error *error)
{
    struct insert_argument *insert = argument;
    return profile_insert(db, &insert->profile, insert->quota, error);
}

static inline bool insert_profile(struct fixture *f, const char *name)
{
    struct insert_argument insert = {sample_profile(name), 0};
    return store_apply(f->store, apply_insert, &insert, false, &f->error);
}

static inline bool apply_delete(struct db *db, void *argument, struct error *error)
{
    return profile_delete(db, *(struct profile_key *)argument, error);
}

static inline bool delete_profile(struct fixture *f, const char *name, bool scrub)
{
    struct profile_key key = sample_key(name);
    return store_apply(f->store, apply_delete, &key, scrub, &f->error);
}

static inline bool profile_exists(struct fixture *f, const char *name)
{
    struct profile profile;
    bool found = false;
    check(f, profile_find(f->reader, &f->arena, sample_key(name), &profile, &found, &f->error));
    return found;
}

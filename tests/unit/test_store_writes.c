/* Writes: batches, what a failing one takes with it, what readers see, what a deletion leaves. */
#include "store_gate.h"

#include <pthread.h>

static void queued_writes_share_a_commit(void **state)
{
    struct fixture *f = *state;
    struct posted posted[10] = {0};
    struct gate gate;
    sem_t done;
    sem_init(&done, 0, 0);
    gate_hold(f, &gate);
    for (int i = 0; i < 10; i++) {
        char name[8];
        snprintf(name, sizeof(name), "p%d", i);
        post_insert(f, &posted[i], name, &done);
    }
    gate_open(&gate);
    wait_times(&done, 10);
    struct store_counts counts = store_counts(f->store);
    assert_int_equal(counts.commits, 2); /* the gate's and theirs */
    assert_int_equal(counts.writes, 11);
    for (int i = 0; i < 10; i++) {
        assert_true(posted[i].write.ok);
        assert_true(profile_exists(f, posted[i].name));
    }
}

static void failing_write_is_undone_alone(void **state)
{
    struct fixture *f = *state;
    struct posted posted[4] = {0};
    struct gate gate;
    sem_t done;
    sem_init(&done, 0, 0);
    gate_hold(f, &gate);
    post_insert(f, &posted[0], "before", &done);
    posted[1].fails = true;
    post_insert(f, &posted[1], "failing", &done);
    post_insert(f, &posted[2], "after", &done);
    post_insert(f, &posted[3], "before", &done); /* sees what came earlier in its batch */
    gate_open(&gate);
    wait_times(&done, 4);
    assert_int_equal(store_counts(f->store).commits, 2);
    assert_true(posted[0].write.ok);
    assert_false(posted[1].write.ok);
    assert_int_equal(posted[1].write.error.code, ERR_QUOTA);
    assert_string_equal(posted[1].write.error.message, "Not this one.");
    assert_true(posted[2].write.ok);
    assert_false(posted[3].write.ok);
    assert_int_equal(posted[3].write.error.code, ERR_CONFLICT);
    assert_true(profile_exists(f, "before"));
    assert_false(profile_exists(f, "failing"));
    assert_true(profile_exists(f, "after"));
}

static void long_queue_is_committed_in_bounded_batches(void **state)
{
    enum { WRITES = STORE_BATCH_MAX + 1 };
    struct fixture *f = *state;
    struct posted *posted = calloc(WRITES, sizeof(*posted));
    struct gate gate;
    sem_t done;
    sem_init(&done, 0, 0);
    gate_hold(f, &gate);
    for (int i = 0; i < WRITES; i++) {
        char name[8];
        snprintf(name, sizeof(name), "p%d", i);
        post_insert(f, &posted[i], name, &done);
    }
    gate_open(&gate);
    wait_times(&done, WRITES);
    assert_int_equal(store_counts(f->store).commits, 3);
    free(posted);
}

static bool apply_nothing(struct db *db, void *argument, struct error *error)
{
    (void)db, (void)argument, (void)error;
    return true;
}

static void count_done(struct store_write *write)
{
    sem_post(write->argument);
}

static void full_queue_refuses_at_once(void **state)
{
    struct fixture *f = *state;
    struct store_write *writes = calloc(STORE_QUEUE_MAX + 1, sizeof(*writes));
    struct gate gate;
    sem_t done;
    sem_init(&done, 0, 0);
    gate_hold(f, &gate);
    for (int i = 0; i <= STORE_QUEUE_MAX; i++)
        writes[i] =
            (struct store_write){.apply = apply_nothing, .argument = &done, .done = count_done};
    for (int i = 0; i < STORE_QUEUE_MAX; i++)
        check(f, store_post(f->store, &writes[i], &f->error));
    assert_false(store_post(f->store, &writes[STORE_QUEUE_MAX], &f->error));
    assert_int_equal(f->error.code, ERR_THROTTLING);
    gate_open(&gate);
    wait_times(&done, STORE_QUEUE_MAX);
    check(f, store_post(f->store, &writes[STORE_QUEUE_MAX], &f->error));
    wait_times(&done, 1);
    free(writes);
}

static void *close_store(void *argument)
{
    fixture_close(argument);
    return NULL;
}

static void closing_commits_what_is_queued(void **state)
{
    struct fixture *f = *state;
    struct posted posted = {0};
    struct gate gate;
    pthread_t thread;
    sem_t done;
    sem_init(&done, 0, 0);
    gate_hold(f, &gate);
    post_insert(f, &posted, "queued", &done);
    assert_int_equal(pthread_create(&thread, NULL, close_store, f), 0);
    gate_open(&gate);
    pthread_join(thread, NULL);
    assert_true(posted.write.ok);
    fixture_open(f);
    assert_true(profile_exists(f, "queued"));
}

/* --- many threads --- */

enum { WRITERS = 16, WRITES_EACH = 40 };

struct writer {
    struct fixture f;
    int number;
};

static bool is_deleted(int i)
{
    return i % 8 == 7;
}

static void *write_many(void *argument)
{
    struct writer *writer = argument;
    for (int i = 0; i < WRITES_EACH; i++) {
        char name[32];
        snprintf(name, sizeof(name), "w%d-%d", writer->number, i);
        check(&writer->f, insert_profile(&writer->f, name));
        assert_true(profile_exists(&writer->f, name)); /* what was answered is seen */
        store_reader_rest(writer->f.reader);
        if (is_deleted(i)) /* while others read */
            check(&writer->f, delete_profile(&writer->f, name, true));
    }
    return NULL;
}

static void many_writers_need_fewer_commits(void **state)
{
    struct fixture *f = *state;
    static struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.f = {.store = f->store}, .number = i};
        check(f, store_reader_open(f->store, &writers[i].f.reader, &f->error));
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        store_reader_close(writers[i].f.reader);
        arena_done(&writers[i].f.arena);
    }
    struct store_counts counts = store_counts(f->store);
    assert_int_equal(counts.writes, WRITERS * (WRITES_EACH + WRITES_EACH / 8));
    assert_true(counts.commits < counts.writes);
    for (int i = 0; i < WRITERS * WRITES_EACH; i++) {
        char name[32];
        snprintf(name, sizeof(name), "w%d-%d", i / WRITES_EACH, i % WRITES_EACH);
        assert_int_equal(profile_exists(f, name), !is_deleted(i % WRITES_EACH));
    }
}

/* --- readers --- */

static bool apply_insert_and_look(struct db *db, void *argument, struct error *error)
{
    struct fixture *f = argument;
    struct profile profile = sample_profile("mine");
    bool ok = profile_insert(db, &profile, 0, error);
    assert_false(profile_exists(f, "mine")); /* not committed: not seen. f's thread is waiting */
    return ok;
}

static void reader_sees_what_was_committed_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    assert_false(profile_exists(f, "mine")); /* opens the transaction */
    check(f, store_apply(f->store, apply_insert_and_look, f, false, &f->error));
    assert_true(profile_exists(f, "mine"));
    check(f, insert_profile(f, "other"));
    assert_true(profile_exists(f, "other"));
    check(f, delete_profile(f, "mine", false));
    assert_false(profile_exists(f, "mine"));
}

/* --- what a deletion leaves --- */

/* The file's bytes, on the heap; empty when there is none. */
static struct str read_file(const char *path, const char *suffix)
{
    char name[128];
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    FILE *file = fopen(name, "r");
    if (!file)
        return STR_NULL;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *bytes = calloc(1, size + 1); /* ends in NUL, for strtol */
    assert_int_equal(fread(bytes, 1, size, file), size);
    fclose(file);
    return (struct str){bytes, size};
}

static bool file_holds(const char *path, const char *suffix, struct str needle)
{
    struct str bytes = read_file(path, suffix);
    bool holds = str_contains(bytes, needle);
    free((void *)bytes.data);
    return holds;
}

static bool files_hold(const struct fixture *f, struct str needle)
{
    return file_holds(f->path, "", needle) || file_holds(f->path, "-wal", needle) ||
           file_holds(f->path, "-shm", needle);
}

static void scrubbed_deletion_leaves_nothing_in_the_files(void **state)
{
    struct fixture *f = *state;
    struct insert_argument insert = {sample_profile("mine"), 0};
    struct str planted = STR("PLANTED-CANARY-0123456789");
    char big[6000]; /* reaches into overflow pages */
    memset(big, 'x', sizeof(big));
    memcpy(big, planted.data, planted.len);
    memcpy(big + sizeof(big) - planted.len, planted.data, planted.len);
    insert.profile.sealed_credentials = (struct str){big, sizeof(big)};
    check(f, insert_profile(f, "another"));
    check(f, store_apply(f->store, apply_insert, &insert, false, &f->error));
    assert_true(files_hold(f, planted));
    check(f, delete_profile(f, "mine", true));
    assert_false(files_hold(f, planted));
    assert_true(files_hold(f, STR("another")));
}

static struct str tag_of(char tag[16], int number)
{
    return (struct str){tag, (size_t)snprintf(tag, 16, "<tag-%06d>", number)};
}

enum { CHURN_SLOTS = 1000, CHURN_ROUNDS = 120, CHURN_TAGS = 6000 };

struct churn {
    int number[CHURN_SLOTS]; /* the tag in each profile; 0: no profile */
    int last;
    unsigned random;
};

static int dice(struct churn *churn, int sides)
{
    churn->random = churn->random * 1103515245u + 12345u;
    return (int)(churn->random >> 16) % sides;
}

static struct str sealed_of(struct churn *churn, char *room)
{
    static const int repeats[] = {5, 40, 120, 400};
    char tag[16];
    struct str text = tag_of(tag, churn->last);
    size_t size = 0;
    for (int n = repeats[dice(churn, 4)]; n > 0; n--, size += text.len)
        memcpy(room + size, text.data, text.len);
    return (struct str){room, size};
}

static bool churn_once(struct churn *churn, struct db *db, struct error *error)
{
    int slot = dice(churn, CHURN_SLOTS), old = churn->number[slot];
    char name[16], room[400 * 12];
    snprintf(name, sizeof(name), "n%08x", (unsigned)slot * 2654435761u);
    struct profile profile = sample_profile(name);
    if (old && dice(churn, 2) == 0) {
        churn->number[slot] = 0;
        return profile_delete(db, profile.key, error);
    }
    churn->number[slot] = ++churn->last;
    profile.version = churn->last;
    profile.sealed_credentials = sealed_of(churn, room);
    return old ? profile_replace(db, &profile, old, error) : profile_insert(db, &profile, 0, error);
}

static bool apply_churn(struct db *db, void *argument, struct error *error)
{
    for (int i = 0; i < 50; i++) {
        if (!churn_once(argument, db, error))
            return false;
    }
    return true;
}

/* Marks every number whose tag stands somewhere in the file; where a page ends, one may be cut. */
static void find_tags(const struct fixture *f, bool *seen, int count)
{
    struct str bytes = read_file(f->path, "");
    for (size_t i = 0; i + 12 <= bytes.len; i++) {
        bool whole = memcmp(bytes.data + i, "<tag-", 5) == 0 &&
                     strspn(bytes.data + i + 5, "0123456789") == 6;
        int number = whole ? (int)strtol(bytes.data + i + 5, NULL, 10) : 0;
        if (number > 0 && number < count)
            seen[number] = true;
    }
    free((void *)bytes.data);
}

/* SQLite moves rows between pages and leaves copies; none may outlive its row. */
static void moved_rows_leave_no_copies(void **state)
{
    struct fixture *f = *state;
    struct churn churn = {.random = 1};
    static bool seen[CHURN_TAGS], live[CHURN_TAGS];
    for (int i = 0; i < CHURN_ROUNDS; i++)
        check(f, store_apply(f->store, apply_churn, &churn, i == CHURN_ROUNDS - 1, &f->error));
    assert_false(file_holds(f->path, "-wal", STR("<tag-")));
    find_tags(f, seen, CHURN_TAGS);
    assert_true(churn.last > 1000 && churn.last < CHURN_TAGS);
    for (int i = 0; i < CHURN_SLOTS; i++)
        live[churn.number[i]] = true;
    for (int number = 1; number <= churn.last; number++)
        assert_int_equal(seen[number], live[number]);
}

/* A reader in the way delays the write and the emptying of the log, but not for ever. */
static void scrub_goes_on_when_a_reader_stays(void **state)
{
    struct fixture *f = *state;
    check(f, insert_profile(f, "mine"));
    assert_true(profile_exists(f, "mine")); /* and its transaction stays open */
    check(f, delete_profile(f, "mine", true));
    assert_false(profile_exists(f, "mine"));
    store_reader_rest(f->reader);
    check(f, insert_profile(f, "PLANTED-CANARY"));
    check(f, delete_profile(f, "PLANTED-CANARY", true));
    assert_false(files_hold(f, STR("PLANTED-CANARY")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(queued_writes_share_a_commit),
        test_with_store(failing_write_is_undone_alone),
        test_with_store(long_queue_is_committed_in_bounded_batches),
        test_with_store(full_queue_refuses_at_once),
        test_with_store(closing_commits_what_is_queued),
        test_with_store(many_writers_need_fewer_commits),
        test_with_store(reader_sees_what_was_committed_and_nothing_else),
    };
    const struct CMUnitTest tests_of_files[] = {
        test_with_store(scrubbed_deletion_leaves_nothing_in_the_files),
        test_with_store(moved_rows_leave_no_copies),
        test_with_store(scrub_goes_on_when_a_reader_stays),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (!fixture_is_remote())
        failed += cmocka_run_group_tests(tests_of_files, NULL, NULL);
    return failed;
}

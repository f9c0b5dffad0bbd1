/* A system without memory: each allocation fails once, in a process of its own. It ends with a
 * sentence, and what it had acknowledged is there; or it goes on. */
#include "store_fixture.h"

#include "failing_calls.h"

#include "base/log.h"
#include "cli/access_keys_made.h"
#include "profile/seal.h"
#include "vault/crypto_memory.h"
#include "vault/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

enum { PROFILES = 4, GAVE_UP = 3, CALLS_MAX = 100000 };

struct acknowledged {
    bool profiles[PROFILES];
    bool key;
};

static const struct option options_table[] = {DATA_MAKE_OPTIONS, {0}};

static bool put(struct fixture *f, const struct data_dir *data, const char *name)
{
    struct insert_argument insert = {sample_profile(name), 0};
    struct arena arena = {0};
    struct seal_binding binding = profile_seal_binding(&insert.profile, &arena);
    bool ok = seal_close(data->keys.keyring, &binding, STR("a canary"), &arena,
                         &insert.profile.sealed_credentials, &f->error) &&
              store_apply(data->store, apply_insert, &insert, false, &f->error);
    arena_done(&arena);
    return ok;
}

static bool open_data(struct fixture *f, struct options *options, struct data_dir *data)
{
    char *words[] = {"--data", f->dir};
    return options_read(options_table, 2, words, options, &f->error) &&
           data_dir_open(options, DATA_SERVE, data, &f->error) &&
           first_key_make(data, "123456789012", &f->error);
}

/* A number into the pipe for what was acknowledged: of a profile, or PROFILES for the key. */
static bool say(int pipe, int number)
{
    char byte = (char)number;
    return write(pipe, &byte, 1) == 1;
}

static bool live(struct fixture *f, int pipe)
{
    struct options options;
    struct data_dir data;
    if (!open_data(f, &options, &data) || !say(pipe, PROFILES))
        return false;
    for (int i = 0; i < PROFILES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "mine-%d", i);
        if (!put(f, &data, name) || !say(pipe, i))
            return false;
    }
    data_dir_close(&data);
    options_done(&options);
    arena_done(&f->arena);
    return true;
}

/* Nothing of this in the process that starts the others: each shall take all its memory itself. */
static void begin_process(void)
{
    crypto_memory_init();
    secret_init();
    log_init(LOG_ERROR, LOG_TEXT);
}

static void child(struct fixture *f, enum call_kind kind, int n, int pipe, int words)
{
    dup2(words, STDERR_FILENO);
    signal(SIGABRT, SIG_DFL); /* cmocka's handlers would go on with the next test */
    signal(SIGSEGV, SIG_DFL);
    begin_process();
    calls_fail(kind, ENOMEM, n);
    bool ok = live(f, pipe);
    bool failed = calls_failed();
    calls_work();
    if (!ok)
        fprintf(stderr, "headgate: %s\n", f->error.message);
    _exit(ok && !failed ? 0 : ok ? GAVE_UP + 1 : GAVE_UP);
}

static void read_acknowledged(int pipe, struct acknowledged *said)
{
    char number;
    while (read(pipe, &number, 1) == 1) {
        if (number < PROFILES)
            said->profiles[(int)number] = true;
        else
            said->key = true;
    }
}

static bool opens(struct fixture *f, const struct data_dir *data, const char *name)
{
    struct store_reader *reader;
    struct profile profile;
    struct str plain;
    bool found = false;
    if (!store_reader_take(data->store, &reader, &f->error))
        return false;
    bool ok = profile_find(reader, &f->arena, sample_key(name), &profile, &found, &f->error);
    store_reader_put(data->store, reader);
    if (!ok || !found)
        return fail(&f->error, ERR_NOT_FOUND, "%s was acknowledged and is not there.", name);
    struct seal_binding binding = profile_seal_binding(&profile, &f->arena);
    return seal_open(data->keys.keyring, &binding, profile.sealed_credentials, &f->arena, &plain,
                     &f->error) &&
           str_eq(plain, STR("a canary"));
}

/* The next start, with memory: what was acknowledged is there, and what was not can be made. */
static bool look(struct fixture *f, const struct acknowledged *said)
{
    struct options options;
    struct data_dir data;
    bool ok = open_data(f, &options, &data);
    for (int i = 0; i < PROFILES && ok; i++) {
        char name[16];
        snprintf(name, sizeof(name), "mine-%d", i);
        /* One may have been made by a writer that died before it could say so. */
        ok = said->profiles[i] ? opens(f, &data, name)
                               : put(f, &data, name) || f->error.code == ERR_CONFLICT;
    }
    data_dir_close(&data);
    options_done(&options);
    arena_done(&f->arena);
    return ok;
}

/* In a process of its own, so that the next one that has no memory is as fresh as the first. */
static void assert_kept(struct fixture *f, const struct acknowledged *said)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        begin_process();
        bool ok = look(f, said);
        if (!ok)
            print_error("%s\n", f->error.message);
        _exit(!ok);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void assert_says_why(int words)
{
    char text[4096] = "";
    ssize_t size = pread(words, text, sizeof(text) - 1, 0);
    if (size <= 0 || !strstr(text, "headgate: "))
        fail_msg("it died without a sentence: %s", text);
}

/* True when no allocation failed. */
static bool live_and_look(enum call_kind kind, int n)
{
    struct fixture f;
    struct acknowledged said = {.key = false};
    int ends[2], status;
    char path[128];
    fixture_make_dir(&f);
    snprintf(path, sizeof(path), "%s/words", f.dir);
    int words = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(words >= 0);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child(&f, kind, n, ends[1], words);
    close(ends[1]);
    read_acknowledged(ends[0], &said);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    bool died = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    bool gave_up = WIFEXITED(status) && WEXITSTATUS(status) == GAVE_UP;
    if (died || gave_up)
        assert_says_why(words);
    else if (!WIFEXITED(status) || WEXITSTATUS(status) % (GAVE_UP + 1) != 0)
        fail_msg("it ended unexpectedly: status %d", status);
    assert_kept(&f, &said);
    close(words);
    close(ends[0]);
    arena_done(&f.arena);
    nftw(f.dir, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
    return status == 0;
}

static void our_own_memory(void **state)
{
    (void)state;
    int n = 1;
    for (; !live_and_look(CALL_MEMORY, n); n += n < 20 ? 1 : CALLS_STRIDE)
        assert_true(n < CALLS_MAX);
    print_message("our own memory: %d allocations\n", n - 1);
    assert_true(n > 10);
}

static void memory_of_openssl(void **state)
{
    (void)state;
    int n = 1;
    for (; !live_and_look(CALL_CRYPTO_MEMORY, n); n += 37 * CALLS_STRIDE)
        assert_true(n < CALLS_MAX);
    print_message("OpenSSL's memory: %d allocations\n", n - 1);
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_memory),
        cmocka_unit_test(memory_of_openssl),
    };
    fixture_in_memory = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

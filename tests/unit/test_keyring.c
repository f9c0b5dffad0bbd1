/* Keyrings: files and commands that are read, and everything that is refused. */
#include "cmocka_all.h"

#include "keyring_scratch.h"

#include "vault/keyring.h"
#include "vault/keyring_text.h"
#include "vault/secret.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool open_command(const char *command, struct keyring **ret_keyring, struct error *error)
{
    return keyring_open(&(struct keyring_source){.command = command}, ret_keyring, error);
}

static void a_new_keyring_opens(void **state)
{
    (void)state;
    struct stat status;
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("new");
    assert_int_equal(keyring_primary_id(keyring).len, KEYRING_ID_SIZE);
    const struct secret *key = keyring_find(keyring, keyring_primary_id(keyring));
    assert_non_null(key);
    assert_int_equal(secret_reveal(key).len, KEYRING_KEY_SIZE);
    assert_null(keyring_find(keyring, STR("0000000000000000")));
    assert_null(keyring_find(keyring, STR("")));
    assert_int_equal(stat(scratch_path("new"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_nlink, 1);
}

static void creating_never_replaces(void **state)
{
    (void)state;
    struct error error = {0};
    keyring_free(scratch_keyring("kept"));
    char *before = scratch_read(scratch_path("kept"));
    assert_false(keyring_create(scratch_path("kept"), &error));
    assert_int_equal(error.code, ERR_CONFLICT);
    char *after = scratch_read(scratch_path("kept"));
    assert_string_equal(before, after);
    free(before);
    free(after);

    /* A dangling link is a path that exists. */
    assert_int_equal(symlink("nowhere", scratch_path("dangling")), 0);
    assert_false(keyring_create(scratch_path("dangling"), &error));
    assert_int_equal(error.code, ERR_CONFLICT);
    assert_false(keyring_create(scratch_path("no-such-directory/keyring"), &error));
    assert_int_equal(error.code, ERR_INTERNAL);

    DIR *listing = opendir(scratch_directory);
    assert_non_null(listing);
    for (struct dirent *entry; (entry = readdir(listing));)
        assert_null(strstr(entry->d_name, ".new-"));
    closedir(listing);
}

static void a_keyring_others_can_read_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0660, 0666, 0610};
    keyring_free(scratch_keyring("open"));
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        struct keyring *keyring = NULL;
        struct error error = {0};
        char advice[300];
        assert_int_equal(chmod(scratch_path("open"), modes[i]), 0);
        assert_false(scratch_open(scratch_path("open"), &keyring, &error));
        assert_null(keyring);
        assert_int_equal(error.code, ERR_ACCESS_DENIED);
        snprintf(advice, sizeof(advice), "chmod 600 %s", scratch_path("open"));
        assert_non_null(strstr(error.message, advice));
    }
    assert_int_equal(chmod(scratch_path("open"), 0400), 0);
    _cleanup_keyring_ struct keyring *keyring = NULL;
    assert_true(scratch_open(scratch_path("open"), &keyring, NULL));
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    struct keyring *keyring = NULL;
    struct error error = {0};
    assert_false(scratch_open(scratch_path("absent"), &keyring, &error));
    assert_int_equal(error.code, ERR_NOT_FOUND);
    assert_false(scratch_open(scratch_directory, &keyring, &error));
    assert_int_equal(error.code, ERR_INTERNAL);
    assert_int_equal(mkfifo(scratch_path("pipe"), 0600), 0);
    assert_false(scratch_open(scratch_path("pipe"), &keyring, &error));
    assert_int_equal(error.code, ERR_INTERNAL);
    assert_null(keyring);
}

#define KEY_A "key 5153fb304e335d4d AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void damaged_keyrings_are_refused(void **state)
{
    (void)state;
    static char too_long[KEYRING_TEXT_MAX + 2];
    memset(too_long, '#', sizeof(too_long) - 1);
    const char *const texts[] = {
        "",
        "headgate-keyring 2\n",
        "headgate-keyring 1",
        "headgate-keyring 1\n",
        "headgate-keyring 1\r\n" KEY_A " primary\r\n",
        "\nheadgate-keyring 1\n" KEY_A " primary\n",
        "headgate-keyring 1\n" KEY_A "\n",
        "headgate-keyring 1\n" KEY_A " secondary\n",
        "headgate-keyring 1\n" KEY_A " primary more\n",
        "headgate-keyring 1\n" KEY_A " primary \n",
        "headgate-keyring 1\n" KEY_A " primary\n" KEY_A "\n",
        "headgate-keyring 1\nkey 5153fb304e335d4d  primary\n",
        "headgate-keyring 1\nkey 5153fb304e335d4d AAAA primary\n",
        "headgate-keyring 1\nkey 0000000000000000 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= "
        "primary\n",
        "headgate-keyring 1\nkey 5153fb304e335d4d BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= "
        "primary\n",
        too_long,
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct keyring *keyring = NULL;
        struct error error = {0};
        scratch_write(scratch_path("damaged"), texts[i], 0600);
        assert_false(scratch_open(scratch_path("damaged"), &keyring, &error));
        assert_null(keyring);
        assert_int_equal(error.code, ERR_INTERNAL);
        assert_null(strstr(error.message, "AAAA")); /* no key in an error */
    }
    _cleanup_keyring_ struct keyring *keyring = NULL;
    scratch_write(scratch_path("whole"), "headgate-keyring 1\n# a note\n\n" KEY_A " primary", 0600);
    assert_true(scratch_open(scratch_path("whole"), &keyring, NULL));
}

/* Which of two would seal is nothing to guess. */
static void two_primary_keys_are_refused(void **state)
{
    (void)state;
    struct keyring *keyring = NULL;
    struct error error = {0};
    char text[512];
    keyring_free(scratch_keyring("another"));
    char *whole = scratch_read(scratch_path("another"));
    snprintf(text, sizeof(text), "%s" KEY_A " primary\n", whole);
    scratch_write(scratch_path("two"), text, 0600);
    assert_false(scratch_open(scratch_path("two"), &keyring, &error));
    assert_non_null(strstr(error.message, "line 3 has a second primary key"));
    snprintf(text, sizeof(text), "%s" KEY_A "\n", whole);
    scratch_write(scratch_path("one"), text, 0600);
    assert_true(scratch_open(scratch_path("one"), &keyring, &error));
    keyring_free(keyring);
    free(whole);
}

/* It has room for a few thousand keys, for as long as the server runs. */
static void locked_memory_is_given_back(void **state)
{
    (void)state;
    keyring_free(scratch_keyring("spare"));
    size_t before = CRYPTO_secure_used();
    for (int i = 0; i < 3; i++) {
        struct keyring *keyring = NULL;
        assert_true(scratch_open(scratch_path("spare"), &keyring, NULL));
        keyring_free(keyring);
        assert_int_equal(CRYPTO_secure_used(), before);
        scratch_write(scratch_path("broken"), "headgate-keyring 1\n" KEY_A " primary\nkey\n", 0600);
        assert_false(scratch_open(scratch_path("broken"), &keyring, NULL));
        assert_int_equal(CRYPTO_secure_used(), before);
    }
}

static void a_link_to_a_private_file_is_followed(void **state)
{
    (void)state;
    keyring_free(scratch_keyring("target"));
    assert_int_equal(symlink("target", scratch_path("link")), 0);
    _cleanup_keyring_ struct keyring *keyring = NULL;
    assert_true(scratch_open(scratch_path("link"), &keyring, NULL));
}

static void a_command_gives_the_same_text(void **state)
{
    (void)state;
    char command[TEMPORARY_SIZE + 64];
    _cleanup_keyring_ struct keyring *from_file = scratch_keyring("printed");
    _cleanup_keyring_ struct keyring *from_command = NULL;
    snprintf(command, sizeof(command), "cat '%s'", scratch_path("printed"));
    assert_true(open_command(command, &from_command, NULL));
    assert_true(str_eq(keyring_primary_id(from_file), keyring_primary_id(from_command)));
}

/* What the command finds around itself is written to a file, which the test then reads. */
static void a_command_sees_nothing_of_ours(void **state)
{
    (void)state;
    char command[512];
    struct keyring *keyring = NULL;
    int leaked = open("/dev/null", O_RDONLY); /* without O_CLOEXEC, on purpose */
    assert_true(leaked > 2);
    assert_int_equal(setenv("HEADGATE_CANARY", "canary", 1), 0);
    snprintf(command, sizeof(command), "{ env; ls /proc/self/fd; } > '%s/seen'", scratch_directory);
    assert_false(open_command(command, &keyring, NULL));
    close(leaked);
    char *seen = scratch_read(scratch_path("seen"));
    assert_non_null(strstr(seen, "PATH=/usr/local/bin"));
    assert_null(strstr(seen, "HEADGATE"));
    const char *fds = strstr(seen, "0\n1\n2\n");
    assert_non_null(fds);
    assert_string_equal(fds, "0\n1\n2\n3\n"); /* 3 is what ls reads the directory with */
    free(seen);
    unsetenv("HEADGATE_CANARY");
}

static void commands_fail_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *command, *reason;
    } cases[] = {
        {"exit 3", "status 3"},
        {"kill -9 $$", "signal 9"},
        {"/no/such/program 2>/dev/null", "status 127"},
        {"head -c 20000 /dev/zero", "more than"},
        {"exec yes", "more than"},
        {"true", "does not start with"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct keyring *keyring = NULL;
        struct error error = {0};
        assert_false(open_command(cases[i].command, &keyring, &error));
        assert_int_equal(error.code, ERR_INTERNAL);
        assert_non_null(strstr(error.message, cases[i].reason));
    }
}

/* One that hangs, and one that has printed all and hangs: both are killed with their children. */
static void slow_commands_are_killed(void **state)
{
    (void)state;
    char *text = secret_alloc(KEYRING_TEXT_MAX + 1);
    for (int i = 0; i < 2; i++) {
        char command[TEMPORARY_SIZE + 64];
        struct error error = {0};
        size_t size = 0;
        int limit_ms = 50;
        snprintf(command, sizeof(command), "echo $$ > '%s/pid'; %s sleep 1000; true",
                 scratch_directory, i ? "exec >/dev/null;" : "");
        unlink(scratch_path("pid"));
        do { /* a busy machine may not even have started the shell */
            assert_false(keyring_read_command(command, limit_ms, text, &size, &error));
            assert_non_null(strstr(error.message, "in time"));
            limit_ms *= 2;
        } while (access(scratch_path("pid"), F_OK) != 0 && limit_ms < 60000);
        char *pid = scratch_read(scratch_path("pid"));
        assert_int_equal(kill((pid_t)atoi(pid), 0), -1);
        assert_int_equal(errno, ESRCH);
        free(pid);
    }
    secret_dealloc(text, KEYRING_TEXT_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locked_memory_is_given_back), /* first, while there is some */
        cmocka_unit_test(a_new_keyring_opens),
        cmocka_unit_test(creating_never_replaces),
        cmocka_unit_test(a_keyring_others_can_read_is_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(damaged_keyrings_are_refused),
        cmocka_unit_test(two_primary_keys_are_refused),
        cmocka_unit_test(a_link_to_a_private_file_is_followed),
        cmocka_unit_test(a_command_gives_the_same_text),
        cmocka_unit_test(a_command_sees_nothing_of_ours),
        cmocka_unit_test(commands_fail_with_a_reason),
        cmocka_unit_test(slow_commands_are_killed),
    };
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}

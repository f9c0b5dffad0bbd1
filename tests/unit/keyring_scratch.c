/* A directory of one test's own, removed at its end. */
#include "keyring_scratch.h"

#include "cmocka_all.h"

#include "base/alloc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char scratch_directory[TEMPORARY_SIZE];

static pid_t owner;

static void remove_directory(void)
{
    DIR *listing = owner == getpid() ? opendir(scratch_directory) : NULL;
    if (!listing)
        return;
    for (struct dirent *entry; (entry = readdir(listing));)
        unlinkat(dirfd(listing), entry->d_name, 0);
    closedir(listing);
    if (rmdir(scratch_directory) == 0)
        scratch_directory[0] = '\0';
}

/* When it is first needed, which may be before cmocka begins. */
static bool make_directory(void)
{
    if (scratch_directory[0] != '\0')
        return true;
    secret_init();
    if (mkdtemp(temporary_template(scratch_directory, "keyring"))) {
        owner = getpid();
        return atexit(remove_directory) == 0;
    }
    perror(scratch_directory);
    scratch_directory[0] = '\0';
    return false;
}

const char *scratch_path(const char *name)
{
    static char path[TEMPORARY_SIZE + 64];
    if (!make_directory())
        abort();
    snprintf(path, sizeof(path), "%s/%s", scratch_directory, name);
    return path;
}

void scratch_write(const char *path, const char *text, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

char *scratch_read(const char *path)
{
    char *text = xcalloc(1, 4096);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, text, 4095) > 0);
    close(fd);
    return text;
}

bool scratch_open(const char *path, struct keyring **ret_keyring, struct error *error)
{
    return keyring_open(&(struct keyring_source){.path = path}, ret_keyring, error);
}

struct keyring *scratch_keyring(const char *name)
{
    struct keyring *keyring = NULL;
    struct error error = {0};
    const char *path = scratch_path(name);
    unlink(path);
    assert_true(keyring_create(path, &error));
    assert_true(scratch_open(path, &keyring, &error));
    return keyring;
}

int scratch_begin(void **state)
{
    (void)state;
    return make_directory() ? 0 : -1;
}

int scratch_end(void **state)
{
    (void)state;
    remove_directory();
    return scratch_directory[0] == '\0' ? 0 : -1;
}

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

const char *scratch_path(const char *name)
{
    static char path[TEMPORARY_SIZE + 64];
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
    secret_init();
    if (mkdtemp(temporary_template(scratch_directory, "keyring")))
        return 0;
    perror(scratch_directory);
    return -1;
}

int scratch_end(void **state)
{
    (void)state;
    DIR *listing = opendir(scratch_directory);
    for (struct dirent *entry; (entry = readdir(listing));)
        unlinkat(dirfd(listing), entry->d_name, 0);
    closedir(listing);
    return rmdir(scratch_directory);
}

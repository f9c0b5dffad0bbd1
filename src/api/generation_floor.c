/* A file of one line. */
#include "api/generation_floor.h"

#include "base/alloc.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_NAME "access-key-generation"
#define RECORD_HEAD "headgate-access-key-generation 1 "
enum {
    HEAD_SIZE = sizeof(RECORD_HEAD) - 1,
    DIGITS = 20,
    RECORD_SIZE = HEAD_SIZE + DIGITS + 1, /* with a newline */
};

struct generation_floor {
    char *path;
    _Atomic int64_t generation;
    pthread_mutex_t mutex; /* of writing the record */
};

static char *record_path(const char *dir)
{
    size_t size = strlen(dir) + sizeof("/" RECORD_NAME);
    char *path = xmalloc(size);
    snprintf(path, size, "%s/%s", dir, RECORD_NAME);
    return path;
}

static int64_t parse(const char *text)
{
    struct str digits = {text + HEAD_SIZE, DIGITS};
    unsigned long long number = 0;
    if (strncmp(text, RECORD_HEAD, HEAD_SIZE) != 0 || text[RECORD_SIZE - 1] != '\n' ||
        !str_to_u64(digits, INT64_MAX, &number))
        return 0;
    return (int64_t)number;
}

static bool read_record(const char *path, int64_t *ret_generation, struct error *error)
{
    char text[RECORD_SIZE + 1] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool ok = fd >= 0 ? pread(fd, text, RECORD_SIZE, 0) >= 0 : errno == ENOENT || errno == ENOTDIR;
    if (!ok)
        fail(error, ERR_UNAVAILABLE, "%s cannot be read: %s.", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    *ret_generation = parse(text);
    return ok;
}

static void write_record(const char *path, int64_t generation)
{
    char text[RECORD_SIZE + 1];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    snprintf(text, sizeof(text), RECORD_HEAD "%020lld\n", (long long)generation);
    if (fd >= 0) {
        (void)!pwrite(fd, text, RECORD_SIZE, 0);
        close(fd);
    }
}

bool generation_floor_new(const char *dir, struct generation_floor **ret_floor, struct error *error)
{
    char *path = record_path(dir);
    int64_t generation;
    if (!read_record(path, &generation, error)) {
        free(path);
        return false;
    }
    struct generation_floor *floor = xcalloc(1, sizeof(*floor));
    floor->path = path;
    atomic_init(&floor->generation, generation);
    pthread_mutex_init(&floor->mutex, NULL);
    *ret_floor = floor;
    return true;
}

void generation_floor_free(struct generation_floor *floor)
{
    if (!floor)
        return;
    pthread_mutex_destroy(&floor->mutex);
    free(floor->path);
    free(floor);
}

int64_t generation_floor_get(const struct generation_floor *floor)
{
    return atomic_load(&floor->generation);
}

static void raise_to(struct generation_floor *floor, int64_t generation)
{
    pthread_mutex_lock(&floor->mutex);
    if (generation > atomic_load(&floor->generation)) {
        write_record(floor->path, generation);
        atomic_store(&floor->generation, generation);
    }
    pthread_mutex_unlock(&floor->mutex);
}

bool generation_floor_admit(struct generation_floor *floor, int64_t generation, struct error *error)
{
    int64_t seen = atomic_load(&floor->generation);
    if (generation > seen)
        raise_to(floor, generation);
    return generation >= seen ||
           fail(error, ERR_UNAVAILABLE,
                "The access keys in the database are older (generation %lld) than those that this "
                "node has seen (%lld): the database was put back to an older state, in which keys "
                "that were deleted since would work again. If you restored it on purpose, stop the "
                "server, delete %s, start it, and delete those keys again.",
                (long long)generation, (long long)seen, floor->path);
}

void generation_floor_forget(const char *dir)
{
    char *path = record_path(dir);
    unlink(path);
    free(path);
}

/* A pipe or a socket that polls as writable takes LOG_PIECE_MAX bytes at once; files always do. */
#include "base/log_output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

enum { LOG_PIECE_MAX = PIPE_BUF };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows, and the order */
static bool losing;
static _Atomic int64_t lines_lost;

static bool has_room(int wait_ms)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    int result;
    do
        result = poll(&out, 1, wait_ms);
    while (result < 0 && errno == EINTR);
    return result > 0;
}

/* What cannot be written because the reader is gone for good is not counted as lost. */
static bool write_line(struct str line)
{
    while (line.len > 0) {
        size_t piece = line.len < LOG_PIECE_MAX ? line.len : LOG_PIECE_MAX;
        if (!has_room(losing ? 0 : LOG_WAIT_MS))
            return false;
        ssize_t written = write(STDERR_FILENO, line.data, piece);
        if (written < 0)
            return true;
        line = (struct str){line.data + written, line.len - (size_t)written};
    }
    return true;
}

bool log_output(struct str line)
{
    pthread_mutex_lock(&lock);
    bool lost_before = losing;
    losing = !write_line(line);
    if (losing)
        lines_lost++;
    bool found_again = lost_before && !losing;
    pthread_mutex_unlock(&lock);
    return found_again;
}

int64_t log_lines_lost(void)
{
    return lines_lost;
}

/* Preloaded into a server: its wall clock is off by as many milliseconds as the file of
 * HEADGATE_TEST_CLOCK says, a 64-bit number that a test may change at any time. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { BILLION = 1000000000, MILLION = 1000000, THOUSAND = 1000 };

static int (*real)(clockid_t, struct timespec *);
static const volatile int64_t *off_by_ms;

__attribute__((constructor)) static void open_file(void)
{
    const char *path = getenv("HEADGATE_TEST_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    off_by_ms = mapped == MAP_FAILED ? NULL : mapped;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, now);
    if (id == CLOCK_REALTIME && off_by_ms) {
        int64_t ms = *off_by_ms, ns = now->tv_nsec + ms % THOUSAND * MILLION;
        now->tv_sec += ms / THOUSAND + (ns < 0 ? -1 : ns / BILLION);
        now->tv_nsec = ns < 0 ? ns + BILLION : ns % BILLION;
    }
    return result;
}

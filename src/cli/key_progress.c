/* The bar is one line, written over itself at most ten times a second. */
#include "cli/key_progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 30, DRAW_MS = 100, LINES_FROM = 1000 };

void progress_begin(struct progress_bar *progress, const char *what, size_t total)
{
    *progress = (struct progress_bar){
        .what = what,
        .total = total,
        .begun_ms = clock_mono_ms(),
        .is_terminal = isatty(STDERR_FILENO),
    };
}

static size_t rate(const struct progress_bar *progress)
{
    int64_t took_ms = clock_mono_ms() - progress->begun_ms;
    return took_ms > 0 ? progress->done * 1000 / (size_t)took_ms : progress->done;
}

static void draw(struct progress_bar *progress)
{
    char bar[BAR_WIDTH + 1];
    size_t filled = progress->total > 0 ? progress->done * BAR_WIDTH / progress->total : BAR_WIDTH;
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', filled < BAR_WIDTH ? filled : BAR_WIDTH);
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %zu of %zu %s, %zu/s\x1b[K", bar, progress->done, progress->total,
            progress->what, rate(progress));
}

void progress_set(struct progress_bar *progress, size_t done)
{
    int64_t now_ms = clock_mono_ms();
    progress->done = done;
    if (done > progress->total)
        progress->total = done;
    if (progress->is_terminal) {
        if (now_ms - progress->drawn_ms < DRAW_MS)
            return;
        progress->drawn_ms = now_ms;
        draw(progress);
        return;
    }
    size_t tenths = progress->total > 0 ? done * 10 / progress->total : 0;
    if (tenths > progress->tenths && progress->total >= LINES_FROM)
        fprintf(stderr, "%zu of %zu %s\n", done, progress->total, progress->what);
    progress->tenths = tenths;
}

void progress_end(struct progress_bar *progress)
{
    if (progress->is_terminal)
        fprintf(stderr, "\r\x1b[K");
}

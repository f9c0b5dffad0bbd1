/* A process's standard output and error as lines of the server's log, with the id of the call that
 * it has, or had last. A line is cut, a process that writes more lines than LINES_MAX in a second
 * loses what is beyond, and secrets that it was given are removed. */
#include "base/clock.h"
#include "base/log.h"
#include "connector/custom/local_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LINES_MAX = 100, /* of one process in a second */
    WINDOW_MS = 1000,
    PIECE_SIZE = 16 * 1024,
    PIECES_MAX = 8, /* in one turn: then other processes have theirs */
    NAME_SIZE = LOCAL_NAME_SIZE + 32,
};

/* What the log says before a line, and the line without secrets. They are copied, so that the
 * search holds no lock: calls of all accounts wait for it. */
static struct str prepare(struct process *process, struct str line, struct arena *arena,
                          char name[NAME_SIZE], char id[FUNCTION_ID_SIZE])
{
    struct redaction secrets;
    pthread_mutex_lock(&process->runner->lock);
    const struct local_function *function = process->group->function;
    snprintf(name, NAME_SIZE, "Function %s[%d]", function ? function->name : "(removed)",
             (int)process->pid);
    memcpy(id, process->last_id, FUNCTION_ID_SIZE);
    process_secrets(process, arena, &secrets);
    pthread_mutex_unlock(&process->runner->lock);
    return redact(&secrets, line);
}

static void log_line(struct process *process, struct str line, bool cut)
{
    _cleanup_(arena_done) struct arena arena = {0};
    char name[NAME_SIZE], id[FUNCTION_ID_SIZE];
    struct str shown = prepare(process, line, &arena, name, id);
    log_write(LOG_INFO, id[0] ? str_from(id) : STR_NULL, "%s: %.*s%s", name, STR_ARG(shown),
              cut ? " [cut]" : "");
}

static void log_left_out(struct process *process)
{
    struct process_output *out = &process->out;
    char text[80];
    if (out->left_out == 0)
        return;
    snprintf(text, sizeof(text), "[%zu lines were left out, as they came too fast]", out->left_out);
    out->left_out = 0;
    log_line(process, str_from(text), false);
}

static void end_line(struct process *process)
{
    struct process_output *out = &process->out;
    int64_t now_ms = clock_mono_ms();
    if (now_ms - out->window_ms >= WINDOW_MS) {
        log_left_out(process);
        out->window_ms = now_ms;
        out->lines = 0;
    }
    if (out->len > 0 && out->lines++ < LINES_MAX)
        log_line(process, (struct str){out->line, out->len}, out->cut);
    else if (out->len > 0)
        out->left_out++;
    explicit_bzero(out->line, out->len);
    out->len = 0;
    out->cut = false;
}

static void add(struct process *process, const char *data, size_t size)
{
    struct process_output *out = &process->out;
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n' || data[i] == '\r')
            end_line(process);
        else if (out->len < PROCESS_LINE_MAX)
            out->line[out->len++] = data[i];
        else
            out->cut = true;
    }
}

bool process_output_read(struct process *process)
{
    char piece[PIECE_SIZE];
    ssize_t size = 1;
    for (int i = 0; i < PIECES_MAX && size > 0; i++) {
        size = read(process->output, piece, sizeof(piece));
        if (size > 0)
            add(process, piece, (size_t)size);
    }
    explicit_bzero(piece, sizeof(piece));
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

void process_output_end(struct process *process)
{
    end_line(process);
    log_left_out(process);
}

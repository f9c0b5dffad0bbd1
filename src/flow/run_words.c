/* Counts in sentences. */
#include "flow/run_words.h"

#include "base/buf.h"

enum { WORDS_MAX = 1024 };

static void add_failures(const struct flow_run_row *row, const struct flow_progress *progress,
                         struct buf *words)
{
    unsigned long long refused = progress->left_out[LEFT_REFUSED];
    unsigned long long unknown = progress->left_out[LEFT_UNKNOWN];
    buf_printf(words,
               "%llu of %lld records were left out, %llu of them because they could not be read.",
               (unsigned long long)flow_progress_failures(progress), (long long)row->counts.records,
               (unsigned long long)progress->left_out[LEFT_UNREADABLE]);
    if (refused > 0)
        buf_printf(words, " The destination refused %llu.", refused);
    if (unknown > 0)
        buf_printf(words, " Of %llu it is unknown whether the destination took them.", unknown);
    buf_printf(words, " \"headgate flow runs %.*s --manifest\" names the first ones.",
               STR_ARG(row->flow.name));
}

struct str run_words_of_success(const struct flow_run_row *row,
                                const struct flow_progress *progress, struct arena *arena)
{
    struct buf words = buf_in(arena, WORDS_MAX);
    if (flow_progress_failures(progress) > 0)
        add_failures(row, progress, &words);
    if (progress->twice > 0)
        buf_printf(&words,
                   "%s%llu records may have been inserted twice, since a try of the run was cut "
                   "off while it inserted them.",
                   words.len > 0 ? " " : "", (unsigned long long)progress->twice);
    return words.len > 0 ? buf_str(&words) : STR_NULL;
}

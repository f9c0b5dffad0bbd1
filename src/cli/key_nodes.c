/* A question, the answers to it, and what each of them lacks (api/key_state.h). */
#include "cli/key_nodes.h"

#include "api/key_state.h"
#include "base/clock.h"

#include <stdio.h>

enum { POLL_MS = 100, AGAIN_MS = 1000 };

struct answers {
    struct key_answer *rows;
    size_t count;
};

/* A node with a keyring command runs it before it answers. */
static int64_t answer_ms(const struct data_dir *data)
{
    return keyring_has_file(data->keys.keyring) ? KEY_ANSWER_MS : KEY_COMMAND_ANSWER_MS;
}

/* The one server of a data directory answers once; how many nodes a database has is not known, so
 * they get time after the last answer. */
static bool collect(const struct data_dir *data, int64_t question, struct arena *arena,
                    struct answers *ret_answers, struct error *error)
{
    bool is_remote = store_is_remote(data->store);
    int64_t until_ms = clock_mono_ms() + (is_remote ? answer_ms(data) : KEY_FIRST_ANSWER_MS);
    size_t before = 0;
    *ret_answers = (struct answers){0};
    while (clock_mono_ms() < until_ms && store_may_have_server(data->store)) {
        arena_reset(arena);
        if (!key_answers_list(data->store, question, arena, &ret_answers->rows, &ret_answers->count,
                              error))
            return false;
        if (!is_remote && ret_answers->count > 0)
            return true;
        if (ret_answers->count > before)
            until_ms = clock_mono_ms() + answer_ms(data);
        before = ret_answers->count;
        clock_nap_us(POLL_MS * 1000);
    }
    return is_remote || !store_may_have_server(data->store) ||
           fail(error, ERR_UNAVAILABLE,
                "A server uses the data directory %s, but does not answer: it may be of an older "
                "version, or its database may fail. Start it again, then run this command again.",
                data->path);
}

static bool has_id(struct str ids, struct str id)
{
    struct str one, rest = ids;
    while (str_cut(rest, ',', &one, &rest)) {
        if (str_eq(one, id))
            return true;
    }
    return str_eq(rest, id);
}

static bool fulfils(const struct key_answer *answer, enum key_wish wish, struct str id)
{
    return wish == KEY_IS_IN_USE ? str_eq(answer->in_use, id) : has_id(answer->ids, id);
}

static size_t print_lacking(const struct answers *answers, enum key_wish wish, struct str id,
                            bool print)
{
    size_t lacking = 0;
    for (size_t i = 0; i < answers->count; i++) {
        const struct key_answer *answer = &answers->rows[i];
        if (fulfils(answer, wish, id))
            continue;
        lacking++;
        if (print)
            printf("Waiting for the server on %.*s: %s key %.*s%s\n", STR_ARG(answer->node),
                   wish == KEY_IS_IN_USE ? "it does not seal with" : "its keyring does not have",
                   STR_ARG(id),
                   wish == KEY_IS_IN_USE ? " yet." : " yet. Copy this keyring to its machine.");
    }
    fflush(stdout);
    return lacking;
}

/* One question. */
static bool ask(const struct data_dir *data, enum key_wish wish, struct str id, bool print,
                size_t *ret_nodes, size_t *ret_lacking, struct error *error)
{
    struct arena arena = {0};
    struct answers answers = {0};
    int64_t question;
    bool ok = key_question_ask(data->store, &question, error) &&
              collect(data, question, &arena, &answers, error);
    *ret_nodes = answers.count;
    *ret_lacking = ok ? print_lacking(&answers, wish, id, print) : 0;
    arena_done(&arena);
    return ok;
}

bool key_nodes_wait(const struct data_dir *data, enum key_wish wish, struct str id,
                    int64_t limit_ms, size_t *ret_nodes, struct error *error)
{
    int64_t until_ms = clock_mono_ms() + limit_ms;
    size_t lacking = 0, before = 0;
    do {
        if (lacking > 0)
            clock_nap_us(AGAIN_MS * 1000);
        before = lacking;
        if (!ask(data, wish, id, before == 0, ret_nodes, &lacking, error))
            return false;
    } while (lacking > 0 && clock_mono_ms() < until_ms);
    return lacking == 0 ||
           fail(error, ERR_UNAVAILABLE,
                "%zu of %zu servers %s key %.*s. Nothing is lost: see to them, then run this "
                "command again; it continues where it was.",
                lacking, *ret_nodes, wish == KEY_IS_IN_USE ? "do not seal with" : "do not have",
                STR_ARG(id));
}

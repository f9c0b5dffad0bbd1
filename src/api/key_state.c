/* The row: "ID SINCE-MS QUESTION renewing|done", with "-" for no id. An answer: "QUESTION ID IDS
 * NAME". */
#include "api/key_state.h"

#include "base/clock.h"
#include "store/meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 96, CHANGE_ATTEMPTS = 20 };

#define ROW_NAME STR("keyring")
#define NODE_PREFIX "keyring-node-"
#define NODE_FIRST STR(NODE_PREFIX)
#define NODE_LAST STR(NODE_PREFIX "~")

/* --- the row --- */

static bool parse_state(struct str text, struct key_state *ret_state)
{
    struct str id, since, question, phase;
    unsigned long long since_ms, number;
    *ret_state = (struct key_state){.since_ms = 0};
    if (!str_cut(text, ' ', &id, &text) || !str_cut(text, ' ', &since, &text) ||
        !str_cut(text, ' ', &question, &phase) || !str_to_u64(since, INT64_MAX, &since_ms) ||
        !str_to_u64(question, INT64_MAX, &number))
        return false;
    if (id.len == KEYRING_ID_SIZE)
        memcpy(ret_state->in_use, id.data, KEYRING_ID_SIZE);
    ret_state->since_ms = (int64_t)since_ms;
    ret_state->question = (int64_t)number;
    ret_state->is_renewing = str_eq(phase, STR("renewing"));
    return true;
}

static struct str print_state(const struct key_state *state, char out[TEXT_SIZE])
{
    snprintf(out, TEXT_SIZE, "%s %lld %lld %s", *state->in_use ? state->in_use : "-",
             (long long)state->since_ms, (long long)state->question,
             state->is_renewing ? "renewing" : "done");
    return str_from(out);
}

/* One row by its key, so a node's look waits for no connection of the pool. */
static bool read_row(struct store *store, struct arena *arena, struct str *ret_text,
                     struct key_state *ret_state, struct error *error)
{
    struct store_reader *reader;
    *ret_state = (struct key_state){.since_ms = 0};
    if (!store_point_reader_take(store, &reader, error))
        return false;
    bool ok = meta_get(reader, arena, ROW_NAME, ret_text, error);
    store_point_reader_put(store, reader);
    if (ok && ret_text->data && !parse_state(*ret_text, ret_state))
        return fail(error, ERR_INTERNAL,
                    "What the store says about the key in use cannot be read: restore the row "
                    "\"keyring\" of the table meta from a backup.");
    return ok;
}

bool key_state_read(struct store *store, struct key_state *ret_state, struct error *error)
{
    struct arena arena = {0};
    struct str text;
    bool ok = read_row(store, &arena, &text, ret_state, error);
    arena_done(&arena);
    return ok;
}

void key_state_heed(const struct key_state *state, struct keyring *keyring)
{
    if (*state->in_use)
        (void)keyring_use(keyring, str_from(state->in_use));
}

/* --- changes of the row --- */

struct state_change {
    struct str old; /* STR_NULL: there is no row */
    struct str text;
    bool asks; /* earlier answers go */
    store_apply_fn *also;
    void *argument;
};

static bool apply_change(struct db *db, void *argument, struct error *error)
{
    const struct state_change *change = argument;
    bool done;
    bool ok = change->old.data ? meta_replace(db, ROW_NAME, change->old, change->text, &done, error)
                               : meta_put_once(db, ROW_NAME, change->text, &done, error);
    if (!ok)
        return false;
    if (!done)
        return fail(error, ERR_LOST_RACE, "Another process changed the key in use.");
    if (change->asks && !meta_delete_between(db, NODE_FIRST, NODE_LAST, error))
        return false;
    return !change->also || change->also(db, change->argument, error);
}

/* From the key in use `expected` to `next`; question and time stay unless `next` has them. */
static bool change_state(struct store *store, struct str expected, const struct key_state *next,
                         struct state_change *change, bool scrub, struct error *error)
{
    struct arena arena = {0};
    struct key_state now, then = *next;
    char text[TEXT_SIZE];
    bool ok = read_row(store, &arena, &change->old, &now, error);
    if (ok && !str_eq(str_from(now.in_use), expected))
        ok = fail(error, ERR_LOST_RACE, "Another process changed the key in use.");
    if (ok) {
        then.question = now.question;
        if (then.since_ms == 0)
            then.since_ms = now.since_ms;
        change->text = print_state(&then, text);
        ok = store_apply(store, apply_change, change, scrub, error);
    }
    arena_done(&arena);
    return ok;
}

static struct key_state state_of(struct str id)
{
    struct key_state state = {.since_ms = 0};
    memcpy(state.in_use, id.data, KEYRING_ID_SIZE);
    return state;
}

bool key_state_begin(struct store *store, struct str id, struct error *error)
{
    struct key_state next = state_of(id);
    struct state_change change = {.also = NULL};
    next.since_ms = clock_wall_ms();
    return change_state(store, STR(""), &next, &change, false, error);
}

bool key_state_use(struct store *store, struct str expected, struct str id, store_apply_fn *also,
                   void *argument, struct error *error)
{
    struct key_state next = state_of(id);
    struct state_change change = {.also = also, .argument = argument};
    next.since_ms = clock_wall_ms();
    next.is_renewing = true;
    return change_state(store, expected, &next, &change, false, error);
}

bool key_state_end(struct store *store, struct str expected, store_apply_fn *also, void *argument,
                   struct error *error)
{
    struct key_state next = state_of(expected);
    struct state_change change = {.also = also, .argument = argument};
    return change_state(store, expected, &next, &change, true, error);
}

static bool try_ask(struct store *store, int64_t *ret_question, struct error *error)
{
    struct arena arena = {0};
    struct key_state state;
    struct state_change change = {.asks = true};
    char text[TEXT_SIZE];
    bool ok = read_row(store, &arena, &change.old, &state, error);
    if (ok) {
        int64_t now_ms = clock_wall_ms();
        state.question = now_ms > state.question ? now_ms : state.question + 1;
        *ret_question = state.question;
        change.text = print_state(&state, text);
        ok = store_apply(store, apply_change, &change, false, error);
    }
    arena_done(&arena);
    return ok;
}

bool key_question_ask(struct store *store, int64_t *ret_question, struct error *error)
{
    for (int i = 0; i < CHANGE_ATTEMPTS; i++) {
        *error = (struct error){0};
        if (try_ask(store, ret_question, error))
            return true;
        if (error->code != ERR_LOST_RACE)
            return false;
    }
    return false;
}

/* --- answers --- */

struct answer_row {
    struct str name, text;
};

static bool apply_answer(struct db *db, void *argument, struct error *error)
{
    const struct answer_row *row = argument;
    return meta_put(db, row->name, row->text, error);
}

bool key_answer_put(struct store *store, const char *node_id, const struct key_answer *answer,
                    struct error *error)
{
    struct arena arena = {0};
    struct answer_row row = {
        .name = arena_printf(&arena, NODE_PREFIX "%s", node_id),
        .text = arena_printf(&arena, "%lld %.*s %.*s %.*s", (long long)answer->question,
                             STR_ARG(answer->in_use), STR_ARG(answer->ids), STR_ARG(answer->node)),
    };
    bool ok = store_apply(store, apply_answer, &row, false, error);
    arena_done(&arena);
    return ok;
}

static bool parse_answer(struct str text, struct key_answer *ret_answer)
{
    struct str number;
    unsigned long long question;
    if (!str_cut(text, ' ', &number, &text) || !str_to_u64(number, INT64_MAX, &question) ||
        !str_cut(text, ' ', &ret_answer->in_use, &text) ||
        !str_cut(text, ' ', &ret_answer->ids, &ret_answer->node))
        return false;
    ret_answer->question = (int64_t)question;
    return true;
}

bool key_answers_list(struct store *store, int64_t question, struct arena *arena,
                      struct key_answer **ret_answers, size_t *ret_count, struct error *error)
{
    struct store_reader *reader;
    struct meta_value *values;
    size_t count = 0;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = meta_list(reader, arena, NODE_FIRST, NODE_LAST, &values, &count, error);
    store_reader_put(store, reader);
    *ret_count = 0;
    if (!ok)
        return false;
    *ret_answers = arena_array(arena, struct key_answer, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct key_answer *answer = &(*ret_answers)[*ret_count];
        if (parse_answer(values[i].value, answer) && answer->question == question)
            (*ret_count)++;
    }
    return true;
}

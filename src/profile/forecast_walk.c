/* Pages of whole rows: one query a page, so that a database across a network answers once a page.
 */
#include "profile/forecast_walk.h"

#include "base/clock.h"
#include "work/pool.h"

enum { PAGE = 200 };

struct forecast_pages {
    struct store *store;
    const struct keyring *keyring;
    const struct forecast_walk *walk;
    int64_t now_ms;
    bool stopped;
    struct arena cursor; /* of the key that the next page begins behind */
    struct profile_key after;
};

static bool is_chosen(const struct forecast_walk *walk, const struct profile_key *key)
{
    return (!walk->account.data || str_eq(walk->account, key->account)) &&
           (!walk->region.data || str_eq(walk->region, key->region));
}

static void visit_row(struct forecast_pages *pages, const struct stored_credentials_row *row,
                      struct arena *arena)
{
    const struct forecast_walk *walk = pages->walk;
    struct profile_forecast forecast;
    struct error why = {0};
    const struct stored_credentials stored = {
        .profile = &row->profile,
        .tokens = row->has_tokens ? &row->tokens : NULL,
        .state = row->has_state ? &row->state : NULL,
        .asked = &row->asked,
    };
    if (!is_chosen(walk, &row->profile.key))
        return;
    if (!profile_forecast(pages->keyring, &stored, pages->now_ms, arena, &forecast, &why))
        forecast = (struct profile_forecast){.state = FORECAST_UNREADABLE};
    pages->stopped = !walk->visit(walk->context, row, &forecast);
}

static void move_cursor(struct forecast_pages *pages, struct profile_key key)
{
    struct arena arena = {0};
    pages->after = profile_key_copy(&arena, key);
    arena_done(&pages->cursor);
    pages->cursor = arena;
}

static bool read_page(struct forecast_pages *pages, struct arena *arena,
                      struct stored_credentials_row **ret_rows, size_t *ret_count,
                      struct error *error)
{
    struct store_reader *reader;
    if (!store_reader_take(pages->store, &reader, error))
        return false;
    bool ok = stored_credentials_list(reader, arena, pages->after, pages->walk->name, PAGE,
                                      ret_rows, ret_count, error);
    store_reader_put(pages->store, reader);
    return ok;
}

static bool visit_page(struct forecast_pages *pages, size_t *ret_count, struct error *error)
{
    struct arena arena = {0}, opened = {0};
    struct stored_credentials_row *rows;
    bool ok = read_page(pages, &arena, &rows, ret_count, error);
    pool_compute_begin(pages->walk->workers);
    for (size_t i = 0; ok && !pages->stopped && i < *ret_count; i++) {
        visit_row(pages, &rows[i], &opened);
        arena_reset(&opened);
    }
    pool_compute_end();
    if (ok && *ret_count > 0)
        move_cursor(pages, rows[*ret_count - 1].profile.key);
    arena_done(&opened);
    arena_done(&arena);
    return ok;
}

bool forecast_walk(struct store *store, const struct keyring *keyring,
                   const struct forecast_walk *walk, struct error *error)
{
    struct forecast_pages pages = {store, keyring, walk, clock_wall_ms(),
                                   .after = {STR(""), STR(""), STR("")}};
    size_t count = PAGE;
    bool ok = true;
    while (ok && !pages.stopped && count == PAGE) {
        ok = visit_page(&pages, &count, error);
        if (ok && walk->page_end)
            pages.stopped |= !walk->page_end(walk->context);
    }
    arena_done(&pages.cursor);
    return ok;
}

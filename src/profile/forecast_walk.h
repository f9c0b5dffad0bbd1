/* The forecasts of all stored profiles, page by page. */
#pragma once

#include "profile/forecast.h"
#include "store/core/store.h"
#include "store/stored_credentials.h"

struct pool;

/* `row` and `forecast` live until it returns; the state is FORECAST_UNREADABLE when the row does
 * not open. False: stop. */
typedef bool forecast_visit(void *context, const struct stored_credentials_row *row,
                            const struct profile_forecast *forecast);

struct forecast_walk {
    struct str account, region, name; /* only these are opened; STR_NULL: any */
    forecast_visit *visit;
    bool (*page_end)(void *context); /* between pages; no reader is held. False: stop. NULL: none */
    void *context;
    struct pool *workers; /* a page is computed in a CPU slot of these; NULL: without one */
};

/* In the order of the keys. A reader is held while a page is read, and no longer. */
_must_use_ bool forecast_walk(struct store *store, const struct keyring *keyring,
                              const struct forecast_walk *walk, struct error *error);

/* What `headgate profile list` and `show` print. */
#pragma once

#include "profile/forecast.h"
#include "store/stored_credentials.h"

struct shown_profile {
    struct profile_key key;
    struct str connector; /* with its label: "CustomConnector crm" */
    struct str connection_mode;
    struct profile_forecast forecast;
    const struct credential_life *life;         /* NULL: the connector is not known */
    int64_t previous_until_ms, fell_back_at_ms; /* of struct profile, as the next one */
    struct str previous_refused;
    struct profile_asked asked; /* of the credentials in use; version 0: the vendor was not asked */
    size_t number;              /* in the order of the keys */
};

/* A copy in the arena. */
void shown_profile_set(struct arena *arena, const struct stored_credentials_row *row,
                       const struct profile_forecast *forecast, struct shown_profile *ret_shown);

void shown_profiles_print(struct arena *arena, const struct shown_profile *rows, size_t count);
void shown_profiles_print_json(struct arena *arena, const struct shown_profile *rows, size_t count);
void shown_profile_print(struct arena *arena, const struct shown_profile *shown, bool json);

/* headgate profile list and show: until when credentials work, from what is stored. */
#include "cli/command.h"
#include "cli/data_dir.h"
#include "cli/profile_name.h"
#include "cli/profile_print.h"
#include "cli/token_policy_option.h"
#include "cli/values.h"

#include "base/clock.h"
#include "profile/forecast_walk.h"
#include "vault/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS (24 * 60 * 60 * 1000LL)

enum { DAYS_MAX = 3650 };

#define CHOICE_OPTIONS                                                                             \
    {.name = "account",                                                                            \
     .argument = "N",                                                                              \
     .heading = "Selection",                                                                       \
     .check = check_account,                                                                       \
     .help = "Only profiles of this AWS account, 12 digits"},                                      \
    {                                                                                              \
        .name = "region", .argument = "REGION", .check = check_region,                             \
        .help = "Only profiles of this region"                                                     \
    }

static const struct option list_table[] = {
    CHOICE_OPTIONS,
    {.name = "within",
     .kind = OPTION_NUMBER,
     .argument = "DAYS",
     .least = 0,
     .most = DAYS_MAX,
     .help = "Only profiles that end within so many days, or have ended"},
    {.name = "json", .kind = OPTION_FLAG, .heading = "Output", .help = "Print JSON lines"},
    TOKEN_POLICY_OPTION,
    DATA_LOOK_OPTIONS,
    {0},
};

static const struct option show_table[] = {
    PROFILE_NAME_OPTION,
    CHOICE_OPTIONS,
    {.name = "json", .kind = OPTION_FLAG, .heading = "Output", .help = "Print one JSON object"},
    TOKEN_POLICY_OPTION,
    DATA_LOOK_OPTIONS,
    {0},
};

/* What is chosen, and what was found. */
struct choice {
    struct str name;  /* STR_NULL: any */
    int64_t until_ms; /* 0: any */
    struct arena arena;
    struct shown_profile *rows;
    size_t count, room;
};

static bool ends_in_time(const struct choice *choice, const struct profile_forecast *forecast)
{
    return choice->until_ms == 0 || forecast->state == FORECAST_UNREADABLE ||
           (forecast->works_until_ms != 0 && forecast->works_until_ms <= choice->until_ms);
}

static bool visit(void *context, const struct stored_credentials_row *row,
                  const struct profile_forecast *forecast)
{
    struct choice *choice = context;
    if (!ends_in_time(choice, forecast))
        return true;
    if (choice->count == choice->room) {
        size_t room = choice->room > 0 ? 2 * choice->room : 64;
        struct shown_profile *rows = arena_array(&choice->arena, struct shown_profile, room);
        if (choice->count > 0)
            memcpy(rows, choice->rows, choice->count * sizeof(*rows));
        choice->rows = rows;
        choice->room = room;
    }
    shown_profile_set(&choice->arena, row, forecast, &choice->rows[choice->count++]);
    return true;
}

static bool find(const struct options *options, struct choice *choice, struct error *error)
{
    struct data_dir data = {0};
    const struct forecast_walk walk = {
        .account = str_from(options_text(options, "account")),
        .region = str_from(options_text(options, "region")),
        .name = choice->name,
        .visit = visit,
        .context = choice,
    };
    bool ok = token_policy_options_apply(options, error) &&
              data_dir_open(options, DATA_LOOK, &data, error) &&
              forecast_walk(data.store, data.keys.keyring, &walk, error);
    data_dir_close(&data);
    return ok;
}

/* --- list --- */

static int64_t end_of(const struct shown_profile *row)
{
    return row->forecast.works_until_ms != 0 ? row->forecast.works_until_ms : INT64_MAX;
}

/* What cannot work first, then what ends first; the rest stays in the order of the keys. */
static int compare(const void *left, const void *right)
{
    const struct shown_profile *a = left, *b = right;
    int state_a = a->forecast.state < FORECAST_DUE ? (int)a->forecast.state : FORECAST_DUE;
    int state_b = b->forecast.state < FORECAST_DUE ? (int)b->forecast.state : FORECAST_DUE;
    if (state_a != state_b)
        return state_a < state_b ? -1 : 1;
    if (end_of(a) != end_of(b))
        return end_of(a) < end_of(b) ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

static int list(const struct options *options)
{
    struct choice choice = {.name = STR_NULL};
    struct error error = {0};
    secret_init();
    if (options_text(options, "within"))
        choice.until_ms = clock_wall_ms() + DAY_MS * options_number(options, "within");
    bool ok = find(options, &choice, &error);
    for (size_t i = 0; i < choice.count; i++)
        choice.rows[i].number = i;
    if (ok && choice.count > 1)
        qsort(choice.rows, choice.count, sizeof(*choice.rows), compare);
    if (ok && options_flag(options, "json"))
        shown_profiles_print_json(&choice.arena, choice.rows, choice.count);
    else if (ok)
        shown_profiles_print(&choice.arena, choice.rows, choice.count);
    arena_done(&choice.arena);
    return ok ? EXIT_OK : command_failed(&error);
}

const struct command profile_list_command = {
    .name = "profile list",
    .summary = "List connector profiles, those first whose credentials end first",
    .about =
        "Prints of each profile until when its credentials work, because of what, and how sure "
        "that is: known (the vendor said it), asked (the server asks from time to time), "
        "documented (the vendor's default), announced (a date "
        "for all customers), assumed (it may not apply), unknown. Computed from what is stored, "
        "without asking a vendor: \"profile verify\" asks. Times are in UTC. Works beside a "
        "running server.",
    .examples = "headgate profile list --data headgate-data\n"
                "headgate profile list --data headgate-data --within 30 --json",
    .options = list_table,
    .check = data_options_check,
    .run = list,
};

/* --- show --- */

static bool check_one(const struct choice *choice, struct error *error)
{
    if (choice->count == 0)
        return fail(error, ERR_NOT_FOUND, "There is no connector profile %.*s.",
                    STR_ARG(choice->name));
    return choice->count == 1 ||
           fail(error, ERR_NOT_FOUND,
                "%zu connector profiles have the name %.*s: choose with --account and --region.",
                choice->count, STR_ARG(choice->name));
}

static int show(const struct options *options)
{
    struct choice choice = {.name = profile_name(options)};
    struct error error = {0};
    secret_init();
    bool ok = find(options, &choice, &error) && check_one(&choice, &error);
    if (ok)
        shown_profile_print(&choice.arena, &choice.rows[0], options_flag(options, "json"));
    arena_done(&choice.arena);
    return ok ? EXIT_OK : command_failed(&error);
}

const struct command profile_show_command = {
    .name = "profile show",
    .summary = "Show what a connector profile's credentials are, and until when they work",
    .about = "Prints each credential: its kind, when it was got, when the vendor said that it "
             "ends, until when it works, because of what, and how sure that is; what the vendor "
             "says of its credentials; and when it last accepted them. No secret is shown.",
    .examples = "headgate profile show crm --data headgate-data\n"
                "headgate profile show crm --data headgate-data --account 123456789012 --json",
    .options = show_table,
    .check = data_options_check,
    .run = show,
};

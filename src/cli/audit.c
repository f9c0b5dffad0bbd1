/* headgate audit: who changed what, and with what outcome. Lists in the order of time.
 * --follow reads each chain from where it stopped, so that it does not miss an entry that another
 * node commits late. */
#include "cli/audit_print.h"
#include "cli/command.h"
#include "cli/data_command.h"
#include "cli/data_dir.h"

#include "base/clock.h"
#include "base/time_text.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    AUDIT_LIMIT_MAX = 1000000,
    FOLLOW_PAUSE_S = 1,
    HOURS_KEPT = 90 * 24,
    SINCE_COUNT_MAX = 999999, /* of days at most */
    HOUR_MS = 60 * 60 * 1000,
};

/* --- options --- */

/* "2026-01-31", "2026-01-31T23:59:59Z" (UTC), or how long ago: "90s", "30m", "12h", "7d". */
static bool parse_since(const char *text, int64_t now_ms, int64_t *ret_ms)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60 * 1000}, {'h', HOUR_MS}, {'d', 24LL * HOUR_MS}};
    size_t len = strlen(text);
    unsigned long long count;
    if (len > 1 && str_to_u64((struct str){text, len - 1}, SINCE_COUNT_MAX, &count)) {
        for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
            *ret_ms = now_ms - (int64_t)count * units[i].ms;
            if (units[i].unit == text[len - 1])
                return true;
        }
    }
    struct time_text time;
    bool ok = time_text_read((struct str){text, len}, TIME_TEXT_DAY, &time);
    *ret_ms = time.us / 1000;
    return ok;
}

static bool check_since(const char *text, struct error *expected)
{
    int64_t ms;
    return parse_since(text, clock_wall_ms(), &ms) ||
           fail(expected, ERR_VALIDATION,
                "a time in UTC, such as 2026-01-31 or 2026-01-31T23:59:59Z, or how long ago, such "
                "as 30m, 12h or 7d");
}

static const struct option options_table[] = {
    {.name = "account",
     .argument = "N",
     .heading = "Selection",
     .check = check_account,
     .help = "Only entries of this AWS account, 12 digits; without it all, also those of no "
             "account"},
    {.name = "hours",
     .kind = OPTION_NUMBER,
     .argument = "N",
     .fallback = "24",
     .least = 1,
     .most = HOURS_KEPT,
     .help = "How far back to look; entries are kept for 90 days"},
    {.name = "since",
     .argument = "TIME",
     .check = check_since,
     .help = "Instead of --hours: 2026-01-31, 2026-01-31T23:59:59Z (UTC), or 30m, 12h, 7d ago"},
    {.name = "limit",
     .kind = OPTION_NUMBER,
     .argument = "N",
     .fallback = "1000",
     .least = 1,
     .most = AUDIT_LIMIT_MAX,
     .help = "Maximum number of entries, oldest first; not with --follow"},
    {.name = "json", .kind = OPTION_FLAG, .heading = "Output", .help = "One JSON object per line"},
    {.name = "follow",
     .kind = OPTION_FLAG,
     .help = "Go on with new entries as they are written, until interrupted"},
    DATA_LOOK_OPTIONS,
    {0},
};

/* --- listing --- */

struct audit_listing {
    struct audit_print print;
    struct store_reader *reader;
    struct arena *arena;
    struct audit_filter filter;
    size_t left;            /* to print; SIZE_MAX: no limit */
    struct audit_end *ends; /* of the chains, up to which entries were printed */
    size_t end_count;
};

/* What came after the ends were read is printed by following. */
static bool is_behind(const struct audit_listing *listing, const struct audit_row *row)
{
    for (size_t i = 0; i < listing->end_count; i++) {
        if (listing->ends[i].chain == row->chain)
            return row->number > listing->ends[i].number;
    }
    return false;
}

static bool print_page(struct audit_listing *listing, bool *ret_more, struct error *error)
{
    struct arena arena = {0};
    struct audit_row *rows;
    size_t count, limit = listing->left < AUDIT_PAGE_MAX ? listing->left : AUDIT_PAGE_MAX;
    bool ok = audit_list(listing->reader, &arena, &listing->filter, limit, &rows, &count, error);
    for (size_t i = 0; ok && i < count; i++) {
        if (!is_behind(listing, &rows[i]))
            audit_print_row(&listing->print, &rows[i]);
        listing->filter.after_ms = rows[i].entry.at_ms;
        listing->filter.after_position = audit_row_position(&rows[i]);
    }
    *ret_more = ok && count == limit && (listing->left -= count) > 0;
    arena_done(&arena);
    return ok;
}

static bool print_rows(struct audit_listing *listing, struct error *error)
{
    for (bool more = true; more;) {
        if (!print_page(listing, &more, error))
            return false;
    }
    return true;
}

/* --- following --- */

static bool print_new(struct audit_listing *listing, struct audit_end *seen, int64_t last,
                      struct error *error)
{
    struct str account = listing->filter.account;
    size_t count = 1;
    while (seen->number < last && count > 0) {
        struct arena arena = {0};
        struct audit_row *rows;
        if (!audit_read_chain(listing->reader, &arena, seen->chain, seen->number, last, &rows,
                              &count, error)) {
            arena_done(&arena);
            return false;
        }
        for (size_t i = 0; i < count; i++) {
            if (!account.data || str_eq(account, rows[i].entry.account))
                audit_print_row(&listing->print, &rows[i]);
            seen->number = rows[i].number;
        }
        arena_done(&arena);
    }
    seen->number = last;
    return true;
}

/* Chains begin with the first entry. */
static struct audit_end *end_of(struct audit_listing *listing, int64_t chain)
{
    for (size_t i = 0; i < listing->end_count; i++) {
        if (listing->ends[i].chain == chain)
            return &listing->ends[i];
    }
    struct audit_end *more = arena_array(listing->arena, struct audit_end, listing->end_count + 1);
    memcpy(more, listing->ends, listing->end_count * sizeof(*more));
    more[listing->end_count] = (struct audit_end){.chain = chain};
    listing->ends = more;
    return &listing->ends[listing->end_count++];
}

static bool print_news(struct audit_listing *listing, struct error *error)
{
    struct arena arena = {0};
    struct audit_end *ends;
    size_t count;
    bool ok = audit_ends(listing->reader, &arena, &ends, &count, error);
    for (size_t i = 0; ok && i < count; i++)
        ok = print_new(listing, end_of(listing, ends[i].chain), ends[i].number, error);
    arena_done(&arena);
    store_reader_rest(listing->reader);
    return ok;
}

/* True when the process is asked to end. */
static bool wait_or_end(void)
{
    const struct timespec pause = {.tv_sec = FOLLOW_PAUSE_S};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return sigtimedwait(&set, NULL, &pause) > 0;
}

static bool follow(struct audit_listing *listing, struct error *error)
{
    while (fflush(stdout) == 0 && !wait_or_end()) {
        if (!print_news(listing, error))
            return false;
    }
    return true;
}

static bool print_audit(const struct options *options, struct store_reader *reader,
                        struct arena *arena, struct error *error)
{
    const char *account = options_text(options, "account"), *since = options_text(options, "since");
    bool follows = options_flag(options, "follow");
    int64_t now_ms = clock_wall_ms();
    struct audit_listing listing = {
        .print = {options_flag(options, "json"), !account},
        .reader = reader,
        .arena = arena,
        .filter = {.account = account ? str_from(account) : STR_NULL,
                   .after_ms = now_ms - options_number(options, "hours") * HOUR_MS,
                   .after_position = -1},
        .left = follows ? SIZE_MAX : (size_t)options_number(options, "limit"),
    };
    if (since && !parse_since(since, now_ms, &listing.filter.after_ms))
        return false;
    if (follows && !audit_ends(reader, arena, &listing.ends, &listing.end_count, error))
        return false;
    if (!print_rows(&listing, error))
        return false;
    store_reader_rest(reader);
    return !follows || follow(&listing, error);
}

static int audit(const struct options *options)
{
    return data_show(options, print_audit);
}

const struct command audit_command = {
    .name = "audit",
    .summary = "List changes and management actions",
    .about = "Lists changes to connector profiles and management actions (access keys, OAuth apps, "
             "keyring, restores, upgrades), one per line: time, account, region, access key or "
             "user of the machine, operation, resource, outcome; the reason of a failure follows "
             "on the next line. Works beside a running server.\n"
             "\"headgate audit verify\" checks that no entry was changed, moved or removed.",
    .examples = "headgate audit --data headgate-data --account 123456789012 --hours 48\n"
                "headgate audit --data headgate-data --since 7d --json\n"
                "headgate audit --data headgate-data --json --follow",
    .options = options_table,
    .check = data_options_check,
    .run = audit,
};

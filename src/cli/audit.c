/* headgate audit: changes to profiles, with access key and outcome. */
#include "cli/command.h"
#include "cli/data_command.h"
#include "cli/data_dir.h"

#include "base/clock.h"
#include "store/audit.h"

#include <stdio.h>

enum { AUDIT_LIMIT_MAX = 100000, HOUR_MS = 60 * 60 * 1000 };

static const struct option options_table[] = {
    {.name = "account",
     .argument = "N",
     .required = true,
     .heading = "Selection",
     .check = check_account,
     .help = "AWS account whose changes to list, 12 digits"},
    {.name = "hours",
     .kind = OPTION_NUMBER,
     .argument = "N",
     .fallback = "24",
     .least = 1,
     .most = 90 * 24,
     .help = "How far back to look; entries are kept for 90 days"},
    {.name = "limit",
     .kind = OPTION_NUMBER,
     .argument = "N",
     .fallback = "1000",
     .least = 1,
     .most = AUDIT_LIMIT_MAX,
     .help = "Maximum number of entries, oldest first"},
    DATA_LOOK_OPTIONS,
    {0},
};

static void print_entry(const struct audit_entry *entry)
{
    char when[CLOCK_TEXT_SIZE];
    clock_text(entry->at_ms, when);
    printf("%s  %.*s  %.*s  %.*s  %.*s  %.*s\n", when, STR_ARG(entry->region),
           STR_ARG(entry->access_key_id), STR_ARG(entry->operation), STR_ARG(entry->resource),
           STR_ARG(entry->outcome));
    if (entry->detail.len > 0)
        printf("    %.*s\n", STR_ARG(entry->detail));
}

static bool print_audit(const struct options *options, struct store_reader *reader,
                        struct arena *arena, struct error *error)
{
    struct audit_entry *entries;
    size_t count = 0;
    int64_t after_ms = clock_wall_ms() - options_number(options, "hours") * HOUR_MS;
    if (!audit_list(reader, arena, str_from(options_text(options, "account")), after_ms,
                    (size_t)options_number(options, "limit"), &entries, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        print_entry(&entries[i]);
    return true;
}

static int audit(const struct options *options)
{
    return data_show(options, print_audit);
}

const struct command audit_command = {
    .name = "audit",
    .summary = "List changes to connector profiles",
    .about = "Lists changes to connector profiles, one per line: time, region, access key, "
             "operation, profile, outcome; the reason of a failure follows on the next line. "
             "Works beside a running server.",
    .examples = "headgate audit --data headgate-data --account 123456789012 --hours 48",
    .options = options_table,
    .check = data_options_check,
    .run = audit,
};

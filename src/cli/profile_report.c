/* The report of a dry run comes in a header of the answer (api/dry_run.h). */
#include "cli/profile_report.h"

#include "base/buf.h"
#include "cli/terminal.h"
#include "connector/verdict.h"
#include "wire/restjson.h"

#include <stdio.h>

#define MADE STR("The server made the change: it does not know dry runs.")

enum { REPORT_JSON_MAX = 64 * 1024, STEP_COLUMNS = 10 };

/* Verdicts that another try may change, with nothing else done. */
static bool is_undecided(struct str verdict)
{
    static const enum verdict_kind kinds[] = {VERDICT_BLOCKED, VERDICT_THROTTLED, VERDICT_BUSY,
                                              VERDICT_UNREACHABLE, VERDICT_INTERNAL};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (str_eq(verdict, str_from(verdict_kind_name(kinds[i]))))
            return true;
    }
    return false;
}

/* A dry run's success has a report. */
static bool was_made(const struct api_answer *answer)
{
    return answer->status == 200 && !answer->report.data;
}

static int exit_code(const struct api_answer *answer, struct str verdict)
{
    if (was_made(answer))
        return EXIT_FAILED;
    if (answer->status == 200)
        return EXIT_OK;
    bool accepted = str_eq(verdict, str_from(verdict_kind_name(VERDICT_ACCEPTED)));
    if (verdict.data && !accepted)
        return is_undecided(verdict) ? EXIT_UNDECIDED : EXIT_FAILED;
    return answer->status == 429 || answer->status >= 500 ? EXIT_UNDECIDED : EXIT_FAILED;
}

/* --- for people --- */

static double number_of(const struct value *structure, const char *name)
{
    const struct value *number = value_get(structure, name);
    if (!number)
        return 0;
    return number->kind == VALUE_DOUBLE ? number->real : (double)value_integer(structure, name, 0);
}

static void print_steps(const struct value *report)
{
    const struct value *steps = value_get(report, "steps");
    for (size_t i = 0; steps && i < steps->count; i++) {
        fputs("  ", stdout);
        int width = terminal_print(stdout, value_text(steps->items[i], "step"), STEP_COLUMNS);
        printf("%*s%10.1f ms\n", STEP_COLUMNS - width, "", number_of(steps->items[i], "ms"));
    }
    printf("  %-10s%10.1f ms\n", "all", number_of(report, "ms"));
}

static void print_verdict(struct str name, const struct value *report)
{
    struct str step = value_text(report, "step");
    long long status = step.len > 0 ? (long long)value_integer(report, "status", 0) : 0;
    terminal_print(stdout, name, 0);
    fputs(": ", stdout);
    terminal_print(stdout, value_text(report, "verdict"), 0);
    if (step.len > 0) {
        fputs(" at step ", stdout);
        terminal_print(stdout, step, 0);
    }
    if (status != 0)
        printf(" (HTTP %lld)", status);
    putchar('\n');
}

static void print_report(struct str name, const struct value *report)
{
    struct str message = value_text(report, "message"), hint = value_text(report, "hint");
    print_verdict(name, report);
    print_steps(report);
    if (message.len > 0)
        terminal_print_wrapped("vendor", message);
    if (hint.len > 0)
        terminal_print_wrapped("hint", hint);
}

static void print_refusal(const struct api_answer *answer)
{
    struct str message = value_text(answer->json, "message");
    fputs("headgate: ", stderr);
    terminal_print(stderr, answer->exception.len > 0 ? answer->exception : STR("HTTP"), 0);
    fputs(": ", stderr);
    terminal_print(stderr, message.len > 0 ? message : answer->body, 0);
    fputc('\n', stderr);
}

/* --- for programs --- */

static void print_json(struct arena *arena, struct str name, const struct api_answer *answer,
                       const struct value *report)
{
    struct buf json = buf_in(arena, REPORT_JSON_MAX);
    struct value *all = value_structure(arena);
    value_put_text(arena, all, "profile", name);
    for (size_t i = 0; report && i < report->count; i++)
        value_put(arena, all, arena_cstr(arena, report->names[i]), report->items[i]);
    if (answer->status != 200) {
        value_put_text(arena, all, "exception", answer->exception);
        value_put_text(arena, all, "error", value_text(answer->json, "message"));
    }
    if (was_made(answer))
        value_put_text(arena, all, "error", MADE);
    value_encode(&json, all);
    printf("%.*s\n", STR_ARG(buf_str(&json)));
}

int profile_report_print(struct arena *arena, struct str name, const struct api_answer *answer,
                         bool json)
{
    struct value *report = NULL;
    if (!answer->report.data || !json_parse(answer->report, arena, &report))
        report = NULL;
    struct str verdict = report ? value_text(report, "verdict") : STR_NULL;
    bool accepted = str_eq(verdict, str_from(verdict_kind_name(VERDICT_ACCEPTED)));
    if (json)
        print_json(arena, name, answer, report);
    else if (report)
        print_report(name, report);
    if (!json && was_made(answer))
        fprintf(stderr, "headgate: %.*s\n", STR_ARG(MADE));
    if (!json && answer->status != 200 && (!report || accepted))
        print_refusal(answer);
    return exit_code(answer, verdict);
}

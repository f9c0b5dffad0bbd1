/* What accounts have registered, and what belongs to it: each row has the MAC of the server that
 * wrote it, tags are of something that exists, and jobs are for secrets of their own account. */
#include "cli/inspect_internal.h"

#include "profile/registration.h"
#include "profile/secret_mirror.h"
#include "store/fsck.h"

#include <stdio.h>

static void cursor_set(struct cursor *cursor, struct str account, struct str region,
                       struct str name)
{
    snprintf(cursor->account, sizeof(cursor->account), "%.*s", STR_ARG(account));
    snprintf(cursor->region, sizeof(cursor->region), "%.*s", STR_ARG(region));
    snprintf(cursor->name, sizeof(cursor->name), "%.*s", STR_ARG(name));
}

static void check_row(struct inspection *look, const struct connector_row *row)
{
    struct registration registration = {.row = *row};
    struct error error = {0};
    if (!registration_open(look->inspection->service_secret, &look->arena, &registration, &error))
        inspect_problem(look, arena_printf(&look->arena, "Connector %.*s (account %.*s, %.*s): %s",
                                           STR_ARG(row->key.label), STR_ARG(row->key.account),
                                           STR_ARG(row->key.region), error.message));
}

static bool check_rows(struct inspection *look)
{
    struct cursor cursor = {0};
    struct connector_row *rows;
    size_t count;
    do {
        struct connector_key after = {str_from(cursor.account), str_from(cursor.region),
                                      str_from(cursor.name)};
        if (!connector_row_list_all(look->reader, &look->arena, after, FSCK_PAGE, &rows, &count,
                                    look->error))
            return false;
        for (size_t i = 0; i < count; i++)
            check_row(look, &rows[i]);
        if (count > 0)
            cursor_set(&cursor, rows[count - 1].key.account, rows[count - 1].key.region,
                       rows[count - 1].key.label);
        look->inspection->connectors += count;
        arena_reset(&look->arena);
    } while (count == FSCK_PAGE);
    return true;
}

static bool check_tags(struct inspection *look)
{
    struct tagged *stray;
    size_t count;
    if (!fsck_tags(look->reader, &look->arena, &look->inspection->tags, &stray, &count,
                   look->error))
        return false;
    for (size_t i = 0; i < count; i++)
        inspect_problem(
            look,
            arena_printf(&look->arena,
                         "Tags of %.*s %.*s (account %.*s, %.*s): there is no such %.*s.",
                         STR_ARG(stray[i].kind), STR_ARG(stray[i].name), STR_ARG(stray[i].account),
                         STR_ARG(stray[i].region), STR_ARG(stray[i].kind)));
    arena_reset(&look->arena);
    return true;
}

static void check_job(struct inspection *look, const struct job_row *job)
{
    const char *fault = secret_mirror_fault(job);
    if (fault)
        inspect_problem(look, arena_printf(&look->arena,
                                           "The copy of secret %.*s (account %.*s, %.*s): its job "
                                           "%s",
                                           STR_ARG(job->key.name), STR_ARG(job->key.account),
                                           STR_ARG(job->key.region), fault));
}

static bool check_jobs(struct inspection *look)
{
    struct cursor cursor = {0};
    struct job_row *rows;
    size_t count;
    do {
        struct job_key after = {secret_mirror_kind.name, str_from(cursor.account),
                                str_from(cursor.region), str_from(cursor.name)};
        if (!fsck_jobs(look->reader, &look->arena, after, &rows, &count, look->error))
            return false;
        for (size_t i = 0; i < count; i++)
            check_job(look, &rows[i]);
        if (count > 0)
            cursor_set(&cursor, rows[count - 1].key.account, rows[count - 1].key.region,
                       rows[count - 1].key.name);
        look->inspection->secret_copies += count;
        arena_reset(&look->arena);
    } while (count == FSCK_PAGE);
    return true;
}

bool inspect_connectors(struct inspection *look)
{
    return check_rows(look) && check_tags(look) && check_jobs(look);
}

/* The same steps for every such command, so that each says only what is its own. */
#include "cli/data_command.h"

#include "cli/command.h"
#include "cli/data_dir.h"
#include "vault/secret.h"

static bool read_store(const struct options *options, struct store *store, data_show_fn *show,
                       struct error *error)
{
    struct arena arena = {0};
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = show(options, reader, &arena, error);
    store_reader_put(store, reader);
    arena_done(&arena);
    return ok;
}

int data_show(const struct options *options, data_show_fn *show)
{
    struct data_dir data;
    struct error error = {0};
    secret_init();
    bool ok = data_dir_open(options, DATA_LOOK, &data, &error) &&
              read_store(options, data.store, show, &error);
    data_dir_close(&data);
    return ok ? EXIT_OK : command_failed(&error);
}

static bool plan_and_run(const struct options *options, struct store *store, data_plan_fn *plan,
                         struct error *error)
{
    struct arena arena = {0};
    struct management_action action = {.scrub = true};
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = plan(options, reader, &arena, &action, error);
    store_reader_put(store, reader);
    ok = ok && management_run(store, &action, error);
    arena_done(&arena);
    return ok;
}

int data_change(const struct options *options, data_plan_fn *plan)
{
    struct data_dir data;
    struct error error = {0};
    secret_init();
    bool ok = data_dir_open(options, DATA_LOOK, &data, &error);
    if (ok)
        management_catch_up(&data);
    ok = ok && plan_and_run(options, data.store, plan, &error);
    data_dir_close(&data);
    return ok ? EXIT_OK : command_failed(&error);
}

/* headgate flow list and show: the definitions of flows that are stored. */
#include "cli/command.h"
#include "cli/data_dir.h"
#include "cli/flow_print.h"
#include "cli/values.h"

#include "flow/definition.h"
#include "flow/flow.h"
#include "vault/secret.h"
#include "wire/json_value.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 20 }; /* rows: one has up to FLOW_DEFINITION_MAX bytes */

#define CHOICE_OPTIONS                                                                             \
    {.name = "account",                                                                            \
     .argument = "N",                                                                              \
     .heading = "Selection",                                                                       \
     .check = check_account,                                                                       \
     .help = "Only flows of this AWS account, 12 digits"},                                         \
    {                                                                                              \
        .name = "region", .argument = "REGION", .check = check_region,                             \
        .help = "Only flows of this region"                                                        \
    }

static const struct option list_table[] = {
    CHOICE_OPTIONS,
    {.name = "json", .kind = OPTION_FLAG, .heading = "Output", .help = "Print JSON lines"},
    DATA_LOOK_OPTIONS,
    {0},
};

static const struct option show_table[] = {
    {.name = "name",
     .argument = "NAME",
     .required = true,
     .positional = true,
     .heading = "Flow",
     .help = "Name of the flow"},
    CHOICE_OPTIONS,
    {.name = "json", .kind = OPTION_FLAG, .heading = "Output", .help = "Print one JSON object"},
    DATA_LOOK_OPTIONS,
    {0},
};

/* What is chosen, and what was found. */
struct flow_choice {
    struct str account, region, name; /* STR_NULL: any */
    const struct secret *service_secret;
    struct arena arena; /* of what was found */
    struct shown_flow *rows;
    size_t count, room;
};

static bool is_chosen(const struct flow_choice *choice, const struct flow_key *key)
{
    return (!choice->account.data || str_eq(choice->account, key->account)) &&
           (!choice->region.data || str_eq(choice->region, key->region)) &&
           (!choice->name.data || str_eq(choice->name, key->name));
}

/* NULL: not as the server wrote it. */
static const struct value *read_definition(const struct secret *service_secret,
                                           const struct flow_row *row, struct arena *arena)
{
    struct value *definition;
    struct error ignored;
    bool ok = flow_check_seal(service_secret, row, &ignored) &&
              json_parse_own(row->definition, FLOW_NODES_MAX, arena, &definition) == JSON_READ;
    return ok ? definition : NULL;
}

static void add(struct flow_choice *choice, const struct flow_row *row, struct arena *page)
{
    if (choice->count == choice->room) {
        size_t room = choice->room > 0 ? 2 * choice->room : 64;
        struct shown_flow *rows = arena_array(&choice->arena, struct shown_flow, room);
        if (choice->count > 0)
            memcpy(rows, choice->rows, choice->count * sizeof(*rows));
        choice->rows = rows;
        choice->room = room;
    }
    shown_flow_set(&choice->arena, row, read_definition(choice->service_secret, row, page),
                   &choice->rows[choice->count++]);
}

/* In front of the first row that may be chosen. */
static struct flow_key start_of(const struct flow_choice *choice)
{
    bool in_region = choice->account.data && choice->region.data;
    return (struct flow_key){choice->account.data ? choice->account : STR(""),
                             in_region ? choice->region : STR(""), STR("")};
}

/* Whether rows behind the key, which are in the order of accounts, may be chosen. */
static bool has_more(const struct flow_choice *choice, const struct flow_key *key)
{
    return !choice->account.data || str_eq(choice->account, key->account);
}

static bool read_pages(struct flow_choice *choice, struct store_reader *reader, struct error *error)
{
    struct arena page = {0}, cursor = {0};
    struct flow_key after = start_of(choice);
    struct flow_row *rows;
    size_t count;
    bool ok = true, more = true;
    while (ok && more) {
        ok = flow_row_list_all(reader, &page, after, PAGE, &rows, &count, error);
        for (size_t i = 0; ok && i < count; i++) {
            if (is_chosen(choice, &rows[i].key))
                add(choice, &rows[i], &page);
        }
        more = ok && count == PAGE && has_more(choice, &rows[count - 1].key);
        if (more) {
            const struct flow_key *last = &rows[count - 1].key;
            arena_reset(&cursor);
            after = (struct flow_key){arena_copy(&cursor, last->account),
                                      arena_copy(&cursor, last->region),
                                      arena_copy(&cursor, last->name)};
        }
        arena_reset(&page);
    }
    arena_done(&page);
    arena_done(&cursor);
    return ok;
}

static bool read_one(struct flow_choice *choice, struct store_reader *reader, struct error *error)
{
    struct arena page = {0};
    struct flow_key key = {choice->account, choice->region, choice->name};
    struct flow_row row;
    bool found = false;
    bool ok = flow_row_find(reader, &page, key, &row, &found, error);
    if (ok && found)
        add(choice, &row, &page);
    arena_done(&page);
    return ok;
}

static bool read_chosen(struct flow_choice *choice, struct store_reader *reader,
                        struct error *error)
{
    bool is_one = choice->account.data && choice->region.data && choice->name.data;
    return is_one ? read_one(choice, reader, error) : read_pages(choice, reader, error);
}

/* `use` has the store's reader, once the flows are found. */
typedef bool use_fn(const struct options *options, struct flow_choice *choice,
                    struct store_reader *reader, struct error *error);

static bool with_reader(const struct options *options, struct flow_choice *choice,
                        struct store *store, use_fn *use, struct error *error)
{
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = read_chosen(choice, reader, error) && use(options, choice, reader, error);
    store_reader_put(store, reader);
    return ok;
}

static int run(const struct options *options, struct str name, use_fn *use)
{
    struct data_dir data;
    struct error error = {0};
    struct flow_choice choice = {
        .account = str_from(options_text(options, "account")),
        .region = str_from(options_text(options, "region")),
        .name = name,
    };
    secret_init();
    bool ok = data_dir_open(options, DATA_LOOK, &data, &error);
    choice.service_secret = data.keys.service_secret;
    ok = ok && with_reader(options, &choice, data.store, use, &error);
    data_dir_close(&data);
    arena_done(&choice.arena);
    return ok ? EXIT_OK : command_failed(&error);
}

/* --- list --- */

static bool print_list(const struct options *options, struct flow_choice *choice,
                       struct store_reader *reader, struct error *error)
{
    (void)reader, (void)error;
    if (options_flag(options, "json"))
        shown_flows_print_json(&choice->arena, choice->rows, choice->count);
    else
        shown_flows_print(&choice->arena, choice->rows, choice->count);
    return true;
}

static int list(const struct options *options)
{
    return run(options, STR_NULL, print_list);
}

const struct command flow_list_command = {
    .name = "flow list",
    .summary = "List flows: what starts them, where records come from and go to",
    .about = "Prints the definitions that are stored, in the order of account, region and name. "
             "STATE is that of the API; \"changed\" means that something else than the server "
             "wrote the row, see \"check\". Times are in UTC. Works beside a running server.",
    .examples = "headgate flow list --data headgate-data\n"
                "headgate flow list --data headgate-data --account 123456789012 --json",
    .options = list_table,
    .check = data_options_check,
    .run = list,
};

/* --- show --- */

static bool check_one(const struct flow_choice *choice, struct error *error)
{
    if (choice->count == 0)
        return fail(error, ERR_NOT_FOUND, "There is no flow %.*s.", STR_ARG(choice->name));
    return choice->count == 1 ||
           fail(error, ERR_NOT_FOUND,
                "%zu flows have the name %.*s: choose with --account and --region.", choice->count,
                STR_ARG(choice->name));
}

static bool print_one(const struct options *options, struct flow_choice *choice,
                      struct store_reader *reader, struct error *error)
{
    struct arena *arena = &choice->arena;
    struct flow_row row;
    struct flow_schedule_row schedule;
    struct tag *tags;
    bool found = false, has_schedule = false;
    struct flow_page_texts page = {.row = &row};
    if (!check_one(choice, error))
        return false;
    const struct flow_key *key = &choice->rows[0].key;
    struct tagged tagged = {key->account, key->region, STR("flow"), key->name};
    if (!flow_row_find(reader, arena, *key, &row, &found, error) ||
        !tags_list(reader, arena, &tagged, &tags, &page.tag_count, error) ||
        !flow_schedule_find(reader, arena, *key, &schedule, &has_schedule, error))
        return false;
    if (!found)
        return fail(error, ERR_NOT_FOUND, "There is no flow %.*s.", STR_ARG(choice->name));
    if (!flow_check_seal(choice->service_secret, &row, error))
        return false;
    page.shown = &choice->rows[0];
    page.tags = tags;
    page.schedule = has_schedule ? &schedule : NULL;
    page.definition = read_definition(choice->service_secret, &row, arena);
    flow_page_print(arena, &page, options_flag(options, "json"));
    return true;
}

static int show(const struct options *options)
{
    return run(options, str_from(options_text(options, "name")), print_one);
}

const struct command flow_show_command = {
    .name = "flow show",
    .summary = "Show the definition of a flow, with its tasks and tags",
    .about =
        "Prints what starts the flow and when it runs next, its ends, its tags and each task in "
        "the order in which it was sent; with --json the whole definition, in the API's form.",
    .examples = "headgate flow show accounts --data headgate-data\n"
                "headgate flow show accounts --data headgate-data --account 123456789012 --json",
    .options = show_table,
    .check = data_options_check,
    .run = show,
};

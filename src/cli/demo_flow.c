/* A flow is created, run, updated to another format, and run again. Its files are looked for where
 * the sandbox's S3 keeps its objects: one path of a file holds the id of the run. */
#include "cli/demo_flow.h"

#include "base/buf.h"
#include "base/clock.h"
#include "cli/run_print.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUCKET "headgate-demo"

enum {
    BODY_MAX = 8 * 1024,
    POLL_MS = 20,
    RUN_MAX_MS = 60 * 1000,
    OPEN_FOLDERS = 16,
    PATH_SIZE = 4096,
    LINE_SIZE = 200, /* of a record that is shown */
    ROWS_SHOWN = 3,
};

/* Its tasks in the order in which AppFlow's console sends them: what is read, what is left out,
 * what is changed, and where each field goes. */
#define TASKS                                                                                      \
    "[{\"taskType\":\"Filter\",\"sourceFields\":[\"Id\",\"Name\",\"Phone\",\"AnnualRevenue\"],"    \
    "\"connectorOperator\":{\"Salesforce\":\"PROJECTION\"},\"taskProperties\":{}},"                \
    "{\"taskType\":\"Filter\",\"sourceFields\":[\"AnnualRevenue\"],"                               \
    "\"connectorOperator\":{\"Salesforce\":\"GREATER_THAN\"},"                                     \
    "\"taskProperties\":{\"DATA_TYPE\":\"double\",\"VALUE\":\"1000000\"}},"                        \
    "{\"taskType\":\"Mask\",\"sourceFields\":[\"Phone\"],"                                         \
    "\"connectorOperator\":{\"Salesforce\":\"MASK_LAST_N\"},"                                      \
    "\"taskProperties\":{\"MASK_LENGTH\":\"4\",\"MASK_VALUE\":\"*\"}}," MAP(                       \
        "Id", "id", "string") "," MAP("Name", "name",                                              \
                                      "string") "," MAP("Phone", "phone",                          \
                                                        "string") "," MAP("AnnualRevenue",         \
                                                                          "revenue", "double") "]"
#define MAP(from, to, type)                                                                        \
    "{\"taskType\":\"Map\",\"sourceFields\":[\"" from "\"],\"destinationField\":\"" to             \
    "\",\"connectorOperator\":{\"Salesforce\":\"NO_OP\"},"                                         \
    "\"taskProperties\":{\"DESTINATION_DATA_TYPE\":\"" type "\"}}"

/* For create and update. */
static struct str definition(struct demo *demo, const char *format)
{
    struct buf body = buf_in(demo->arena, BODY_MAX);
    buf_printf(&body,
               "{\"flowName\":\"" DEMO_FLOW "\",\"triggerConfig\":{\"triggerType\":\"OnDemand\"},"
               "\"sourceFlowConfig\":{\"connectorType\":\"Salesforce\","
               "\"connectorProfileName\":\"" DEMO_PROFILE "\",\"sourceConnectorProperties\":"
               "{\"Salesforce\":{\"object\":\"Account\"}}},\"destinationFlowConfigList\":["
               "{\"connectorType\":\"S3\",\"destinationConnectorProperties\":{\"S3\":{"
               "\"bucketName\":\"" BUCKET "\",\"s3OutputFormatConfig\":{\"fileType\":\"%s\","
               "\"preserveSourceDataTyping\":true,"
               "\"aggregationConfig\":{\"aggregationType\":\"SingleFile\"}}}}}],"
               "\"tasks\":" TASKS "}",
               format);
    return buf_str(&body);
}

static bool change(struct demo *demo, const char *path, const char *format, const char *what,
                   struct api_answer *ret_answer)
{
    if (!demo_post(demo, path, definition(demo, format), ret_answer))
        return false;
    return ret_answer->status == 200 || demo_unexpected(demo, what, ret_answer);
}

/* --- a run --- */

static void print_progress(const struct value *record, int64_t started_ms)
{
    const struct value *result = value_get(record, "executionResult");
    if (!isatty(STDOUT_FILENO))
        return;
    printf("\r   %.1f s, %lld records", (double)(clock_mono_ms() - started_ms) / 1000,
           (long long)value_integer(result, "recordsProcessed", 0));
    fflush(stdout);
}

static void end_progress(void)
{
    if (isatty(STDOUT_FILENO))
        printf("\r\033[K");
}

/* The run's record once it has ended. */
static bool wait_for(struct demo *demo, struct str run, const struct value **ret_record)
{
    int64_t started_ms = clock_mono_ms();
    struct api_answer answer;
    while (clock_mono_ms() - started_ms < RUN_MAX_MS) {
        if (!demo_post(demo, "/describe-flow-execution-records",
                       STR("{\"flowName\":\"" DEMO_FLOW "\",\"maxResults\":1}"), &answer))
            return false;
        const struct value *records = value_get(answer.json, "flowExecutions");
        const struct value *newest = records && records->count > 0 ? records->items[0] : NULL;
        if (!newest || !str_eq(value_text(newest, "executionId"), run))
            return demo_unexpected(demo, "describing its runs", &answer);
        if (run_has_ended(newest)) {
            end_progress();
            *ret_record = newest;
            return str_eq(value_text(newest, "executionStatus"), STR("Successful")) ||
                   demo_unexpected(demo, "describing its runs", &answer);
        }
        print_progress(newest, started_ms);
        clock_nap_us(POLL_MS * 1000);
    }
    return fail(demo->error, ERR_INTERNAL, "The demo failed: the flow's run has not ended in %d s.",
                RUN_MAX_MS / 1000);
}

static bool run(struct demo *demo, const char *what, struct str *ret_run)
{
    struct api_answer answer;
    const struct value *record = NULL;
    if (!demo_post(demo, "/start-flow", STR("{\"flowName\":\"" DEMO_FLOW "\"}"), &answer))
        return false;
    *ret_run = value_text(answer.json, "executionId");
    if (answer.status != 200 || ret_run->len == 0)
        return demo_unexpected(demo, what, &answer);
    demo_print_step(demo, what, &answer, *ret_run);
    if (!wait_for(demo, *ret_run, &record))
        return false;
    const struct value *result = value_get(record, "executionResult");
    printf("   %lld records were read, %lld bytes written to\n",
           (long long)value_integer(result, "recordsProcessed", 0),
           (long long)value_integer(result, "bytesWritten", 0));
    return true;
}

/* --- its file --- */

/* nftw() hands nothing on to its callback. */
static _Thread_local const char *wanted_part;
static _Thread_local char found_path[PATH_SIZE];

static int look_at(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status, (void)where;
    if (kind != FTW_F || !strstr(path, wanted_part))
        return 0;
    snprintf(found_path, sizeof(found_path), "%s", path);
    return 1;
}

static bool find_file(struct demo *demo, const char *objects, struct str run)
{
    char folder[PATH_SIZE];
    snprintf(folder, sizeof(folder), "%s/" BUCKET "/" DEMO_FLOW, objects);
    wanted_part = arena_printf(demo->arena, "%.*s", STR_ARG(run)).data;
    if (nftw(folder, look_at, OPEN_FOLDERS, FTW_PHYS) != 1)
        return fail(demo->error, ERR_INTERNAL,
                    "The demo failed: there is no file of run %.*s in %s.", STR_ARG(run), folder);
    printf("   %s\n", found_path);
    return true;
}

static void print_first_rows(void)
{
    char line[LINE_SIZE];
    FILE *file = fopen(found_path, "re");
    for (int i = 0; file && i < ROWS_SHOWN && fgets(line, sizeof(line), file); i++)
        printf("   %s%s", line, strchr(line, '\n') ? "" : "\n");
    if (file)
        fclose(file);
}

/* --- the steps --- */

bool demo_flow_delete(struct demo *demo)
{
    struct api_answer answer;
    return demo_post(demo, "/delete-flow",
                     STR("{\"flowName\":\"" DEMO_FLOW "\",\"forceDelete\":true}"), &answer) &&
           (answer.status == 200 || answer.status == 404 ||
            demo_unexpected(demo, "deleting the flow of an earlier demo", &answer));
}

bool demo_flow_steps(struct demo *demo, const char *objects)
{
    struct api_answer answer;
    struct str id;
    if (!change(demo, "/create-flow", "JSON", "create a flow", &answer))
        return false;
    demo_print_step(demo, "create a flow: accounts to files", &answer,
                    value_text(answer.json, "flowArn"));
    demo_print_note("Those with a revenue above 1,000,000; of phone numbers the end is masked.");
    if (!run(demo, "run it", &id) || !find_file(demo, objects, id))
        return false;
    print_first_rows();
    if (!change(demo, "/update-flow", "PARQUET", "update the flow", &answer) ||
        !run(demo, "write Parquet instead, and run it again", &id) || !find_file(demo, objects, id))
        return false;
    printf("   Read it, for example, with: duckdb -c \"FROM read_parquet('%s')\"\n", found_path);
    return true;
}

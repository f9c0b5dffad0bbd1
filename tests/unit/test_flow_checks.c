/* Definitions of flows: what is accepted, and what each fault is called. A row changes members of a
 * flow that is right, from a bucket to another one. */
#include "store_fixture.h"

#include "flow/check.h"
#include "profile/registration.h"
#include "store/connectors.h"
#include "wire/api_ids.h"
#include "wire/json_value.h"
#include "wire/restjson.h"

#define S3_SOURCE                                                                                  \
    "{\"connectorType\":\"S3\",\"sourceConnectorProperties\":{\"S3\":{\"bucketName\":\"source\"}}" \
    "}"
#define SOURCE(type, key, profile)                                                                 \
    "{\"connectorType\":\"" type "\",\"connectorProfileName\":\"" profile                          \
    "\",\"sourceConnectorProperties\":{\"" key "\":{\"object\":\"Account\"}}}"
#define CRM SOURCE("Salesforce", "Salesforce", "crm")
#define S3_TO(members)                                                                             \
    "{\"connectorType\":\"S3\",\"destinationConnectorProperties\":{\"S3\":{\"bucketName\":"        \
    "\"target\"" members "}}}"
#define DESTINATION(type, profile, members)                                                        \
    "{\"connectorType\":\"" type "\",\"connectorProfileName\":\"" profile                          \
    "\",\"destinationConnectorProperties\":{\"" type "\":{" members "}}}"
#define TO_CRM(members) DESTINATION("Salesforce", "crm", "\"object\":\"Account\"" members)
#define FORMAT(members) S3_TO(",\"s3OutputFormatConfig\":{" members "}")
#define SCHEDULED(members)                                                                         \
    "{\"triggerType\":\"Scheduled\",\"triggerProperties\":{\"Scheduled\":{" members "}}}"
#define RATE(expression) SCHEDULED("\"scheduleExpression\":\"" expression "\"")
#define MAP_ALL "{\"taskType\":\"Map_all\",\"sourceFields\":[]}"
/* A task of fields "a" with an operator of S3. */
#define TASK(type, operator, fields, more)                                                         \
    "{\"taskType\":\"" type "\",\"sourceFields\":" fields ",\"connectorOperator\":{\"S3\":\""      \
    operator"\"}" more "}"
#define PROPERTIES(members) ",\"taskProperties\":{" members "}"
#define TO(field) ",\"destinationField\":\"" field "\""
#define MAP(field) TASK("Map", "NO_OP", "[\"" field "\"]", TO(field))
#define PARTITION(fields)                                                                          \
    TASK("Partition", "NO_OP", "[]", PROPERTIES("\"ORDERED_PARTITION_KEYS_LIST\":\"" fields "\""))
#define MERGED                                                                                     \
    TASK("Merge", "NO_OP", "[\"a\",\"b\"]", TO("a,b") PROPERTIES("\"CONCAT_FORMAT\":\"${a}\""))
#define CREATE(faults) "Create Flow request failed: [" faults "]"
#define TASK_FAULT(sentence) CREATE("Task Validation Error: " sentence)

struct flow_case {
    const char *source, *destination, *trigger, *tasks, *kms_arn; /* NULL: as in the right flow */
    const char *message;                                          /* NULL: it is accepted */
};

static const struct flow_case ends[] = {
    {.message = NULL},
    {.source = CRM},
    {.source = SOURCE("Servicenow", "ServiceNow", "incidents")},
    {.source = SOURCE("Salesforce", "Zendesk", "crm"),
     .message = CREATE("sourceConnectorProperties must have the member Salesforce and no other, "
                       "since connectorType is Salesforce")},
    {.source = "{\"connectorType\":\"S3\",\"sourceConnectorProperties\":{}}",
     .message = CREATE("sourceConnectorProperties must have the member S3 and no other, since "
                       "connectorType is S3")},
    {.source = "{\"connectorType\":\"Redshift\",\"sourceConnectorProperties\":{}}",
     .message = CREATE("Connector Redshift can not be used as a source")},
    {.destination = "{\"connectorType\":\"Slack\",\"destinationConnectorProperties\":{}}",
     .message = CREATE("Connector Slack can not be used as a destination")},
    {.source = "{\"connectorType\":\"Salesforce\",\"sourceConnectorProperties\":{\"Salesforce\":{"
               "\"object\":\"Account\"}}}",
     .message = CREATE("sourceFlowConfig.connectorProfileName must name a connector profile for "
                       "Salesforce")},
    {.source = SOURCE("Salesforce", "Salesforce", "desk"),
     .message = CREATE("sourceFlowConfig.connectorProfileName must name a connector profile for "
                       "Salesforce; desk is for Zendesk")},
    {.source = SOURCE("Salesforce", "Salesforce", "gone"),
     .message = "Connector Profile with name gone does not exist."},
    {.source = SOURCE("Salesforce", "Salesforce", "gone"),
     .destination = DESTINATION("Zendesk", "lost", "\"object\":\"tickets\""),
     .message = "Connector Profile with name gone does not exist. Connector Profile with name lost "
                "does not exist."},
    {.source = SOURCE("Salesforce", "Salesforce", "gone"),
     .tasks = MAP("a"),
     .message = CREATE("Task Validation Error: You must specify a projection task or a MAP_ALL "
                       "task, Connector Profile with name gone does not exist")},
    /* Clients name one for a bucket, too, which is no one's. */
    {.source = SOURCE("Salesforce", "Salesforce", "crm"),
     .destination = DESTINATION("S3", "Test", "\"bucketName\":\"target\"")},
    {.destination = DESTINATION("EventBridge", "x", "\"object\":\"bus\""),
     .message = CREATE("A flow from S3 can not go to EventBridge, but to one of: S3, Snowflake, "
                       "Redshift, Salesforce, Honeycode, Upsolver, CustomerProfiles, Zendesk, "
                       "Marketo, CustomConnector, SAPOData, triggerType OnDemand is not for flows "
                       "from S3 to EventBridge, but none")},
    {.destination = S3_TO("") "," S3_TO(""),
     .message = CREATE("destinationFlowConfigList must have exactly one destination")},
};

static const struct flow_case triggers[] = {
    {.trigger = RATE("rate(5minutes)")},
    {.trigger = RATE("rate(1 days)")},
    {.trigger = RATE("rate(1hour)")},
    {.trigger = RATE("cron(0 12 * * ? *)")},
    {.trigger = RATE("at(2030-01-01T00:00:00)")},
    {.trigger = RATE("rate(0minutes)"),
     .message = CREATE("scheduleExpression must be rate(5minutes), with any number of minutes, "
                       "hours, days, weeks or months; cron(minute hour day month weekday year); "
                       "or at(yyyy-mm-ddThh:mm:ss)")},
    {.trigger = "{\"triggerType\":\"Scheduled\"}",
     .message = CREATE("TriggerProps is required for Scheduled Trigger Type.")},
    {.trigger = "{\"triggerType\":\"OnDemand\",\"triggerProperties\":{\"Scheduled\":{"
                "\"scheduleExpression\":\"rate(1days)\"}}}",
     .message = CREATE("triggerProperties.Scheduled is only for triggerType Scheduled")},
    {.trigger = "{\"triggerType\":\"Event\"}",
     .message = CREATE("triggerType Event is not for flows from S3 to S3, but OnDemand, "
                       "Scheduled")},
    {.source = CRM, .trigger = "{\"triggerType\":\"Event\"}"},
    {.source = CRM,
     .destination = DESTINATION("EventBridge", "x", "\"object\":\"bus\""),
     .trigger = RATE("rate(1days)"),
     .message = CREATE("triggerType Scheduled is not for flows from Salesforce to EventBridge, but "
                       "Event")},
    {.trigger = SCHEDULED("\"scheduleExpression\":\"rate(1days)\",\"scheduleStartTime\":2,"
                          "\"scheduleEndTime\":2"),
     .message = CREATE("scheduleEndTime must be after scheduleStartTime")},
    {.source = SOURCE("Marketo", "Marketo", "leads"),
     .trigger = RATE("rate(59minutes)"),
     .message = CREATE("scheduleExpression must have a period of at least 60 minutes for flows "
                       "from Marketo")},
    {.source = SOURCE("Marketo", "Marketo", "leads"), .trigger = RATE("rate(60minutes)")},
    {.source = "{\"connectorType\":\"SAPOData\",\"connectorProfileName\":\"erp\","
               "\"sourceConnectorProperties\":{\"SAPOData\":{\"objectPath\":\"p\"}}}",
     .trigger = SCHEDULED("\"scheduleExpression\":\"rate(1hours)\",\"dataPullMode\":\"Complete\""),
     .message = CREATE("scheduleExpression must have a period of at least one day for flows from "
                       "SAPOData with dataPullMode Complete")},
    {.source = CRM,
     .destination = DESTINATION("LookoutMetrics", "x", ""),
     .trigger = RATE("rate(1minutes)"),
     .message = CREATE("scheduleExpression must have a period of one of these minutes for flows to "
                       "LookoutMetrics: 5, 10, 60, 1440, kmsArn must be given for a flow to "
                       "LookoutMetrics")},
    {.source = CRM,
     .destination = DESTINATION("LookoutMetrics", "x", ""),
     .trigger = RATE("rate(10minutes)"),
     .kms_arn = "arn:aws:kms:us-east-1:123456789012:key/k"},
};

static const struct flow_case tasks[] = {
    {.tasks = MAP("a")},
    {.source = CRM,
     .tasks = "{\"taskType\":\"Map\",\"sourceFields\":[\"a\"]" TO("a") "}",
     .message = TASK_FAULT("You must specify a projection task or a MAP_ALL task")},
    {.tasks = "", .message = TASK_FAULT("tasks must have 1 to 2000 tasks")},
    {.tasks = TASK("Filter", "PROJECTION", "[\"a\",\"b\"]", TO("") PROPERTIES(""))},
    {.tasks = "{\"taskType\":\"Filter\",\"sourceFields\":[\"a\"]}",
     .message = TASK_FAULT("The operator NO_OP is not valid for filtering tasks.  The task "
                           "sourceConnectorType is FILTERING and the task operator is NO_OP. Give "
                           "task 1 PROJECTION or a comparison as connectorOperator.S3")},
    {.tasks = "{\"taskType\":\"Filter\",\"sourceFields\":[\"a\"],\"connectorOperator\":{"
              "\"Salesforce\":\"PROJECTION\"}}",
     .message = TASK_FAULT("The operator NO_OP is not valid for filtering tasks.  The task "
                           "sourceConnectorType is FILTERING and the task operator is NO_OP. Give "
                           "task 1 PROJECTION or a comparison as connectorOperator.S3")},
    {.tasks = TASK("Filter", "EQUAL_TO", "[\"a\"]", PROPERTIES("\"DATA_TYPE\":\"string\"")),
     .message = TASK_FAULT("task 1 (Filter): taskProperties must have VALUE or VALUES")},
    {.tasks = TASK("Filter", "BETWEEN", "[\"a\"]", PROPERTIES("\"LOWER_BOUND\":\"1\"")),
     .message = TASK_FAULT("task 1 (Filter): taskProperties must have UPPER_BOUND")},
    {.tasks = TASK("Filter", "BETWEEN", "[\"a\"]",
                   PROPERTIES("\"DATA_TYPE\":\"datetime\",\"LOWER_BOUND\":\"1\",\"UPPER_BOUND\":"
                              "\"2\""))},
    /* NO_OP may be under another connector's key; nothing else may. */
    {.tasks = "{\"taskType\":\"Map\",\"sourceFields\":[\"a\"],\"connectorOperator\":{\"Salesforce\""
              ":\"NO_OP\"}" TO("a") "}"},
    {.tasks = "{\"taskType\":\"Mask\",\"sourceFields\":[\"a\"],\"connectorOperator\":{\"Salesforce"
              "\":\"MASK_ALL\"}}",
     .message = TASK_FAULT("task 1 (Mask): connectorOperator must have the member S3, since the "
                           "source is S3")},
    {.tasks = "{\"taskType\":\"Map\",\"sourceFields\":[\"a\"],\"connectorOperator\":{\"S3\":"
              "\"NO_OP\",\"Slack\":\"NO_OP\"}" TO("a") "}",
     .message = TASK_FAULT("task 1 (Map): connectorOperator must have one member, S3")},
    {.tasks = TASK("Mask", "NO_OP", "[\"a\"]", ""),
     .message = TASK_FAULT("task 1 (Mask): the operator NO_OP must be one of: MASK_ALL, "
                           "MASK_FIRST_N, MASK_LAST_N")},
    {.tasks = TASK("Mask", "MASK_ALL", "[\"a\"]", "")},
    {.tasks = TASK("Mask", "MASK_LAST_N", "[\"a\"]", PROPERTIES("\"MASK_VALUE\":\"**\"")),
     .message = TASK_FAULT("task 1 (Mask): taskProperties must have MASK_LENGTH, Task Validation "
                           "Error: task 1 (Mask): MASK_VALUE must be one character; it is **")},
    {.tasks = TASK("Mask", "MASK_LAST_N", "[\"a\"]",
                   PROPERTIES("\"MASK_VALUE\":\"\u2022\",\"MASK_LENGTH\":\"4\""))},
    {.tasks = TASK("Truncate", "NO_OP", "[\"a\"]", PROPERTIES("\"TRUNCATE_LENGTH\":\"0\"")),
     .message = TASK_FAULT("task 1 (Truncate): TRUNCATE_LENGTH must be a whole number above 0; it "
                           "is 0")},
    {.tasks = TASK("Validate", "VALIDATE_NUMERIC", "[\"a\"]",
                   PROPERTIES("\"VALIDATION_ACTION\":\"Drop\"")),
     .message = TASK_FAULT("task 1 (Validate): VALIDATION_ACTION must be DropRecord or "
                           "DropDataset; it is Drop")},
    {.tasks = TASK("Map", "NO_OP", "[\"a\",\"b\"]", PROPERTIES("\"VALUE\":\"1\"")),
     .message = TASK_FAULT("task 1 (Map): sourceFields must have exactly 1 field; it has 2, Task "
                           "Validation Error: task 1 (Map): destinationField must name a field, "
                           "Task Validation Error: task 1 (Map): taskProperties must not have "
                           "VALUE, which the operator NO_OP does not use")},
    {.tasks = MAP("a") "," MAP("b") "," MAP("a"),
     .message = TASK_FAULT("tasks 1 and 3 must not both write the field a")},
    {.tasks = MAP_ALL "," MAP_ALL, .message = TASK_FAULT("there must be at most one Map_all task")},
    {.tasks = TASK("Map_all", "NO_OP", "[\"\"]",
                   TO("") PROPERTIES("\"EXCLUDE_SOURCE_FIELDS_LIST\":\"[\\\"a\\\",\\\"b\\\"]\""))},
    {.tasks = TASK("Map_all", "NO_OP", "[\"a\"]",
                   TO("b") PROPERTIES("\"EXCLUDE_SOURCE_FIELDS_LIST\":\"[1]\"")),
     .message = TASK_FAULT("task 1 (Map_all): sourceFields must be empty, Task Validation Error: "
                           "task 1 (Map_all): destinationField must be left out; it is b, Task "
                           "Validation Error: task 1 (Map_all): EXCLUDE_SOURCE_FIELDS_LIST must be "
                           "names between commas, or a JSON list of names")},
    {.tasks = TASK("Arithmetic", "ADDITION", "[\"a\",\"b\"]",
                   TO("a,b") PROPERTIES("\"MATH_OPERATION_FIELDS_ORDER\":\"b,a\""))},
    {.tasks = TASK("Arithmetic", "ADDITION", "[\"a\",\"b\"]",
                   TO("a,b") PROPERTIES("\"MATH_OPERATION_FIELDS_ORDER\":\"a,c\"")),
     .message = TASK_FAULT("task 1 (Arithmetic): MATH_OPERATION_FIELDS_ORDER must name the fields "
                           "of sourceFields, and no others")},
    {.tasks = TASK("Arithmetic", "ADDITION", "[\"a\",\"a\"]",
                   TO("a,b") PROPERTIES("\"MATH_OPERATION_FIELDS_ORDER\":\"a,b\"")),
     .message = TASK_FAULT("task 1 (Arithmetic): MATH_OPERATION_FIELDS_ORDER must name the fields "
                           "of sourceFields, and no others")},
    {.tasks = TASK("Arithmetic", "ADDITION", "[\"a\",\"a\",\"b\"]",
                   TO("a,b") PROPERTIES("\"MATH_OPERATION_FIELDS_ORDER\":\"a,b,b\"")),
     .message = TASK_FAULT("task 1 (Arithmetic): MATH_OPERATION_FIELDS_ORDER must name the fields "
                           "of sourceFields, and no others")},
    {.tasks = TASK("Merge", "NO_OP", "[\"a\",\"\"]",
                   TO("a,b") PROPERTIES("\"CONCAT_FORMAT\":\"${a} ${b}\"")),
     .message = TASK_FAULT("task 1 (Merge): sourceFields must have no empty name, as the one at "
                           "place 2")},
    {.tasks = MAP("a") "," TASK("Partition", "NO_OP", "[]",
                                PROPERTIES("\"ORDERED_PARTITION_KEYS_LIST\":\"a, b\"")),
     .message = TASK_FAULT("task 2 (Partition): ORDERED_PARTITION_KEYS_LIST has b, which no task "
                           "writes")},
    {.tasks = MAP_ALL "," TASK("Partition", "NO_OP", "[]",
                               PROPERTIES("\"ORDERED_PARTITION_KEYS_LIST\":"
                                          "\"[\\\"a\\\",\\\"b\\\"]\""))},
    {.tasks = MAP_ALL "," TASK("Partition", "NO_OP", "[]",
                               PROPERTIES("\"ORDERED_PARTITION_KEYS_LIST\":"
                                          "\"a,b,c,d,e,f,g,h,i,j,k\"")),
     .message = TASK_FAULT("task 2 (Partition): ORDERED_PARTITION_KEYS_LIST must have 1 to 10 "
                           "fields")},
    {.tasks = MAP_ALL "," PARTITION("a,,"),
     .message = TASK_FAULT("task 2 (Partition): ORDERED_PARTITION_KEYS_LIST must have no empty "
                           "name, as the one at place 2, Task Validation Error: task 2 "
                           "(Partition): ORDERED_PARTITION_KEYS_LIST must have no empty name, as "
                           "the one at place 3")},
    /* What there is once too often is not looked at: 2,000 lists would be. */
    {.tasks = MAP("a") "," PARTITION("b") "," PARTITION("c,d"),
     .message = TASK_FAULT("there must be at most one Partition task, Task Validation Error: task "
                           "2 (Partition): ORDERED_PARTITION_KEYS_LIST has b, which no task "
                           "writes")},
    /* A result that no Map task takes has its own name, one that a Map task takes has that one's.
     */
    {.tasks = MERGED "," PARTITION("[\\\"a,b\\\"]")},
    {.tasks = MERGED "," TASK("Map", "NO_OP", "[\"a,b\"]", TO("c")) "," PARTITION("c")},
    {.tasks = MERGED "," TASK("Map", "NO_OP", "[\"a,b\"]", TO("c")) "," PARTITION("[\\\"a,b\\\"]"),
     .message = TASK_FAULT("task 3 (Partition): ORDERED_PARTITION_KEYS_LIST has a,b, which no task "
                           "writes")},
    {.tasks = TASK("Arithmetic", "ADDITION", "[\"a\",\"b\"]",
                   TO("sum")
                       PROPERTIES("\"MATH_OPERATION_FIELDS_ORDER\":\"a,b\"")) "," PARTITION("sum")},
    {.destination = TO_CRM(""),
     .tasks = MAP_ALL
     "," TASK("Partition", "NO_OP", "[]", PROPERTIES("\"ORDERED_PARTITION_KEYS_LIST\":\"a\"")),
     .message = TASK_FAULT("a Partition task is only for destinations that are buckets, not for "
                           "Salesforce")},
};

static const struct flow_case outputs[] = {
    {.destination = FORMAT("\"fileType\":\"PARQUET\",\"aggregationConfig\":{\"aggregationType\":"
                           "\"SingleFile\"},\"prefixConfig\":{\"prefixType\":\"PATH\"}")},
    {.destination = FORMAT("\"aggregationConfig\":{\"targetFileSize\":0},\"prefixConfig\":{"
                           "\"pathPrefixHierarchy\":[\"EXECUTION_ID\",\"EXECUTION_ID\"]}"),
     .message = CREATE("pathPrefixHierarchy must have each of its values once, targetFileSize must "
                       "be a number of megabytes above 0")},
    {.source = SOURCE("Googleanalytics", "GoogleAnalytics", "visits"),
     .destination = FORMAT("\"fileType\":\"CSV\""),
     .message = CREATE("fileType must be JSON for this flow from Googleanalytics")},
    {.source = "{\"connectorType\":\"Veeva\",\"connectorProfileName\":\"vault\","
               "\"sourceConnectorProperties\":{\"Veeva\":{\"object\":\"documents/types/x\"}}}",
     .destination = FORMAT("\"fileType\":\"CSV\",\"aggregationConfig\":{\"aggregationType\":"
                           "\"SingleFile\"}"),
     .trigger = RATE("rate(5minutes)"),
     .tasks = "{\"taskType\":\"Mask\",\"sourceFields\":[\"a\"],\"connectorOperator\":{\"Veeva\":"
              "\"MASK_ALL\"}}",
     .message = CREATE("scheduleExpression must have a period of at least 60 minutes for flows "
                       "from Veeva, fileType must be JSON for this flow from Veeva, "
                       "aggregationType must be None for flows of documents, Task Validation "
                       "Error: task 1 (Mask): flows of documents must have no such task")},
    {.source = "{\"connectorType\":\"Veeva\",\"connectorProfileName\":\"vault\","
               "\"sourceConnectorProperties\":{\"Veeva\":{\"object\":\"x\",\"documentType\":\"y\"}}"
               "}",
     .destination = TO_CRM(""),
     .message = CREATE("A flow of documents from Veeva can only go to S3")},
    {.destination = TO_CRM(",\"writeOperationType\":\"INSERT\"")},
    {.destination = TO_CRM(",\"writeOperationType\":\"UPDATE\""),
     .message = CREATE("Atleast one field must be specified in idFieldNames for the UPDATE "
                       "Operation.")},
    {.destination = TO_CRM(",\"writeOperationType\":\"UPSERT\",\"idFieldNames\":[\"b\"]"),
     .tasks = MAP("a"),
     .message = CREATE("idFieldNames has b, which no task writes")},
    {.destination = TO_CRM(",\"writeOperationType\":\"UPSERT\",\"idFieldNames\":[\"a\"]"),
     .tasks = MAP("a")},
    {.destination = TO_CRM(",\"writeOperationType\":\"DELETE\""),
     .tasks = MAP("a"),
     .message = CREATE("A flow that deletes in Salesforce must have a Map task to Id, by which "
                       "records are found")},
    {.destination = TO_CRM(",\"writeOperationType\":\"DELETE\""), .tasks = MAP("Id")},
    {.destination =
         DESTINATION("Zendesk", "desk", "\"object\":\"tickets\",\"writeOperationType\":\"DELETE\""),
     .message = CREATE("writeOperationType must be one that Zendesk supports: INSERT, UPDATE, "
                       "UPSERT")},
};

#define OWN(more, entity)                                                                          \
    "{\"connectorType\":\"CustomConnector\"," more "\"connectorProfileName\":\"own\","             \
    "\"sourceConnectorProperties\":{\"CustomConnector\":{\"entityName\":\"" entity "\"}}}"
#define OWN_ONCE                                                                                   \
    "{\"connectorType\":\"CustomConnector\",\"connectorProfileName\":\"once\","                    \
    "\"sourceConnectorProperties\":{\"CustomConnector\":{\"entityName\":\"x\"}}}"
#define OWN_TASK(operator)                                                                         \
    "{\"taskType\":\"Filter\",\"sourceFields\":[\"a\"],\"connectorOperator\":{"                    \
    "\"CustomConnector\":"                                                                         \
    "\""                                                                                           \
    operator"\"}" PROPERTIES("\"VALUE\":\"1\"") "}," MAP_ALL

static const struct flow_case registered[] = {
    {.source = OWN("", "orders")},
    {.source = OWN("\"apiVersion\":\"v1\",", "orders"), .tasks = OWN_TASK("EQUAL_TO")},
    {.source = OWN("", "orders"),
     .destination = DESTINATION("Redshift", "warehouse",
                                "\"object\":\"t\",\"intermediateBucketName\":\"bucket\"")},
    {.source = OWN("", "orders"),
     .destination = DESTINATION("Zendesk", "desk", "\"object\":\"tickets\"")},
    {.source = OWN("\"apiVersion\":\"v2\",", "orders"),
     .tasks = OWN_TASK("CONTAINS"),
     .trigger = RATE("rate(5minutes)"),
     .message = CREATE("sourceFlowConfig.apiVersion must be one that connector orders supports: "
                       "v1, scheduleExpression must have a period of at least 60 minutes for flows "
                       "from CustomConnector, Task Validation Error: task 1 (Filter): connector "
                       "orders does not support the operator CONTAINS")},
    {.source = OWN("", "orders"),
     .trigger = RATE("at(2030-01-01T00:00:00)"),
     .message = CREATE("scheduleExpression must be rate(\u2026) or cron(\u2026) for flows from "
                       "CustomConnector")},
    {.source = OWN_ONCE, .trigger = RATE("at(2030-01-01T00:00:00)")},
    {.source = OWN_ONCE,
     .trigger = RATE("rate(1hours)"),
     .message = CREATE("scheduleExpression must be at(\u2026) for flows from CustomConnector")},
    {.source = OWN_ONCE,
     .trigger = RATE("cron(0 0 * * ? *)"),
     .message = CREATE("scheduleExpression must be at(\u2026) for flows from CustomConnector")},
    {.destination = DESTINATION("CustomConnector", "own",
                                "\"entityName\":\"x\",\"writeOperationType\":\"INSERT\""),
     .message = CREATE("Connector orders can not be used as a destination: it declares no mode "
                       "DESTINATION, writeOperationType must be one that orders supports: UPSERT")},
    {.source = "{\"connectorType\":\"CustomConnector\",\"connectorProfileName\":\"left\","
               "\"sourceConnectorProperties\":{\"CustomConnector\":{\"entityName\":\"x\"}}}",
     .message = CREATE("Connector removed of connector profile left is not registered any more. "
                       "Register it again under this label")},
};

/* More faults than the message has room for: whole sentences, and how many are left out. */
#define BAD_MASK TASK("Mask", "NO_OP", "[\"a\"]", "") ","
#define BAD_MASKS BAD_MASK BAD_MASK BAD_MASK BAD_MASK BAD_MASK BAD_MASK BAD_MASK BAD_MASK
#define MASK_FAULT(number)                                                                         \
    "Task Validation Error: task " number " (Mask): the operator NO_OP must be one of: MASK_ALL, " \
    "MASK_FIRST_N, MASK_LAST_N, "

static const struct flow_case crowded[] = {
    {.tasks = BAD_MASKS BAD_MASKS BAD_MASKS MAP_ALL,
     .message = "Create Flow request failed: [" MASK_FAULT("1") MASK_FAULT("2") MASK_FAULT("3")
         MASK_FAULT("4") MASK_FAULT("5") MASK_FAULT("6") MASK_FAULT("7") MASK_FAULT("8")
             MASK_FAULT("9") MASK_FAULT("10") MASK_FAULT("11") MASK_FAULT("12") MASK_FAULT("13")
                 MASK_FAULT("14") MASK_FAULT("15") MASK_FAULT("16") MASK_FAULT("17") "and 7 more]"},
};

/* --- checking them --- */

#define DECLARED(frequencies)                                                                      \
    "{\"connectorOwner\":\"CUSTOM\",\"connectorName\":\"Orders\",\"connectorVersion\":\"1.0\","    \
    "\"connectorModes\":[\"SOURCE\"],\"supportedApiVersions\":[\"v1\"],\"operatorsSupported\":["   \
    "\"PROJECTION\",\"EQUAL_TO\"],\"triggerFrequenciesSupported\":[" frequencies "],"              \
    "\"supportedWriteOperations\":[\"UPSERT\"]}"

static struct profile_context context_of(const struct fixture *f, const struct secret *secret)
{
    return (struct profile_context){.store = f->store, .service_secret = secret};
}

static bool apply_row_insert(struct db *db, void *argument, struct error *error)
{
    return connector_row_insert(db, argument, error);
}

static void register_one(struct fixture *f, const struct profile_context *context, struct str label,
                         struct str declared)
{
    struct registration registration = {
        .row = {.key = {STR("123456789012"), STR("eu-central-1"), label},
                .version = 1,
                .function_arn = STR("arn:aws:lambda:x")}};
    struct value *answer;
    assert_true(json_parse(declared, &f->arena, &answer));
    check(f,
          contract_configuration_read(answer, &f->arena, &registration.configuration, &f->error));
    registration_seal(context, &registration, &f->arena);
    check(f, store_apply(f->store, apply_row_insert, &registration.row, false, &f->error));
}

static void add_profiles(struct fixture *f)
{
    static const struct {
        const char *name, *type, *label;
    } profiles[] = {
        {"crm", "Salesforce", NULL},
        {"desk", "Zendesk", NULL},
        {"warehouse", "Redshift", NULL},
        {"incidents", "Servicenow", NULL},
        {"leads", "Marketo", NULL},
        {"erp", "SAPOData", NULL},
        {"visits", "Googleanalytics", NULL},
        {"vault", "Veeva", NULL},
        {"own", "CustomConnector", "orders"},
        {"once", "CustomConnector", "exports"},
        {"left", "CustomConnector", "removed"},
    };
    for (size_t i = 0; i < sizeof(profiles) / sizeof(*profiles); i++) {
        struct insert_argument insert = {sample_profile(profiles[i].name), 0};
        insert.profile.connector_type = str_from(profiles[i].type);
        insert.profile.connector_label = str_from(profiles[i].label);
        check(f, store_apply(f->store, apply_insert, &insert, false, &f->error));
    }
}

static void check_case(struct fixture *f, const struct profile_context *context,
                       const struct flow_case *row)
{
    struct arena arena = {0};
    struct error error = {0};
    struct value *input;
    struct flow_definition definition;
    struct flow_check flow = {
        .context = context,
        .arena = &arena,
        .account = STR("123456789012"),
        .region = STR("eu-central-1"),
        .kms_arn = str_from(row->kms_arn),
    };
    struct str json = arena_printf(
        &arena,
        "{\"flowName\":\"nightly\",\"sourceFlowConfig\":%s,\"destinationFlowConfigList\":[%s],"
        "\"triggerConfig\":%s,\"tasks\":[%s]}",
        row->source ? row->source : S3_SOURCE, row->destination ? row->destination : S3_TO(""),
        row->trigger ? row->trigger : "{\"triggerType\":\"OnDemand\"}",
        row->tasks ? row->tasks : MAP_ALL);
    if (!restjson_decode(&api_shapes[API_SHAPE_CreateFlowRequest], json, &arena, &input, &error))
        fail_msg("%s: %.*s", error.message, STR_ARG(json));
    flow_definition_read(input, &definition);
    bool ok = flow_check(&flow, &definition, &error);
    if (ok != !row->message || (!ok && strcmp(error.message, row->message) != 0))
        fail_msg("%s\nexpected: %s\nof: %.*s", ok ? "accepted" : error.message,
                 row->message ? row->message : "accepted", STR_ARG(json));
    (void)f;
    arena_done(&arena);
}

static void check_cases(struct fixture *f, const struct flow_case *rows, size_t count)
{
    struct secret *secret = secret_random(32);
    struct profile_context context = context_of(f, secret);
    add_profiles(f);
    register_one(f, &context, STR("orders"), STR(DECLARED("\"HOURLY\",\"DAILY\"")));
    register_one(f, &context, STR("exports"), STR(DECLARED("\"ONCE\"")));
    for (size_t i = 0; i < count; i++)
        check_case(f, &context, &rows[i]);
    secret_free(secret);
}

#define CHECKS(name, rows)                                                                         \
    static void name(void **state)                                                                 \
    {                                                                                              \
        check_cases(*state, rows, sizeof(rows) / sizeof(*(rows)));                                 \
    }

CHECKS(ends_are_checked, ends)
CHECKS(triggers_are_checked, triggers)
CHECKS(tasks_are_checked, tasks)
CHECKS(outputs_are_checked, outputs)
CHECKS(what_connectors_declare_is_heeded, registered)
CHECKS(many_faults_are_counted, crowded)

int main(void)
{
    const struct CMUnitTest all[] = {
        test_with_store(ends_are_checked),
        test_with_store(triggers_are_checked),
        test_with_store(tasks_are_checked),
        test_with_store(outputs_are_checked),
        test_with_store(what_connectors_declare_is_heeded),
        test_with_store(many_faults_are_counted),
    };
    return cmocka_run_group_tests_name("flow-checks", all, NULL, NULL);
}

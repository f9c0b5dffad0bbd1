/* Zendesk: an OAuth token, ready or for an authorization code; the own user proves it. */
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/read_source.h"
#include "connector/http/write_source.h"
#include "connectors/catalogue_sets.h"

static const struct connector_url instance[] = {
    {.given = "instanceUrl", .url = "{instanceUrl}", .bare_domain = "zendesk.com"},
};

/* The host that the vendor names; one that an account maps to it has no such page. */
static const struct connector_consent consent = {
    .urls = LIST(instance),
    .path = "/oauth/authorizations/new",
    .scope = "read write",
    .account_in_probes = TEXT_LIST("/user/id"),
};

/* The longest that there are. Clients of before 2026 get a refresh token only where the access
 * token is to expire; and each renewal that is not needed is one whose answer cannot be lost. */
static const struct connector_life lives[] = {
    {"expires_in", 2 * 24 * 60 * 60},
    {"refresh_token_expires_in", 90 * 24 * 60 * 60},
};

/* A refresh token has no member in the credentials, but a code may bring one: then the access
 * token expires, and a renewal replaces both. */
static const struct connector_auth auth[] = {
    {.oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials",
             .grants = GRANT_REFRESH | GRANT_CODE,
             .client = CLIENT_IN_CREDENTIALS,
             .token_urls = LIST(instance),
             .token_path = "/oauth/tokens",
             .consent = &consent,
             .policy = {.rotation = ROTATION_ALWAYS,
                        .probe = PROBE_OLD_ACCESS_TOKEN,
                        .probe_path = "/api/v2/oauth/tokens/current.json",
                        .old_access_ends = true,
                        .idle_s = 30 * 24 * 60 * 60},
             .json = true,
             .lives = LIST(lives),
             .scope = "read write",
         }},
};

static const struct connector_call probes[] = {
    {.method = "GET", .path = "/api/v2/users/me.json", .needs = "/user/id"},
};

/* The record of the token that asks. */
static const struct connector_call token = {
    .method = "GET",
    .path = "/api/v2/oauth/tokens/current.json",
    .needs = "/token/id",
};

static const struct connector_end end = {
    .call = &token,
    .at = "/token/expires_at",
    .form = TIME_TEXT,
    .absent_is_never = true,
};

static const struct connector_rule rules[] = {
    /* Requests without valid credentials are answered as to an "Anonymous user". */
    {STEP_API, .status = 200, .at = "/user/id", .absent = true, .kind = VERDICT_REJECTED,
     .hint = "The response is that for an anonymous visitor. Get a new access token.",
     .causes = CAUSE_CREDENTIAL},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .renewable = true,
     .hint = "The access token is expired, revoked or of another account. Get a new one.",
     .causes = CAUSE_CREDENTIAL},
    {STEP_API, .status = 403, .at = "/description", .contains = "scope", .kind = VERDICT_FORBIDDEN,
     .hint = "Give the access token the scopes read and write.", .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 403, .kind = VERDICT_FORBIDDEN,
     .hint = "Ask an administrator to check the role of the token's user.",
     .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 404, .kind = VERDICT_MISCONFIGURED,
     .hint = "Check the subdomain in instanceUrl.", .causes = CAUSE_ADDRESS},
    {STEP_API, .status = 409, .kind = VERDICT_BUSY, .hint = "Try again.", .causes = CAUSE_BUSY},
};

static const char *const errors[] = {"/error"};

/* --- entities --- */

/* The resources and their own fields are entities.json's, since no call describes them; a
 * customer's fields come from the account. Types of custom fields are shown as those of the
 * schema. */
static const char *const true_or_false[] = {"true", "false"};

static const struct entity_type types[] = {
    {.type = "boolean", .values = LIST(true_or_false)},
    {.type = "checkbox", .shown = "boolean", .values = LIST(true_or_false)},
    {.type = "decimal", .shown = "decimal"},
    {.type = "lookup", .shown = "integer"},
    {.type = "multiselect", .shown = "array"},
    {.type = "partialcreditcard", .shown = "string"},
    {.type = "regexp", .shown = "string"},
    {.type = "tagger", .shown = "string"},
    {.type = "text", .shown = "string"},
    {.type = "textarea", .shown = "string"},
    {0},
};

/* Cursor pagination. */
static const struct connector_param pages[] = {
    {.name = "page%5Bsize%5D", .value = "{page.size}"},
    {.name = "page%5Bafter%5D", .value = "{page.cursor}", .given = "page.cursor"},
};

static const char always[] = "";

#define CUSTOM_FIELDS(list)                                                                        \
    .items = {.call = {.method = "GET", .path = "/api/v2/" list ".json", .query = LIST(pages)},    \
              .pages = {.kind = PAGES_CURSOR,                                                      \
                        .size = 100,                                                               \
                        .next = "/meta/after_cursor",                                              \
                        .more = {"/meta/has_more", "true", false}},                                \
              .at = "/" list},                                                                     \
    .label = "{item.title}", .description = "{item.description}", .type = "{item.type}",           \
    .creatable.at = always, .updatable.at = always, .nullable.at = always

/* System fields are among the lists: they are the schema's. */
static const struct entity_field_source fields[] = {
    {.of = "tickets",
     CUSTOM_FIELDS("ticket_fields"),
     .items.where = {"/removable", "true", false},
     .name = "custom_field_{item.id}"},
    {.of = "users",
     CUSTOM_FIELDS("user_fields"),
     .items.where = {"/system", "true", true},
     .name = "user_fields.{item.key}",
     .upsertable.at = always},
    {.of = "organizations",
     CUSTOM_FIELDS("organization_fields"),
     .items.where = {"/system", "true", true},
     .name = "organization_fields.{item.key}",
     .upsertable.at = always},
};

static const struct connector_entities entities = {
    .schema = "zendesk",
    .types = LIST(types),
    .fields = LIST(fields),
};

/* --- records --- */

/* The exports take a time alone: from it on a record has changed, or was made. It must be a minute
 * ago. A record that changed without its updated_at is among them too, and is left out here. */
static const struct read_literal literals[] = {{"datetime", READ_UNIX_S, 0}};
static const struct read_condition conditions[] = {
    {"GREATER_THAN", READ_TIMES, "", NULL},
    {"GREATER_THAN_OR_EQUAL_TO", READ_TIMES, "", NULL},
};
static const struct read_dialect since = {
    .literals = LIST(literals),
    .conditions = LIST(conditions),
    .fields = TEXT_LIST("updated_at"),
    .is_value = true,
    .none = "0",
    .newest_s = 2 * 60,
};

static const struct connector_param export[] = {
    {.name = "start_time", .value = "{read.where}", .given = "read.where"},
    {.name = "cursor", .value = "{page.cursor}", .given = "page.cursor"},
};

#define EXPORT(list, parameters)                                                                   \
    {                                                                                              \
        .of = list,                                                                                \
        .call = {.method = "GET",                                                                  \
                 .path =                                                                           \
                     "/api/v2/incremental/" list "/cursor.json?per_page={page.size}" parameters,   \
                 .query = LIST(export)},                                                           \
        .dialect = &since, .filters_first = true, .at = "/" list, .paging = READ_CURSOR,           \
        .size = 1000, .next = "/after_cursor", .more = {                                           \
            "/end_of_stream",                                                                      \
            "true",                                                                                \
            true                                                                                   \
        }                                                                                          \
    }

/* Lists without cursors. */
#define NUMBERED(name, resource)                                                                   \
    {                                                                                              \
        .of = name, .call = {.method = "GET", .path = "/api/v2/" resource ".json?per_page=100"},   \
        .at = "/" name, .paging = READ_URL, .next = "/next_page"                                   \
    }

static const struct read_source sources[] = {
    EXPORT("tickets", "&exclude_deleted=true"),
    EXPORT("users", ""),
    NUMBERED("sla_policies", "slas/policies"),
    NUMBERED("ticket_forms", "ticket_forms"),
    {.of = "ticket_comments",
     .refusal =
         "The vendor lists comments of one ticket at a time: ticket_comments cannot be read"},
    {.of = "ticket_events",
     .refusal = "This version does not read the export of ticket_events yet"},
    {.call = {.method = "GET", .path = "/api/v2/{entity.name}.json", .query = LIST(pages)},
     .at = "/{entity.name}",
     .paging = READ_CURSOR,
     .size = 100,
     .next = "/meta/after_cursor",
     .more = {"/meta/has_more", "true", false},
     .missing = 404},
};

static const struct connector_reads reads = {
    .rows = sources, .count = sizeof(sources) / sizeof(*sources), .name_marks = "_."};

/* --- writes --- */

/* Many records are written by a job, whose results are in the order of the records; those of
 * tickets have their index, too. A result of a failed record has an error and no id of a record, or
 * says in its status or its success that it failed. */
static const struct write_job job = {
    .call = {.method = "GET", .path = "/api/v2/job_statuses/{write.job}.json"},
    .id = "/job_status/id",
    .state = "/job_status/status",
    .ended = TEXT_LIST("completed"),
    .failed = TEXT_LIST("failed", "killed"),
    .message = "/job_status/message",
};

#define BY_JOB(verb, resource)                                                                     \
    .call = {.method = (verb),                                                                     \
             .path = "/api/v2/{entity.name}/" resource ".json",                                    \
             .content_type = "application/json"},                                                  \
    .job = &job, .limits = {.records = 100, .bytes = 1024 * 1024}, .form = WRITE_BODY,             \
    .before = "{\"{entity.name}\":[", .after = "]}",                                               \
    .results = {.at = "/job_status/results",                                                       \
                .good = {"/id", NULL, false},                                                      \
                .fault = "/error",                                                                 \
                .bad = {{"/success", "false", false}, {"/status", "Failed", false}},               \
                .index = "/index",                                                                 \
                .id = "/id",                                                                       \
                .code = "/error",                                                                  \
                .message = "/details"}

/* Fields of an account's own, under the names that they are described by. */
#define OBJECT(name)                                                                               \
    {                                                                                              \
        .prefix = name ".", .member = name, .open = "{", .before = "\"",                           \
        .between = "\":", .after = "", .close = "}"                                                \
    }
static const struct write_group groups[] = {
    OBJECT("user_fields"),
    OBJECT("organization_fields"),
    {.prefix = "custom_field_",
     .is_number = true,
     .member = "custom_fields",
     .open = "[",
     .before = "{\"id\":",
     .between = ",\"value\":",
     .after = "}",
     .close = "]"},
};

#define RESOURCE(name)                                                                             \
    {.of = (name),                                                                                 \
     .operations = 1 << WRITE_INSERT,                                                              \
     BY_JOB("POST", "create_many"),                                                                \
     .groups = groups,                                                                             \
     .group_count = sizeof(groups) / sizeof(*groups)},                                             \
    {                                                                                              \
        .of = (name), .operations = 1 << WRITE_UPDATE, BY_JOB("PUT", "update_many"),               \
        .key = WRITE_KEY_OWN, .key_field = "id", .groups = groups,                                 \
        .group_count = sizeof(groups) / sizeof(*groups)                                            \
    }

static const struct write_source destinations[] = {
    RESOURCE("tickets"),
    {.of = "tickets",
     .operations = 1 << WRITE_UPSERT,
     .refusal = "The vendor has no UPSERT of tickets: use INSERT, or UPDATE by id"},
    RESOURCE("users"),
    {.of = "users",
     .operations = 1 << WRITE_UPSERT,
     BY_JOB("POST", "create_or_update_many"),
     .key = WRITE_KEY_GIVEN,
     .keys = TEXT_LIST("external_id", "email"),
     .groups = groups,
     .group_count = sizeof(groups) / sizeof(*groups)},
    RESOURCE("organizations"),
    {.of = "organizations",
     .operations = 1 << WRITE_UPSERT,
     .call = {.method = "POST",
              .path = "/api/v2/organizations/create_or_update.json",
              .content_type = "application/json"},
     .limits = {.records = 1, .bytes = 1024 * 1024},
     .form = WRITE_BODY,
     .key = WRITE_KEY_GIVEN,
     .keys = TEXT_LIST("external_id", "name"),
     .before = "{\"organization\":",
     .after = "}",
     .groups = groups,
     .group_count = sizeof(groups) / sizeof(*groups),
     .results = {.at = "/organization",
                 .is_lone = true,
                 .unfit = {422},
                 .good = {"/id", NULL, false},
                 .id = "/id",
                 .code = "/error",
                 .message = "/description"}},
};

static const struct connector_writes writes = {
    .rows = destinations,
    .count = sizeof(destinations) / sizeof(*destinations),
    .name_marks = "_",
};

static const struct http_connector http = {
    .end = &end,
    .api = LIST(instance),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    /* developer.zendesk.com, "Rate limits": of the account, a minute. */
    .quota = {.left = "X-Rate-Limit-Remaining",
              .renewed = {"ratelimit-reset", WAIT_SECONDS},
              .is_hosts = true},
    .errors = LIST(errors),
    .entities = &entities,
    .reads = &reads,
    .writes = &writes,
};

/* The scopes are inferred: those that reading and writing need by the vendor's documentation. */
static const struct catalogue_metadata metadata[] = {
    {"oAuthScopes", TEXT_LIST("read", "write")},
};

static const struct catalogue_entry catalogue = {
    .name = "Zendesk",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_MINUTE,
    .destinations = TEXT_LIST(DESTINATIONS_COMMON, "LookoutMetrics"),
    .metadata = LIST(metadata),
    .flows = {.writes = TEXT_LIST("INSERT", "UPDATE", "UPSERT")},
};

const struct connector connector_zendesk = {
    .type = STR("Zendesk"),
    .key = STR("Zendesk"),
    .roles = ROLE_SOURCE | ROLE_DESTINATION,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};

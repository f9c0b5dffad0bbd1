/* Any bytes as a vendor's answers to the verification of each connector: it ends after a bounded
 * number of calls, and what it says is valid UTF-8 of a bounded length without the credentials.
 * The first two bytes choose one of the sandbox's configurations. Then each call takes a byte for
 * the status, one for the headers, two for the body's length, and the body; when nothing is left,
 * the vendor ends the connection. */
#include "connector/connection.h"
#include "connector/connector.h"
#include "sandbox/sandbox.h"

#include "base/clock.h"
#include "base/encode.h"
#include "wire/restjson.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    CONFIGS_MAX = 512,
    BODY_MAX = 4096,
    CALLS_MAX = 500,
    LIST_MAX = 1024 * 1024,
    TIME_MS = 5000
};

struct sample {
    const struct connector *connector;
    const struct value *properties, *credentials;
};

static struct sample samples[CONFIGS_MAX];
static size_t sample_count;
static struct arena samples_arena; /* of the samples; lives as long as the process */

/* The input that is left, and how many answers were made of it. */
static struct {
    const uint8_t *data;
    size_t size, calls;
} vendor;

static void must(bool condition)
{
    if (!condition)
        abort();
}

/* --- the vendor --- */

static size_t take_byte(void)
{
    if (vendor.size == 0)
        return 0;
    vendor.size--;
    return *vendor.data++;
}

static struct str take_body(struct arena *arena)
{
    size_t len = (take_byte() << 8 | take_byte()) % BODY_MAX;
    len = len < vendor.size ? len : vendor.size;
    struct str body = arena_copy(arena, (struct str){(const char *)vendor.data, len});
    vendor.data += len;
    vendor.size -= len;
    return body;
}

static void answer(struct client *client, struct arena *arena, const struct client_request *request,
                   struct client_response *ret_response)
{
    static const int statuses[] = {200, 200, 201, 204, 301, 400, 401,
                                   403, 404, 429, 500, 502, 503, 999};
    static const struct http_header headers[] = {{STR("Content-Type"), STR("application/json")},
                                                 {STR("Content-Type"), STR("text/html")},
                                                 {STR("Retry-After"), STR("1")},
                                                 {STR("Retry-After"), STR("soon")},
                                                 {STR("Location"), STR("https://198.51.100.1/")}};
    (void)client;
    (void)request;
    must(vendor.calls++ < CALLS_MAX);
    *ret_response = (struct client_response){.outcome = CLIENT_BROKEN, .detail = "was cut off"};
    if (vendor.size == 0)
        return;
    *ret_response = (struct client_response){
        .status = statuses[take_byte() % (sizeof(statuses) / sizeof(*statuses))],
        .headers = &headers[take_byte() % (sizeof(headers) / sizeof(*headers))],
        .header_count = 1,
        .connected = true,
        .sent = true,
    };
    ret_response->body = take_body(arena);
}

static void pause_not(int64_t duration_ms)
{
    must(duration_ms >= 0);
}

/* --- the server around it --- */

static enum grant_journal_state begin(void *context, struct token_grant_intent *intent,
                                      struct arena *arena, struct oauth_tokens *ret_tokens,
                                      struct error *error)
{
    (void)context, (void)intent;
    (void)arena, (void)ret_tokens, (void)error;
    return GRANT_JOURNAL_NEW;
}

static bool save(void *context, const struct oauth_tokens *tokens, struct error *error)
{
    (void)context, (void)tokens, (void)error;
    return true;
}

static void end(void *context, enum token_grant_end how)
{
    (void)context, (void)how;
}

static bool find_app(void *context, struct str connector_type, struct arena *arena,
                     struct oauth_app *ret_app, struct error *error)
{
    (void)context, (void)connector_type, (void)arena, (void)error;
    *ret_app = (struct oauth_app){STR("app-id"), STR("app-secret-0123456789")};
    return true;
}

/* --- configurations --- */

static const struct shape *find_shape(struct str name)
{
    size_t i = 0;
    while (!str_eq(api_shapes[i].name, name))
        must(++i < api_shape_count);
    return &api_shapes[i];
}

static void add_sample(const struct connector *connector, const struct value *config)
{
    struct buf text = buf_in(&samples_arena, LIST_MAX);
    struct value *decoded;
    struct error error;
    value_encode(&text, config);
    /* A database is no vendor that answers over HTTP. */
    if (sample_count == CONFIGS_MAX || str_contains(buf_str(&text), STR("\"databaseUrl\"")) ||
        !restjson_decode(find_shape(STR("ConnectorProfileConfig")), buf_str(&text), &samples_arena,
                         &decoded, &error))
        return;
    const struct value *properties = value_get(decoded, "connectorProfileProperties");
    const struct value *credentials = value_get(decoded, "connectorProfileCredentials");
    if (!properties || !credentials || properties->count != 1 || credentials->count != 1)
        return;
    samples[sample_count++] =
        (struct sample){connector, properties->items[0], credentials->items[0]};
}

static void make_samples(void)
{
    struct buf list = buf_in(&samples_arena, LIST_MAX);
    struct value *types;
    sandbox_list_json(&list);
    must(json_parse(buf_str(&list), &samples_arena, &types));
    for (uint32_t i = 0; i < types->count; i++) {
        const struct connector *connector = connector_by_type(types->names[i]);
        const struct value *outcomes = types->items[i];
        for (uint32_t k = 0; connector && k < outcomes->count; k++)
            add_sample(connector, outcomes->items[k]);
    }
    must(sample_count > 0);
}

/* --- the promise --- */

static void check_message(const struct sample *sample, const struct verdict *verdict)
{
    struct str message = verdict->message;
    must(message.len <= VERDICT_MESSAGE_MAX && utf8_is_valid(message));
    for (uint32_t i = 0; i < sample->credentials->count; i++) {
        const struct value *item = sample->credentials->items[i];
        bool secret = item->kind == VALUE_STRING && item->shape && item->shape->sensitive;
        must(!secret || item->text.len < 8 || !str_contains(message, item->text));
    }
}

static void verify(const struct sample *sample, struct arena *arena)
{
    struct oauth_apps *apps = oauth_apps_new(&(struct oauth_apps_config){.find = find_app});
    struct secret *secret = secret_new(STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
    struct aws_access access = {
        .access_key_id = STR("AKIDEXAMPLE"), .secret_access_key = secret, .call = answer};
    struct connector_env env = {.call = answer, .pause = pause_not, .apps = apps, .aws = &access};
    struct token_grant_journal journal = {.begin = begin, .save = save, .end = end};
    struct target_source source = {.connector = sample->connector,
                                   .env = &env,
                                   .properties = sample->properties,
                                   .account = STR("123456789012")};
    struct target target;
    struct verdict verdict = {0};
    struct oauth_tokens tokens = {0};
    target_resolve(&target, &source, arena);
    target_set_credentials(&target, sample->credentials);
    struct vendor_connection_config config = {.target = &target,
                                              .journal = &journal,
                                              .region = STR("eu-west-3"),
                                              .arena = arena,
                                              .deadline_ms = clock_mono_ms() + TIME_MS};
    bool accepted = sample->connector->ops->verify(&config, &verdict, &tokens);
    must(accepted == (verdict.kind == VERDICT_ACCEPTED));
    check_message(sample, &verdict);
    oauth_apps_free(apps);
    secret_free(secret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    if (sample_count == 0)
        make_samples();
    if (size < 2)
        return 0;
    vendor.data = data + 2;
    vendor.size = size - 2;
    vendor.calls = 0;
    verify(&samples[(size_t)(data[0] << 8 | data[1]) % sample_count], &arena);
    arena_done(&arena);
    return 0;
}

/* The library of docs/custom-connectors.md as one executable on libcurl: it asks the Lambda Runtime
 * API for requests and answers them. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

enum { URL_SIZE = 512, TEXT_SIZE = 2048 };

struct bytes {
    char *data;
    size_t len;
};

static size_t take(char *piece, size_t size, size_t count, void *context)
{
    struct bytes *bytes = context;
    size_t added = size * count;
    bytes->data = realloc(bytes->data, bytes->len + added + 1);
    if (!bytes->data)
        return 0;
    memcpy(bytes->data + bytes->len, piece, added);
    bytes->len += added;
    bytes->data[bytes->len] = '\0';
    return added;
}

/* GET, or POST of a body. Ends the process when the API is gone: Lambda's runtimes do. */
static struct bytes request(CURL *curl, const char *url, const char *body)
{
    struct bytes answer = {0};
    long status;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    else
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || (status != 200 && status != 202)) {
        fprintf(stderr, "%s: %s, status %ld\n", url, curl_easy_strerror(code), status);
        exit(1);
    }
    return answer;
}

static const char *text_of(yyjson_val *object, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, name));
    return text ? text : "";
}

/* --- the secret --- */

static struct curl_slist *headers_of_call(void)
{
    char token[TEXT_SIZE];
    const char *given = getenv("AWS_SESSION_TOKEN");
    struct curl_slist *headers =
        curl_slist_append(NULL, "Content-Type: application/x-amz-json-1.1");
    headers = curl_slist_append(headers, "X-Amz-Target: secretsmanager.GetSecretValue");
    snprintf(token, sizeof(token), "X-Amz-Security-Token: %s", given ? given : "");
    return curl_slist_append(headers, token);
}

static int key_is_good(const char *arn)
{
    char provider[128], login[TEXT_SIZE], body[TEXT_SIZE];
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = headers_of_call();
    snprintf(provider, sizeof(provider), "aws:amz:%s:secretsmanager", getenv("AWS_REGION"));
    snprintf(login, sizeof(login), "%s:%s", getenv("AWS_ACCESS_KEY_ID"),
             getenv("AWS_SECRET_ACCESS_KEY"));
    snprintf(body, sizeof(body), "{\"SecretId\":\"%s\"}", arn);
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, provider);
    curl_easy_setopt(curl, CURLOPT_USERPWD, login);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    struct bytes answer = request(curl, getenv("AWS_ENDPOINT_URL_SECRETS_MANAGER"), body);
    yyjson_doc *outer = yyjson_read(answer.data, answer.len, 0);
    const char *secret = text_of(yyjson_doc_get_root(outer), "SecretString");
    yyjson_doc *inner = yyjson_read(secret, strlen(secret), 0);
    int good = strncmp(text_of(yyjson_doc_get_root(inner), "apiKey"), "good", 4) == 0;
    yyjson_doc_free(inner);
    yyjson_doc_free(outer);
    free(answer.data);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return good;
}

/* --- the answers --- */

#define SUCCESS "{\"isSuccess\":true"
#define PROBLEM(code, message)                                                                     \
    "{\"isSuccess\":false,\"errorDetails\":{\"errorCode\":\"" code                                 \
    "\",\"errorMessage\":\"" message "\"}}"
#define BOOK                                                                                       \
    "{\"entityIdentifier\":\"Book\",\"label\":\"Book\",\"hasNestedEntities\":false,"               \
    "\"isWritable\":false}"
#define FIELD(name, key)                                                                           \
    "{\"fieldName\":\"" name "\",\"dataType\":\"String\",\"isPrimaryKey\":" key                    \
    ",\"readProperties\":{\"isRetrievable\":true,\"isQueryable\":true}}"
#define EMMA "\"{\\\"id\\\":\\\"1\\\",\\\"title\\\":\\\"Emma\\\"}\""
#define PERSUASION "\"{\\\"id\\\":\\\"2\\\",\\\"title\\\":\\\"Persuasion\\\"}\""

static const char *answer_to(yyjson_val *asked)
{
    const char *type = text_of(asked, "type");
    yyjson_val *settings = yyjson_obj_get(asked, "connectorRuntimeSettings");
    if (strcmp(type, "DescribeConnectorConfigurationRequest") == 0)
        return SUCCESS
            ",\"connectorOwner\":\"You\",\"connectorName\":\"Library\",\"connectorVersion\":\"1."
            "0\","
            "\"connectorModes\":[\"SOURCE\"],\"supportedApiVersions\":[\"v1\"],"
            "\"authenticationConfig\":{\"isApiKeyAuthSupported\":true},"
            "\"connectorRuntimeSetting\":[{\"key\":\"shelf\",\"dataType\":\"String\","
            "\"required\":true,\"label\":\"Shelf\",\"description\":\"The shelf to read\","
            "\"scope\":\"CONNECTOR_PROFILE\"}]}";
    if (strcmp(type, "ValidateConnectorRuntimeSettingsRequest") == 0)
        return strcmp(text_of(settings, "shelf"), "fiction") == 0
                   ? SUCCESS "}"
                   : "{\"isSuccess\":false,\"errorsByInputField\":{\"shelf\":\"There is no such "
                     "shelf.\"}}";
    if (strcmp(type, "ValidateCredentialsRequest") == 0)
        return key_is_good(text_of(yyjson_obj_get(asked, "credentials"), "secretArn"))
                   ? SUCCESS "}"
                   : PROBLEM("InvalidCredentials", "The library does not know this key.");
    if (strcmp(type, "ListEntitiesRequest") == 0)
        return SUCCESS ",\"entities\":[" BOOK "]}";
    if (strcmp(type, "DescribeEntityRequest") == 0)
        return strcmp(text_of(asked, "entityIdentifier"), "Book") == 0
                   ? SUCCESS ",\"entityDefinition\":{\"entity\":" BOOK
                             ",\"fields\":[" FIELD("id", "true") "," FIELD("title", "false") "]}}"
                   : PROBLEM("ResourceNotFoundError", "There are only books here.");
    if (strcmp(type, "QueryDataRequest") == 0)
        return *text_of(asked, "nextToken") ? SUCCESS ",\"records\":[" PERSUASION "]}"
                                            : SUCCESS ",\"records\":[" EMMA
                                                      "],\"nextToken\":\"1\"}";
    if (strcmp(type, "RetrieveDataRequest") == 0)
        return SUCCESS ",\"records\":[" EMMA "]}";
    return PROBLEM("InvalidArgument", "The library lends; it takes no books.");
}

int main(void)
{
    char next[URL_SIZE], answer_url[URL_SIZE];
    const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
    CURL *curl = curl_easy_init();
    snprintf(next, sizeof(next), "http://%s/2018-06-01/runtime/invocation/next", api);
    for (;;) {
        struct curl_header *id;
        struct bytes asked = request(curl, next, NULL);
        if (curl_easy_header(curl, "Lambda-Runtime-Aws-Request-Id", 0, CURLH_HEADER, -1, &id) !=
            CURLHE_OK)
            return 1;
        snprintf(answer_url, sizeof(answer_url),
                 "http://%s/2018-06-01/runtime/invocation/%s/response", api, id->value);
        yyjson_doc *document = yyjson_read(asked.data, asked.len, 0);
        struct bytes taken = request(curl, answer_url, answer_to(yyjson_doc_get_root(document)));
        yyjson_doc_free(document);
        free(asked.data);
        free(taken.data);
    }
}

/* Lets tests in Python use the S3 client (src/aws/s3.h):
 *
 *     s3-tool URL REGION OPERATION BUCKET [WORD …]
 *
 *     put KEY [absent]            the body from standard input      "etag ETAG"
 *     get KEY [FIRST LENGTH]      the object to standard output
 *     head KEY                    "SIZE ETAG TYPE"
 *     delete KEY
 *     list PREFIX DELIMITER START PAGE     one JSON string a line, of all pages
 *     begin KEY                   "id ID"
 *     part KEY ID NUMBER          the body from standard input      "etag ETAG"
 *     complete KEY ID [absent]    lines "NUMBER ETAG SIZE" from standard input  "etag ETAG"
 *     abort KEY ID
 *     uploads PREFIX              lines "ID JSON-STRING"
 *     parts KEY ID                lines "NUMBER ETAG SIZE"
 *
 * Credentials are in S3_KEY_ID, S3_SECRET and S3_TOKEN. A failure is "error CODE SENTENCE" on
 * standard output, status 1; the status is 2 for wrong words. */
#include "aws/s3.h"

#include "base/clock.h"
#include "base/encode.h"
#include "net/client/client.h"
#include "vault/secret.h"
#include "wire/errors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 64 * 1024 * 1024, TIME_MS = 120 * 1000, PARTS_LISTED_MAX = 10000 };

struct tool {
    struct s3 s3;
    struct arena arena;
    struct s3_place place;
    char **words; /* behind the bucket */
    int count;
    struct error error;
};

static struct str word(const struct tool *tool, int at)
{
    return at < tool->count ? str_from(tool->words[at]) : STR("");
}

static struct str input(struct tool *tool)
{
    struct buf body = buf_in(&tool->arena, INPUT_MAX);
    char piece[64 * 1024];
    size_t size;
    while ((size = fread(piece, 1, sizeof(piece), stdin)) > 0)
        buf_add(&body, (struct str){piece, size});
    return buf_str(&body);
}

static void print_json(struct tool *tool, const char *before, struct str text)
{
    struct buf line = buf_in(&tool->arena, INPUT_MAX);
    buf_add_cstr(&line, before);
    encode_json_string(&line, text);
    printf("%.*s\n", STR_ARG(buf_str(&line)));
}

static bool print_etag(bool good, struct str etag)
{
    if (good)
        printf("etag %.*s\n", STR_ARG(etag));
    return good;
}

static bool put(struct tool *tool)
{
    struct str etag = STR("");
    const struct s3_content content = {
        .body = input(tool), .type = STR("text/plain"), .if_absent = tool->count > 1};
    return print_etag(s3_put(&tool->s3, &tool->place, &content, &tool->arena, &etag, &tool->error),
                      etag);
}

static bool push(void *context, struct str bytes)
{
    (void)context;
    return fwrite(bytes.data, 1, bytes.len, stdout) == bytes.len;
}

static bool get(struct tool *tool)
{
    const struct s3_sink sink = {.push = push};
    const struct s3_range range = {.first = strtoull(word(tool, 1).data, NULL, 10),
                                   .length = strtoull(word(tool, 2).data, NULL, 10)};
    return s3_get(&tool->s3, &tool->place, tool->count > 1 ? &range : NULL, &sink, &tool->arena,
                  &tool->error);
}

static bool head(struct tool *tool)
{
    struct s3_facts facts;
    if (!s3_head(&tool->s3, &tool->place, &tool->arena, &facts, &tool->error))
        return false;
    printf("%" PRIu64 " %.*s %.*s\n", facts.size, STR_ARG(facts.etag), STR_ARG(facts.content_type));
    return true;
}

static bool delete (struct tool *tool)
{
    return s3_delete(&tool->s3, &tool->place, &tool->arena, &tool->error);
}

static bool list(struct tool *tool)
{
    struct s3_query query = {.bucket = tool->place.bucket,
                             .prefix = word(tool, 0),
                             .delimiter = word(tool, 1),
                             .start_after = word(tool, 2),
                             .page_max = atoi(word(tool, 3).data)};
    struct s3_page page;
    do {
        if (!s3_list(&tool->s3, &query, &tool->arena, &page, &tool->error))
            return false;
        for (size_t i = 0; i < page.count; i++)
            print_json(tool, "", page.entries[i].key);
        query.token = page.next_token;
    } while (page.next_token.data);
    return true;
}

static struct s3_upload upload_of(const struct tool *tool)
{
    return (struct s3_upload){.place = tool->place, .id = word(tool, 1)};
}

static bool begin(struct tool *tool)
{
    struct str id;
    if (!s3_upload_begin(&tool->s3, &tool->place, STR("text/plain"), &tool->arena, &id,
                         &tool->error))
        return false;
    printf("id %.*s\n", STR_ARG(id));
    return true;
}

static bool part(struct tool *tool)
{
    struct str etag = STR("");
    const struct s3_upload upload = upload_of(tool);
    return print_etag(s3_upload_part(&tool->s3, &upload, atoi(word(tool, 2).data), input(tool),
                                     &tool->arena, &etag, &tool->error),
                      etag);
}

static size_t read_parts(struct tool *tool, struct s3_part *parts)
{
    size_t count = 0;
    char etag[128];
    while (count < PARTS_LISTED_MAX &&
           scanf("%d %127s %" SCNu64, &parts[count].number, etag, &parts[count].size) == 3)
        parts[count++].etag = arena_copy(&tool->arena, str_from(etag));
    return count;
}

static bool complete(struct tool *tool)
{
    struct str etag = STR("");
    const struct s3_upload upload = upload_of(tool);
    struct s3_part *parts = arena_array(&tool->arena, struct s3_part, PARTS_LISTED_MAX);
    return print_etag(s3_upload_complete(&tool->s3, &upload, parts, read_parts(tool, parts),
                                         tool->count > 2, &tool->arena, &etag, &tool->error),
                      etag);
}

static bool abort_upload(struct tool *tool)
{
    const struct s3_upload upload = upload_of(tool);
    return s3_upload_abort(&tool->s3, &upload, &tool->arena, &tool->error);
}

static bool uploads(struct tool *tool)
{
    struct s3_uploads_query query = {.bucket = tool->place.bucket, .prefix = word(tool, 0)};
    struct s3_uploads_page page;
    do {
        if (!s3_uploads(&tool->s3, &query, &tool->arena, &page, &tool->error))
            return false;
        for (size_t i = 0; i < page.count; i++)
            print_json(tool, arena_printf(&tool->arena, "%.*s ", STR_ARG(page.uploads[i].id)).data,
                       page.uploads[i].place.key);
        query.after_key = page.next_key;
        query.after_id = page.next_id;
    } while (page.next_key.data);
    return true;
}

static bool parts(struct tool *tool)
{
    const struct s3_upload upload = upload_of(tool);
    struct s3_parts_page page = {0};
    do {
        if (!s3_parts(&tool->s3, &upload, page.next_after, &tool->arena, &page, &tool->error))
            return false;
        for (size_t i = 0; i < page.count; i++)
            printf("%d %.*s %" PRIu64 "\n", page.parts[i].number, STR_ARG(page.parts[i].etag),
                   page.parts[i].size);
    } while (page.next_after > 0);
    return true;
}

static const struct {
    const char *name;
    int least; /* words behind the bucket */
    bool key;  /* the first of them */
    bool (*run)(struct tool *tool);
} operations[] = {
    {"put", 1, true, put},
    {"get", 1, true, get},
    {"head", 1, true, head},
    {"delete", 1, true, delete},
    {"list", 4, false, list},
    {"begin", 1, true, begin},
    {"part", 3, true, part},
    {"complete", 2, true, complete},
    {"abort", 2, true, abort_upload},
    {"uploads", 1, false, uploads},
    {"parts", 2, true, parts},
};

static int run(struct tool *tool, const char *name)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
        if (strcmp(operations[i].name, name) != 0 || tool->count < operations[i].least)
            continue;
        if (operations[i].key)
            tool->place.key = word(tool, 0);
        if (operations[i].run(tool))
            return 0;
        printf("error %d %s\n", tool->error.code, tool->error.message);
        return 1;
    }
    fprintf(stderr, "s3-tool: unknown words, see tests/unit/s3_tool.c\n");
    return 2;
}

static struct secret *secret_of(const char *name)
{
    const char *text = getenv(name);
    return text ? secret_new(str_from(text)) : NULL;
}

int main(int count, char **words)
{
    struct egress *egress;
    struct client *client;
    struct error error;
    if (count < 5)
        return 2;
    secret_init();
    _cleanup_secret_ struct secret *secret = secret_of("S3_SECRET");
    _cleanup_secret_ struct secret *token = secret_of("S3_TOKEN");
    if (!egress_new(&(struct egress_config){.allowed = "127.0.0.1"}, &egress, &error) ||
        !client_start(&(struct client_config){.egress = egress}, &client, &error))
        return 2;
    const struct aws_access access = {.client = client,
                                      .access_key_id = str_from(getenv("S3_KEY_ID")),
                                      .secret_access_key = secret,
                                      .session_token = token};
    struct tool tool = {
        .s3 = {.access = &access,
               .url = str_from(words[1]),
               .region = str_from(words[2]),
               .deadline_ms = clock_mono_ms() + TIME_MS},
        .place = {.bucket = str_from(words[4])},
        .words = words + 5,
        .count = count - 5,
    };
    int status = run(&tool, words[3]);
    arena_done(&tool.arena);
    client_free(client);
    egress_free(egress);
    return status;
}

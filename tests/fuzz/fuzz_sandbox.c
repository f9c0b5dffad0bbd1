/* Any bytes as a sandbox file: loading must neither crash nor let through what cannot be played.
 * What loads is asked for something at every route, and for every configuration that it lists. */
#include "sandbox/catalog.h"
#include "sandbox/play.h"
#include "sandbox/profile.h"
#include "wire/restjson.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct memory *memory;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    memory = memory_new(64);
    return 0;
}

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void ask(const struct vendor *vendor, struct str method, struct str path, struct str body)
{
    struct arena arena = {0};
    struct http_head *head = arena_new(&arena, struct http_head);
    struct sandbox_request request;
    *head = (struct http_head){.method = method, .target = path, .header_count = 3};
    head->headers[0] = (struct http_header){STR("Host"), STR("a.v.example:80")};
    head->headers[1] = (struct http_header){STR("Authorization"), STR("Bearer good")};
    head->headers[2] =
        (struct http_header){STR("Content-Type"), STR("application/x-www-form-urlencoded")};
    request_init(&request, head, body, false, &arena);
    struct play play = {.vendor = vendor, .request = &request, .memory = memory, .now_ms = 1};
    const struct sandbox_response *response = play_choose(&play);
    must(response && response->status >= 200 && response->status <= 599);
    struct str text = play_body(&play, response);
    must(text.len <= VENDOR_TEXT_MAX);
    arena_done(&arena);
}

static void authorize(const struct vendor *vendor)
{
    struct arena arena = {0};
    struct str target =
        arena_printf(&arena,
                     "%.*s?response_type=code&client_id=i&state=s&code_challenge_method=S256&"
                     "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&scope=%%3Cb&"
                     "redirect_uri=http%%3A%%2F%%2F127.0.0.1%%2Fc",
                     STR_ARG(vendor->oauth->authorize->path));
    ask(vendor, STR("GET"), target, STR(""));
    ask(vendor, STR("POST"), target, STR("decision=allow"));
    ask(vendor, STR("POST"), target, STR("decision=deny"));
    arena_done(&arena);
}

static void play(const struct vendor *vendor)
{
    ask(vendor, STR("GET"), STR("/nowhere?a=b"), STR(""));
    for (size_t i = 0; i < vendor->route_count; i++)
        ask(vendor, vendor->routes[i].method, vendor->routes[i].path, STR("{\"a\":\"b\"}"));
    if (!vendor->oauth)
        return;
    ask(vendor, STR("POST"), vendor->oauth->path,
        STR("grant_type=client_credentials&client_id=i&client_secret=s"));
    ask(vendor, STR("POST"), vendor->oauth->path,
        STR("grant_type=authorization_code&client_id=i&client_secret=s&code=c&redirect_uri=r"));
    ask(vendor, STR("POST"), vendor->oauth->path,
        STR("grant_type=refresh_token&client_id=i&client_secret=s&refresh_token=t"));
    if (vendor->oauth->authorize)
        authorize(vendor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error error = {0};
    struct vendor *vendor;
    if (vendor_load(STR("file"), (struct str){(const char *)data, size}, &arena, &vendor, &error)) {
        play(vendor);
        for (size_t i = 0; i < vendor->profile_count; i++)
            must(profile_config(vendor, &vendor->profiles[i], &arena) != NULL);
    } else {
        must(error.code == ERR_VALIDATION && error.message[0] != '\0');
    }
    arena_done(&arena);
    return 0;
}

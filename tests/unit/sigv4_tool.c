/* Lets tests in other languages use sigv4 on a request that is read from standard input:
 *
 *     sigv4-tool canonical                          the canonical request of a signed request
 *     sigv4-tool to-sign                            its string to sign
 *     sigv4-tool verify TIMESTAMP SERVICE           "caller ACCOUNT ID REGION", or "refused TEXT"
 *     sigv4-tool sign TIMESTAMP REGION SERVICE      the lines to add
 *
 * The access key is in SIGV4_ACCESS_KEY_ID and SIGV4_SECRET_ACCESS_KEY. */
#include "request_text.h"
#include "wire/sigv4_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST_MAX = 512 * 1024 };

static struct str access_key_id(void)
{
    return str_from(getenv("SIGV4_ACCESS_KEY_ID"));
}

static const struct secret *find_key(void *context, struct str id, struct arena *arena,
                                     struct str *ret_account, struct error *error)
{
    (void)arena;
    (void)error;
    *ret_account = STR("123456789012");
    return str_eq(id, access_key_id()) ? context : NULL;
}

static int print(struct str text)
{
    printf("%.*s\n", STR_ARG(text));
    return 0;
}

static int steps(const struct request_text *text, bool to_sign, struct arena *arena)
{
    struct sigv4_authorization authorization;
    struct error error;
    char payload[SHA256_HEX_SIZE];
    struct buf canonical = buf_in(arena, SIGV4_CANONICAL_MAX);
    struct buf string = buf_in(arena, SIGV4_CANONICAL_MAX);
    struct str header = request_text_header(text, STR("authorization"));
    if (!sigv4_parse_authorization(header, &authorization, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    sha256_hex(text->request.body, payload);
    sigv4_canonical_request(&text->request, authorization.signed_list, authorization.signed_headers,
                            authorization.signed_count, str_from(payload), true, &canonical);
    if (!to_sign)
        return print(buf_str(&canonical));
    sigv4_string_to_sign(request_text_header(text, STR("x-amz-date")), &authorization.scope,
                         buf_str(&canonical), &string);
    return print(buf_str(&string));
}

static int verify(const struct request_text *text, const struct secret *secret, int64_t now_ms,
                  const char *service, struct arena *arena)
{
    struct error error;
    struct sigv4_caller caller;
    const struct sigv4_keys keys = {.find = find_key, .context = (void *)(uintptr_t)secret};
    const struct str service_name = str_from(service);
    const struct sigv4_services services = {&service_name, 1};
    if (!sigv4_verify(&text->request, &services, now_ms, &keys, NULL, arena, &caller, &error)) {
        printf("refused %s\n", error.message);
        return 1;
    }
    printf("caller %.*s %.*s %.*s\n", STR_ARG(caller.account), STR_ARG(caller.access_key_id),
           STR_ARG(caller.region));
    return 0;
}

static int sign(const struct request_text *text, const struct secret *secret, int64_t now_ms,
                char **names, struct arena *arena)
{
    struct str date, authorization;
    sigv4_sign(&text->request, access_key_id(), secret, str_from(names[0]), str_from(names[1]),
               now_ms, arena, &date, &authorization);
    printf("X-Amz-Date: %.*s\nAuthorization: %.*s\n", STR_ARG(date), STR_ARG(authorization));
    return 0;
}

int main(int count, char **words)
{
    static char input[REQUEST_MAX];
    static struct request_text text;
    struct arena arena = {0};
    int64_t now_ms = 0;
    int status = 2;
    const char *command = count > 1 ? words[1] : "";
    const char *key = getenv("SIGV4_SECRET_ACCESS_KEY");
    _cleanup_secret_ struct secret *secret = secret_new(key ? str_from(key) : STR(""));
    size_t size = fread(input, 1, sizeof(input), stdin);
    bool timed = count > 2 && sigv4_time_parse(str_from(words[2]), false, &now_ms);
    if (size == sizeof(input) || !request_text_parse((struct str){input, size}, &text))
        fprintf(stderr, "sigv4-tool: that is no request\n");
    else if (count == 2 && strcmp(command, "canonical") == 0)
        status = steps(&text, false, &arena);
    else if (count == 2 && strcmp(command, "to-sign") == 0)
        status = steps(&text, true, &arena);
    else if (count == 4 && strcmp(command, "verify") == 0 && timed)
        status = verify(&text, secret, now_ms, words[3], &arena);
    else if (count == 5 && strcmp(command, "sign") == 0 && timed)
        status = sign(&text, secret, now_ms, words + 3, &arena);
    else
        fprintf(stderr, "usage: sigv4-tool canonical | to-sign | verify TIMESTAMP SERVICE | "
                        "sign TIMESTAMP REGION SERVICE\n");
    arena_done(&arena);
    return status;
}

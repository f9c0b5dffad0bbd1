/* Two keys, of which one has a session. */
#include "sandbox/signers.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "vault/secret.h"
#include "wire/sigv4.h"

#include <stdlib.h>

/* What the server has in sandbox mode, and what sandbox/aws.json answers AssumeRole with. */
static const char own_id[] = "SANDBOXACCESSKEY", own_secret[] = "sandbox";
static const char role_id[] = "ASIASANDBOXROLE00001", role_secret[] = "sandbox-role-secret";
static const char role_token[] = "sandbox-role-session-token";

struct signers {
    struct secret *own, *role;
};

struct signers *signers_new(void)
{
    struct signers *signers = xcalloc(1, sizeof(*signers));
    signers->own = secret_new(str_from(own_secret));
    signers->role = secret_new(str_from(role_secret));
    return signers;
}

void signers_free(struct signers *signers)
{
    if (!signers)
        return;
    secret_free(signers->own);
    secret_free(signers->role);
    free(signers);
}

static const struct secret *find(void *context, struct str id, struct arena *arena,
                                 struct str *ret_account, struct error *error)
{
    const struct signers *signers = context;
    (void)arena;
    (void)error;
    *ret_account = STR("123456789012");
    return str_eq(id, str_from(own_id)) ? signers->own : NULL;
}

static const struct secret *find_session(void *context, struct str id, struct str token,
                                         struct arena *arena, struct str *ret_account,
                                         struct error *error)
{
    const struct signers *signers = context;
    (void)arena;
    (void)error;
    *ret_account = STR("123456789012");
    return str_eq(id, str_from(role_id)) && str_eq(token, str_from(role_token)) ? signers->role
                                                                                : NULL;
}

bool signers_check(const struct signers *signers, const struct sandbox_request *request,
                   struct str service, struct error *error)
{
    const struct http_head *head = request->head;
    const struct sigv4_request signed_request = {
        .method = head->method,
        .path = request->path,
        .query = request->query.data ? request->query : STR(""),
        .headers = head->headers,
        .header_count = head->header_count,
        .body = request->body.data ? request->body : STR(""),
        .s3 = str_eq(service, STR("s3")),
    };
    const struct sigv4_services services = {&service, 1};
    const struct sigv4_keys keys = {
        .find = find, .find_session = find_session, .context = (void *)(uintptr_t)signers};
    struct sigv4_caller caller;
    return sigv4_verify(&signed_request, &services, clock_wall_ms(), &keys, NULL, request->arena,
                        &caller, error);
}

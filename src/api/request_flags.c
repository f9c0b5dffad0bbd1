/* Reading the headers that change what an operation does. */
#include "api/request_flags.h"

#include <stddef.h>

static const struct request_flag {
    struct str header;
    enum operation_flag needs; /* of the operation */
    size_t member;             /* of struct api_request */
    const char *missing;       /* behind the name of an operation that it is not for */
    const char *operations;    /* that it is for */
    const char *without;       /* what a request is for that does not have it */
} flags[] = {
    {STR("X-Headgate-Dry-Run"), OPERATION_TRIABLE, offsetof(struct api_request, is_dry_run),
     "has no dry run", "CreateConnectorProfile and UpdateConnectorProfile", "make the change"},
    {STR("X-Headgate-Rollback"), OPERATION_ROLLS_BACK, offsetof(struct api_request, is_rollback),
     "has no rollback", "UpdateConnectorProfile", "make the update"},
    {STR("X-Headgate-Consent"), OPERATION_TRIABLE, offsetof(struct api_request, is_consent),
     "makes no link to authorize on", "CreateConnectorProfile and UpdateConnectorProfile",
     "make the change"},
    {STR("X-Headgate-Preview"), OPERATION_PREVIEWS, offsetof(struct api_request, is_preview),
     "has no preview", "CreateFlow and UpdateFlow", "make the change"},
    {STR("X-Headgate-Quotas"), OPERATION_QUOTAS, offsetof(struct api_request, is_quotas),
     "lists no quotas", "ListFlows", "list flows"},
};

/* *ret_value: of the first. */
static size_t find(const struct http_head *head, struct str name, struct str *ret_value)
{
    size_t count = 0;
    for (size_t i = 0; i < head->header_count; i++) {
        if (!str_eq_nocase(head->headers[i].name, name))
            continue;
        if (count++ == 0)
            *ret_value = head->headers[i].value;
    }
    return count;
}

static bool read_flag(struct api_request *request, const struct request_flag *flag)
{
    struct str value = STR_NULL;
    size_t count = find(&request->exchange->head, flag->header, &value);
    if (count == 0)
        return true;
    if (!(request->operation->flags & (unsigned)flag->needs))
        return fail(&request->error, ERR_VALIDATION,
                    "%.*s %s, and nothing was done. The header %.*s is for %s.",
                    STR_ARG(request->operation->name), flag->missing, STR_ARG(flag->header),
                    flag->operations);
    if (count > 1 || !str_eq(value, STR("true")))
        return fail(&request->error, ERR_VALIDATION,
                    "The header %.*s must be there once, with the value \"true\". Leave it out to "
                    "%s.",
                    STR_ARG(flag->header), flag->without);
    *(bool *)((char *)request + flag->member) = true;
    return true;
}

bool request_read_flags(struct api_request *request)
{
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
        if (!read_flag(request, &flags[i]))
            return false;
    }
    if (request->is_consent && (request->is_dry_run || request->is_rollback))
        return fail(&request->error, ERR_VALIDATION,
                    "X-Headgate-Consent goes with no other header of this kind. Leave one out.");
    return !request->is_dry_run || !request->is_rollback ||
           fail(&request->error, ERR_VALIDATION,
                "A rollback has no dry run: it verifies before it changes anything. Leave out "
                "X-Headgate-Dry-Run.");
}

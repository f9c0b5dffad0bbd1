/* From an ARN or a name to the resource, and whether it exists. */
#include "api/tagged_resource.h"

#include "store/connectors.h"
#include "store/flows.h"

/* --- what each kind is --- */

static struct connector_key connector_key_of(const struct tagged *tagged)
{
    return (struct connector_key){tagged->account, tagged->region, tagged->name};
}

static bool find_connector(struct store_reader *reader, struct arena *arena,
                           const struct tagged *tagged, bool *ret_found, struct error *error)
{
    struct connector_row row;
    return connector_row_find(reader, arena, connector_key_of(tagged), &row, ret_found, error);
}

static bool hold_connector(struct db *db, const struct tagged *tagged, struct error *error)
{
    return connector_row_hold(db, connector_key_of(tagged), error);
}

static struct flow_key flow_key_of(const struct tagged *tagged)
{
    return (struct flow_key){tagged->account, tagged->region, tagged->name};
}

static bool find_flow(struct store_reader *reader, struct arena *arena, const struct tagged *tagged,
                      bool *ret_found, struct error *error)
{
    struct flow_row row;
    return flow_row_find(reader, arena, flow_key_of(tagged), &row, ret_found, error);
}

static bool hold_flow(struct db *db, const struct tagged *tagged, struct error *error)
{
    return flow_row_hold(db, flow_key_of(tagged), error);
}

static const struct taggable {
    struct str name;    /* in ARNs */
    const char *member; /* of inputs, which names one */
    bool (*find)(struct store_reader *reader, struct arena *arena, const struct tagged *tagged,
                 bool *ret_found, struct error *error);
    bool (*hold)(struct db *db, const struct tagged *tagged, struct error *error);
} kinds[] = {
    {STR("connector"), "connectorLabel", find_connector, hold_connector},
    {STR("flow"), "flowName", find_flow, hold_flow},
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static const struct taggable *find_kind(struct str name)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (str_eq(kinds[i].name, name))
            return &kinds[i];
    }
    return NULL;
}

/* --- which resource --- */

static bool fail_missing(const struct tagged *tagged, struct error *error)
{
    return fail(error, ERR_NOT_FOUND,
                "Resource arn:aws:appflow:%.*s:%.*s:%.*s/%.*s does not exist.",
                STR_ARG(tagged->region), STR_ARG(tagged->account), STR_ARG(tagged->kind),
                STR_ARG(tagged->name));
}

/* The model's pattern has made sure of the first five colons. */
static bool split(struct str arn, struct str *ret_service, struct tagged *ret_tagged)
{
    struct str word, partition, rest = arn;
    return str_cut(rest, ':', &word, &rest) && str_cut(rest, ':', &partition, &rest) &&
           str_cut(rest, ':', ret_service, &rest) &&
           str_cut(rest, ':', &ret_tagged->region, &rest) &&
           str_cut(rest, ':', &ret_tagged->account, &rest) &&
           str_cut(rest, '/', &ret_tagged->kind, &ret_tagged->name) && ret_tagged->name.len > 0;
}

bool tagged_resource_read(const struct api_request *request, struct str arn,
                          struct tagged *ret_tagged, struct error *error)
{
    const struct sigv4_caller *caller = &request->caller;
    struct str service;
    if (!split(arn, &service, ret_tagged) || !str_eq(service, STR("appflow")))
        return fail(error, ERR_VALIDATION,
                    "%.*s is not the ARN of an AppFlow resource, such as "
                    "arn:aws:appflow:us-east-1:123456789012:flow/name.",
                    STR_ARG(arn));
    if (!find_kind(ret_tagged->kind))
        return fail(error, ERR_VALIDATION,
                    "A %.*s cannot be tagged. Flows and registered connectors can.",
                    STR_ARG(ret_tagged->kind));
    if (!str_eq(ret_tagged->account, caller->account) ||
        !str_eq(ret_tagged->region, caller->region))
        return fail_missing(ret_tagged, error);
    return true;
}

bool tagged_resource_of(const struct api_request *request, struct tagged *ret_tagged)
{
    struct str arn = value_text(request->input, "resourceArn");
    struct error ignored = {0};
    if (arn.data)
        return tagged_resource_read(request, arn, ret_tagged, &ignored);
    for (size_t i = 0; i < KINDS; i++) {
        struct str name = value_text(request->input, kinds[i].member);
        *ret_tagged =
            (struct tagged){request->caller.account, request->caller.region, kinds[i].name, name};
        if (name.len > 0)
            return true;
    }
    return false;
}

/* --- whether it exists --- */

bool tagged_resource_check(struct store_reader *reader, struct arena *arena,
                           const struct tagged *tagged, struct error *error)
{
    const struct taggable *kind = find_kind(tagged->kind);
    bool found = false;
    if (!kind->find(reader, arena, tagged, &found, error))
        return false;
    return found || fail_missing(tagged, error);
}

bool tagged_resource_hold(struct db *db, const struct tagged *tagged, struct error *error)
{
    const struct taggable *kind = find_kind(tagged->kind);
    if (kind->hold(db, tagged, error))
        return true;
    return error->code == ERR_NOT_FOUND && fail_missing(tagged, error);
}

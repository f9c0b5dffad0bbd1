/* Which variant a profile means, where it leads, and what must be there for it. */
#include "redshift.h"

#include "auth/aws_role.h"

#include <string.h>

enum { BUCKET_MIN = 3, BUCKET_MAX = 63 };

/* A member of the Data API decides, since a JDBC URL may still be there from before. */
static enum redshift_variant variant_of(const struct value *properties)
{
    if (value_text(properties, "dataApiRoleArn").len > 0 ||
        value_text(properties, "clusterIdentifier").len > 0 ||
        value_text(properties, "workgroupName").len > 0 ||
        value_flag(properties, "isRedshiftServerless", false))
        return REDSHIFT_DATA_API;
    return value_text(properties, "databaseUrl").len > 0 ? REDSHIFT_JDBC : REDSHIFT_NONE;
}

/* Which database gets the password, and how well the connection to it is guarded. Its name counts,
 * since a proxy in front of several servers chooses among them by it. The Data API is AWS's own and
 * gets no password. */
static struct str origin_of(const struct redshift_target *own, struct arena *arena)
{
    if (own->variant != REDSHIFT_JDBC)
        return STR("data-api:");
    if (own->fault)
        return STR("nowhere:");
    return arena_printf(arena, "postgresql://%.*s:%d/%.*s?tls=%d", STR_ARG(own->url.host),
                        own->url.port, STR_ARG(own->url.database), (int)own->url.tls);
}

static struct str service_url(const struct target *target)
{
    const struct connector_env *env = target->env;
    struct str url = env && env->endpoint_override
                         ? env->endpoint_override(env->endpoint_context, target->connector->type)
                         : STR_NULL;
    return url.data ? url : STR("https://redshift-data.{region}.amazonaws.com");
}

void redshift_resolve(struct target *target)
{
    struct redshift_target *own = arena_new(target->arena, struct redshift_target);
    struct str *origins = arena_array(target->arena, struct str, 1);
    struct error error;
    own->variant = variant_of(target->properties);
    if (own->variant == REDSHIFT_JDBC &&
        !jdbc_url_parse(target->arena, value_text(target->properties, "databaseUrl"), &own->url,
                        &error))
        own->fault = error_keep(target->arena, &error);
    own->service_url = service_url(target);
    target->custom = own;
    origins[0] = origin_of(own, target->arena);
    target_set_origins(target, origins, 1);
}

static bool fail_blank(const char *member, struct error *error)
{
    return fail(error, ERR_VALIDATION,
                "Validation exception: %s cannot be blank for connector: REDSHIFT", member);
}

/* Amazon S3's user guide, "Bucket naming rules", without its reserved prefixes. */
static bool is_bucket(struct str name)
{
    bool numeric = true;
    if (name.len < BUCKET_MIN || name.len > BUCKET_MAX || !ascii_is_lower_alnum(name.data[0]) ||
        !ascii_is_lower_alnum(name.data[name.len - 1]) || str_contains(name, STR("..")))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!ascii_is_lower_alnum(c) && c != '.' && c != '-')
            return false;
        numeric = numeric && (ascii_is_digit(c) || c == '.');
    }
    return !numeric || !str_contains(name, STR(".")); /* an IPv4 address is no bucket */
}

static bool check_role(const struct value *properties, const char *member, struct error *error)
{
    struct str arn = value_text(properties, member);
    return arn.len == 0 || aws_role_arn_is_valid(arn) ||
           fail(error, ERR_VALIDATION,
                "Validation exception: %s must be a role of IAM, arn:aws:iam::ACCOUNT:role/NAME, "
                "for connector: REDSHIFT",
                member);
}

/* The members for the stage in S3. A connection does not need them; flows require what is missing.
 */
static bool check_stage(const struct value *properties, struct error *error)
{
    struct str bucket = value_text(properties, "bucketName");
    if (bucket.len > 0 && !is_bucket(bucket))
        return fail(error, ERR_VALIDATION,
                    "Validation exception: bucketName must be a name that Amazon S3 allows (3 to "
                    "63 small letters, digits, '-' and '.') for connector: REDSHIFT");
    return check_role(properties, "roleArn", error) &&
           check_role(properties, "dataApiRoleArn", error);
}

/* The URL has no use beside the Data API, but it is kept and shown. */
static bool check_data_api(const struct target *target, struct error *error)
{
    const struct value *properties = target->properties, *credentials = target->credentials;
    bool serverless = value_flag(properties, "isRedshiftServerless", false);
    const char *wanted = serverless ? "workgroupName" : "clusterIdentifier";
    const char *other = serverless ? "clusterIdentifier" : "workgroupName";
    if (value_text(properties, "dataApiRoleArn").len == 0)
        return fail_blank("DataApiRoleArn", error);
    if (value_text(properties, other).len > 0)
        return fail(error, ERR_VALIDATION,
                    "Validation exception: %s does not go with isRedshiftServerless %s for "
                    "connector: REDSHIFT",
                    other, serverless ? "true" : "false");
    if (value_text(properties, wanted).len == 0)
        return fail_blank(serverless ? "WorkgroupName" : "ClusterIdentifier", error);
    if (value_text(properties, "databaseName").len == 0)
        return fail_blank("DatabaseName", error);
    if (!serverless && credentials && value_text(credentials, "username").len == 0)
        return fail_blank("Username", error);
    return jdbc_url_check_shown(target->arena, value_text(properties, "databaseUrl"), error);
}

static bool check_jdbc(const struct redshift_target *own, const struct value *credentials,
                       struct error *error)
{
    if (own->fault)
        return fail(error, own->fault->code, "%s", own->fault->message);
    if (!credentials)
        return true;
    if (value_text(credentials, "username").len == 0)
        return fail_blank("Username", error);
    return value_text(credentials, "password").len > 0 || fail_blank("Password", error);
}

bool redshift_check(const struct target *target, struct error *error)
{
    const struct redshift_target *own = target->custom;
    if (!check_stage(target->properties, error))
        return false;
    switch (own->variant) {
    case REDSHIFT_DATA_API:
        return check_data_api(target, error);
    case REDSHIFT_JDBC:
        return check_jdbc(own, target->credentials, error);
    case REDSHIFT_NONE:
        break;
    }
    return fail(error, ERR_VALIDATION,
                "Validation exception: give dataApiRoleArn with clusterIdentifier or "
                "workgroupName, or databaseUrl, for connector: REDSHIFT");
}

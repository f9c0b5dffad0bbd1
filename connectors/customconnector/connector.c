/* Connectors of the user's own: the shapes of their credentials, and OAuth at the token endpoint
 * that the profile names. What proves any of them is the connector's own code, by its label. */
#include "base/error.h"
#include "connector/http/http_connector.h"
#include "connectors/catalogue_sets.h"
#include "wire/value.h"

static const struct connector_url token[] = {
    {.given = "oAuth2Properties.tokenUrl", .url = "{oAuth2Properties.tokenUrl}", .exact = true},
};

/* Handed to the connector's own code as they are. */
static const struct connector_headers handed_over = {0};

static const struct connector_auth auth[] = {
    {.given = "credentials.basic", .headers = &handed_over},
    {.given = "credentials.apiKey", .headers = &handed_over},
    {.given = "credentials.custom", .headers = &handed_over},
    {.given = "credentials.oauth2",
     .oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials.oauth2",
             .grant_type = "oAuth2Properties.oAuth2GrantType",
             .grants = GRANT_REFRESH | GRANT_CODE | GRANT_JWT_BEARER | GRANT_CLIENT_CREDENTIALS,
             .client = CLIENT_IN_CREDENTIALS,
             .token_urls = LIST(token),
             .params = "oAuth2Properties.tokenUrlCustomProperties",
         }},
    {.headers = &handed_over},
};

static const struct {
    const char *type;
    const char *member;
} shapes[] = {
    {"BASIC", "basic"},
    {"APIKEY", "apiKey"},
    {"CUSTOM", "custom"},
    {"OAUTH2", "oauth2"},
};

static bool check_shape(const struct value *credentials, struct error *error)
{
    struct str type = value_text(credentials, "authenticationType");
    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
        bool wanted = str_eq(type, str_from(shapes[i].type));
        bool given = value_get(credentials, shapes[i].member) != NULL;
        if (wanted && !given)
            return fail(error, ERR_VALIDATION,
                        "Validation exception: authenticationType %.*s needs the member %s in the "
                        "credentials",
                        STR_ARG(type), shapes[i].member);
        if (!wanted && given)
            return fail(error, ERR_VALIDATION,
                        "Validation exception: the member %s in the credentials does not go with "
                        "authenticationType %.*s",
                        shapes[i].member, STR_ARG(type));
    }
    return true;
}

/* What the grant itself sends; an assertion has no other place than here. */
static bool check_params(const struct value *properties, struct error *error)
{
    static const char *const own[] = {"grant_type",    "client_id",    "client_secret", "code",
                                      "refresh_token", "redirect_uri", "scope"};
    const struct value *oauth2 = value_get(properties, "oAuth2Properties");
    const struct value *params = value_get(oauth2, "tokenUrlCustomProperties");
    bool bearer = str_eq(value_text(oauth2, "oAuth2GrantType"), STR("JWT_BEARER"));
    for (size_t i = 0; params && i < params->count; i++) {
        bool taken = !bearer && str_eq(params->names[i], STR("assertion"));
        for (size_t j = 0; j < sizeof(own) / sizeof(*own); j++)
            taken = taken || str_eq(params->names[i], str_from(own[j]));
        if (taken)
            return fail(error, ERR_VALIDATION,
                        "Validation exception: tokenUrlCustomProperties must not name %.*s",
                        STR_ARG(params->names[i]));
    }
    return true;
}

static bool check(const struct value *properties, const struct value *credentials,
                  struct error *error)
{
    return check_params(properties, error) && (!credentials || check_shape(credentials, error));
}

/* Bearer tokens are refused with this header (RFC 6750, 3). */
static const char *const errors[] = {"WWW-Authenticate"};

static const struct http_connector http = {
    .life = {.password = "the connector's function knows more than this server",
             .key = "the connector's function knows more than this server"},
    .auth = LIST(auth),
    .errors = LIST(errors),
    .check = check,
};

/* Of the type as such; a registered connector declares its own. The destinations that are described
 * are those that its SDKs' validation files show. */
static const struct catalogue_entry catalogue = {
    .name = "Custom connector",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_MINUTE,
    .destinations = TEXT_LIST("S3", "CustomConnector", "Salesforce"),
    .flows =
        {
            /* Those of the User Guide's page "JDBC connector", whose connector is of this type. */
            .destinations =
                TEXT_LIST("S3", "CustomConnector", "Salesforce", "Redshift", "Snowflake",
                          "Upsolver", "Zendesk", "Marketo", "SAPOData", "LookoutMetrics"),
            /* Refused by the real service: hashicorp/terraform-provider-aws issue 34508. */
            .needs_projection = true,
        },
};

const struct connector connector_customconnector = {
    .type = STR("CustomConnector"),
    .key = STR("CustomConnector"),
    .roles = ROLE_SOURCE | ROLE_DESTINATION,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};

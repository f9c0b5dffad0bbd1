/* A registered connector with a declaration that has something of everything, and the profiles that
 * its tests use. */
#pragma once

#include "connector_script.h"

#include "connector/custom/connector.h"
#include "wire/json_value.h"

static struct script script;

#define TOKEN_URL "https://login.custom.example/oauth/token"
#define SETTING(key, scope, more)                                                                  \
    "{\"key\":\"" key "\",\"dataType\":\"String\",\"label\":\"l\",\"description\":\"d\","          \
    "\"scope\":\"" scope "\"" more "}"
#define REQUIRED ",\"required\":true"

/* With the nulls of the SDK for Python. */
static const char usual[] =
    "{\"isSuccess\":true,\"connectorName\":\"Own\",\"supportedApiVersions\":[\"v2\",\"v1\"],"
    "\"authenticationConfig\":{"
    "\"isBasicAuthSupported\":true,\"isApiKeyAuthSupported\":null,\"isOAuth2Supported\":true,"
    "\"isCustomAuthSupported\":true,\"oAuth2Defaults\":{\"tokenURL\":[\"" TOKEN_URL "\","
    "\"https://{{tenant}}.custom.example/token\"],\"authURL\":[],\"oAuthScopes\":[\"read\","
    "\"write\"],\"oAuth2GrantTypesSupported\":[\"CLIENT_CREDENTIALS\",\"AUTHORIZATION_CODE\"],"
    "\"oAuth2ContentType\":\"URL_ENCODED\",\"oAuth2MethodType\":\"HTTP_POST\","
    "\"addBasicAuthHeader\":false,\"oAuth2CustomProperties\":[{\"key\":\"audience\","
    "\"required\":true,\"type\":\"TOKEN_URL\",\"connectorSuppliedValues\":[\"a1\",\"a2\"]},"
    "{\"key\":\"prompt\",\"required\":true,\"type\":\"AUTH_URL\"}]},"
    "\"customAuthConfig\":[{\"authenticationType\":\"Token\",\"authParameters\":[{\"key\":"
    "\"token\",\"required\":true,\"sensitiveField\":true},{\"key\":\"kind\",\"required\":false,"
    "\"connectorSuppliedValues\":[\"k1\",\"k2\"]}]},{\"authenticationType\":\"Bare\","
    "\"authParameters\":null}]},\"connectorRuntimeSetting\":[" SETTING(
        "instanceUrl", "CONNECTOR_PROFILE",
        REQUIRED) "," SETTING("tier", "CONNECTOR_PROFILE",
                              ",\"connectorSuppliedValueOptions\":[\"small\","
                              "\"large\"]") "," SETTING("batch",
                                                        "SOURCE_AND_"
                                                        "DESTINATION",
                                                        REQUIRED) "]}";

static const struct connector *connector_of(const char *configuration)
{
    struct value *value;
    assert_true(json_parse(str_from(configuration), &script.arena, &value));
    struct custom_registration *registration = arena_new(&script.arena, struct custom_registration);
    *registration = (struct custom_registration){
        .account = STR(SCRIPT_ACCOUNT),
        .label = STR("Own"),
        .function_arn = STR("arn:aws:lambda:eu-west-3:123456789012:function:own"),
        .configuration = value,
    };
    return custom_connector_new(&script.arena, registration);
}

static const struct value *properties_of(const char *json)
{
    return script_value(&script, "CustomConnectorProfileProperties", json);
}

static const struct value *credentials_of(const char *json)
{
    return script_value(&script, "CustomConnectorProfileCredentials", json);
}

#define BASIC                                                                                      \
    "{\"authenticationType\":\"BASIC\",\"basic\":{\"username\":\"u\",\"password\":\"p4ss\"}}"
#define CUSTOM(type, map)                                                                          \
    "{\"authenticationType\":\"CUSTOM\",\"custom\":{\"customAuthenticationType\":\"" type          \
    "\",\"credentialsMap\":{" map "}}}"
#define OAUTH2(members) "{\"authenticationType\":\"OAUTH2\",\"oauth2\":{" members "}}"
#define APP "\"clientId\":\"cl1ent\",\"clientSecret\":\"s3cret\""
#define CODE "\"oAuthRequest\":{\"authCode\":\"c0de\",\"redirectUri\":\"https://r.example/cb\"}"
#define SETTINGS(map) "{\"profileProperties\":{" map "}}"
#define URL_SETTING "\"instanceUrl\":\"https://x\""
#define AT(url, grant, params)                                                                     \
    "{\"profileProperties\":{" URL_SETTING "},\"oAuth2Properties\":{\"tokenUrl\":\"" url           \
    "\",\"oAuth2GrantType\":\"" grant "\",\"tokenUrlCustomProperties\":{" params "}}}"
#define AUDIENCE "\"audience\":\"a1\""

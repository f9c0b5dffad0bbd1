/* Each error code's exception name, HTTP status and default text. */
#include "wire/errors.h"

#include "base/encode.h"

#include <stddef.h>

static const struct error_kind KINDS[ERR_COUNT] = {
    /* An operation that failed without setting an error: a defect. */
    [ERR_NONE] = {"InternalServerException", 500, "An internal error occurred."},

    /* The API model's. */
    [ERR_VALIDATION] = {"ValidationException", 400, "The request has invalid parameters."},
    [ERR_CONFLICT] = {"ConflictException", 409, "The request conflicts with another one."},
    [ERR_NOT_FOUND] = {"ResourceNotFoundException", 404, "The resource does not exist."},
    [ERR_QUOTA] = {"ServiceQuotaExceededException", 402, "A quota would be exceeded."},
    [ERR_CONNECTOR_AUTHENTICATION] = {"ConnectorAuthenticationException", 401,
                                      "The connector did not accept the credentials."},
    [ERR_CONNECTOR_SERVER] = {"ConnectorServerException", 400,
                              "The connector's endpoint answered with an error."},
    [ERR_ACCESS_DENIED] = {"AccessDeniedException", 403, "Access is denied."},
    [ERR_THROTTLING] = {"ThrottlingException", 429, "Rate exceeded."},
    [ERR_UNSUPPORTED_OPERATION] = {"UnsupportedOperationException", 400,
                                   "The operation does not apply to this resource."},
    [ERR_INTERNAL] = {"InternalServerException", 500, "An internal error occurred."},

    /* Every AWS front end's. */
    [ERR_SERIALIZATION] = {"SerializationException", 400, "The request cannot be read."},
    [ERR_UNAVAILABLE] = {"ServiceUnavailableException", 503,
                         "The service cannot take requests at the moment. Try again later."},
    [ERR_NOT_IMPLEMENTED] = {"NotImplementedException", 501, "This is not implemented yet."},
    [ERR_UNKNOWN_OPERATION] = {"UnknownOperationException", 404,
                               "There is no operation with this method and path."},
    [ERR_TOO_LARGE] = {"RequestEntityTooLargeException", 413, "The request is too large."},
    [ERR_UNSUPPORTED_MEDIA] = {"UnsupportedMediaTypeException", 415,
                               "The request's body has a form that is not supported."},
    [ERR_UNRECOGNIZED_CLIENT] = {"UnrecognizedClientException", 403,
                                 "The security token included in the request is invalid."},
    [ERR_INVALID_SIGNATURE] = {"InvalidSignatureException", 403,
                               "The request's signature is not the one calculated for it."},
    [ERR_MISSING_AUTHENTICATION] = {"MissingAuthenticationTokenException", 403,
                                    "Missing Authentication Token"},
    [ERR_EXPIRED_TOKEN] = {"ExpiredTokenException", 403,
                           "The security token included in the request is expired."},
    [ERR_INCOMPLETE_SIGNATURE] = {"IncompleteSignatureException", 403,
                                  "The request's signature is incomplete."},
};

const struct error_kind *error_kind(int code)
{
    return &KINDS[code >= 0 && code < ERR_COUNT ? code : ERR_INTERNAL];
}

struct str error_message(const struct error *error)
{
    struct str message = str_from(error->message);
    if (error->code >= ERR_COUNT || message.len == 0 || !utf8_is_valid(message))
        return str_from(error_kind(error->code)->text);
    return message;
}

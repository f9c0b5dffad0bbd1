/* The JSON of a secret as connectors read it: the SecretString that belongs to a credentialsArn. */
#pragma once

#include "auth/oauth_tokens.h"
#include "base/arena.h"
#include "base/str.h"
#include "wire/value.h"

enum { SECRET_TEXT_MAX = 64 * 1024 }; /* bytes; AWS's limit for a secret */

/* Of a connector's credentials (its own structure, not the union around it) and the OAuth tokens
 * that are in hand for them (NULL: none): "username" and "password"; "apiKey" and "apiSecretKey";
 * "accessToken" and "refreshToken"; the keys of a custom authentication and its
 * "customAuthenticationType"; likewise the members of other connectors' credentials. What
 * authenticates this server's OAuth app and what is used up by the first grant is left out: no
 * connector needs it. In the arena; STR_NULL past SECRET_TEXT_MAX.
 *
 * Source: the AppFlow connector SDKs' guide (AuthenticationType.md) and their example connectors.
 */
struct str secret_text(struct arena *arena, const struct value *credentials,
                       const struct oauth_tokens *tokens);

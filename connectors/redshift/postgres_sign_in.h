/* Signing in to a database that speaks PostgreSQL's protocol, through the same one door as every
 * call (net/client/channel.h): its egress policy, its sandbox mode, its certificates. */
#pragma once

#include "connectors/redshift/postgres.h"

/* Connects to one address after the other until one takes the connection, signs in, proves it with
 * SELECT 1 or asks for rows, and closes. Waits; never on an event loop. Nothing that the server
 * sends makes it last beyond the deadline: messages are read within POSTGRES_BYTES_MAX or
 * POSTGRES_ROWS_MAX, and SCRAM is computed in slices up to SCRAM_ITERATIONS_MAX (wire/scram.h).
 * Trusted are the client's certificates (net/client/trust.h). It goes through no HTTP proxy.
 *
 * Known methods: none, a password in clear, MD5, SCRAM-SHA-256, over TLS with channel binding where
 * the server offers it (SCRAM-SHA-256-PLUS, tls-server-end-point). SASLprep of passwords is exact
 * up to U+00FF (postgres_password.h). */
void postgres_sign_in(struct client *client, struct arena *arena,
                      const struct postgres_request *request,
                      struct postgres_response *ret_response);

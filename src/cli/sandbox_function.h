/* The sandbox's own connector function, for --sandbox: any ARN of a Lambda function that is named
 * headgate-sandbox can be registered, and what it answers to the contract is real: it proves the
 * credentials by a call to the sandbox's https://api.custom.example/me, and its own failures are
 * those that the call provokes (connectors/customconnector/sandbox.json). */
#pragma once

#include "connector/custom/function.h"
#include "net/client/client.h"

/* Adds it to the list. Never freed before the service; then with sandbox_function_free. The client
 * must live as long. */
struct function_runner *sandbox_function_new(struct client *client);
void sandbox_function_free(struct function_runner *function); /* NULL is fine */

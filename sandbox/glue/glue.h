/* The Data Catalog of an AWS Glue on plain files: DIR/DATABASE/TABLE.json has a table, as GetTable
 * answers it, and its partitions. It checks signatures. Operations: databases (create, get, list),
 * tables (create, get, list, update, delete) and partitions (list, create and delete in batches),
 * in the JSON 1.1 protocol, for glue.REGION.amazonaws.com and, at the machine's own addresses, for
 * requests whose X-Amz-Target says so. Accounts and regions share it. */
#pragma once

#include "net/server/server.h"
#include "sandbox/request.h"
#include "sandbox/signers.h"

#define GLUE_DEMO_DATABASE "headgate_demo" /* there from the start */

struct glue_catalog;

/* The folder is created with the first request; the text and the signers must live as long. */
struct glue_catalog *glue_catalog_new(const char *dir, const struct signers *signers);
void glue_catalog_free(struct glue_catalog *catalog); /* NULL is fine */

/* Whether a request is Glue's. */
bool glue_catalog_takes(const struct sandbox_request *request);

/* Answers the request; from any thread, one after the other. */
void glue_catalog_answer(struct glue_catalog *catalog, const struct sandbox_request *request,
                         struct http_exchange *exchange);

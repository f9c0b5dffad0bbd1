/* Flows as the store has them. A row holds no secret, but it says whose credentials are used and
 * where the records go. So it carries a MAC under the service secret over all that it says and
 * whose it is: a row that was changed, or copied to another name, is refused. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "store/flows.h"

struct secret;
struct value;

/* Sets the row's MAC by its other members. */
void flow_seal(const struct secret *service_secret, struct flow_row *row, struct arena *arena);

/* ERR_INTERNAL, with what to do, for a whole row that this server did not write. */
_must_use_ bool flow_check_seal(const struct secret *service_secret, const struct flow_row *row,
                                struct error *error);

/* arn:aws:appflow:REGION:ACCOUNT:flow/NAME */
struct str flow_arn(struct arena *arena, const struct flow_key *key);

/* The FlowStatus of a new flow, or of one that gets this TriggerType: what starts by itself waits
 * for StartFlow (CloudFormation Template Reference, AWS::AppFlow::Flow, FlowStatus). */
struct str flow_first_status(struct str trigger_type);

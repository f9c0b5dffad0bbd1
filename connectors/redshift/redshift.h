/* The parts of the Redshift connector: which of its two variants a profile means, the rules for its
 * members, and each variant. */
#pragma once

#include "connector/connection.h"
#include "connector/connector.h"
#include "connectors/redshift/jdbc_url.h"
#include "connectors/redshift/sql_rows.h"

struct entity_fields;
struct entity_list;
struct entity_query;
struct load_query;
struct load_step;

extern const struct connector connector_redshift;

enum redshift_variant {
    REDSHIFT_NONE,
    REDSHIFT_JDBC,     /* databaseUrl: sign in to the database */
    REDSHIFT_DATA_API, /* a role of AWS, which sends statements */
};

/* What target->custom points to. */
struct redshift_target {
    enum redshift_variant variant;
    struct jdbc_url url;       /* of REDSHIFT_JDBC */
    const struct error *fault; /* why databaseUrl is none; NULL: it is */
    struct str service_url;    /* of the Data API: the operator's endpoint, else AWS's own */
};

void redshift_resolve(struct target *target);
_must_use_ bool redshift_check(const struct target *target, struct error *error);

/* Both set the connection's verdict. True when it is VERDICT_ACCEPTED. */
bool redshift_verify_data_api(struct vendor_connection *connection);
bool redshift_verify_jdbc(struct vendor_connection *connection);

/* The same with a statement whose rows are wanted. By the Data API they come in parts of 1,000,
 * each by a statement of its own with LIMIT and OFFSET, until `each` refuses one or there are no
 * more: the statement must have an order. By the other way they are as long as POSTGRES_ROWS_MAX
 * allows. */
bool redshift_query_data_api(struct vendor_connection *connection, struct sql_rows *rows);
bool redshift_query_jdbc(struct vendor_connection *connection, struct sql_rows *rows);

/* Either of these, by the profile's variant, with a limit of max + 1 rows. */
bool redshift_query(struct vendor_connection *connection, size_t max, struct sql_rows *rows);

/* Begins a statement by the Data API; a second call with the same token begins nothing, and gives
 * the same id, which is the config's arena's. `token`: 1 to 64 characters. */
bool redshift_start(struct vendor_connection *connection, struct str sql, struct str token,
                    struct str *ret_id);
/* Looks at it once. False: it has failed, or could not be looked at, as the verdict says;
 * *ret_done: it has ended, in either way. */
bool redshift_look(struct vendor_connection *connection, struct str id, bool *ret_done);

/* Asks Redshift to end a statement. False also when it has ended already. */
bool redshift_cancel(struct vendor_connection *connection, struct str id);

/* As load_ops has them. A load over JDBC cannot be asked for its end: the connection is gone. */
bool redshift_load(struct vendor_connection *connection, const struct load_query *query,
                   struct str state, struct load_step *step);
bool redshift_load_cancel(struct vendor_connection *connection, struct str state);

/* As connector_ops has them. */
bool redshift_list(struct vendor_connection *connection, const struct entity_query *query,
                   struct entity_list *list);
bool redshift_describe(struct vendor_connection *connection, const struct entity_query *query,
                       struct entity_fields *fields);

/* What the database's own error means, by its SQLSTATE (PostgreSQL's manual, appendix A) or, where
 * there is none, by its English text. Sets the connection's verdict; always false. */
bool redshift_fail(struct vendor_connection *connection, struct str sqlstate, struct str message);

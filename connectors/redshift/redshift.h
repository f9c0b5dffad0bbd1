/* The parts of the Redshift connector: which of its two ways a profile means, the rules for its
 * members, and each way. */
#pragma once

#include "connector/http/connection.h"

extern const struct connector connector_redshift;

enum redshift_variant {
    REDSHIFT_NONE,
    REDSHIFT_JDBC,     /* databaseUrl: sign in to the database */
    REDSHIFT_DATA_API, /* a role of AWS, which sends statements */
};

/* A member of the Data API decides, since a JDBC URL may still be there from before. */
enum redshift_variant redshift_variant(const struct value *properties);

bool redshift_check(const struct value *properties, const struct value *credentials,
                    struct error *error);

/* Both set run->verdict. True when it is VERDICT_ACCEPTED. */
bool redshift_verify_data_api(struct connection *connection);
bool redshift_verify_jdbc(struct connection *connection);

/* Which database gets the password, and how well the way there is guarded. */
struct str redshift_database_receiver(const struct value *properties, struct arena *arena);

/* What the database's own error means, by its SQLSTATE (PostgreSQL's manual, appendix A) or, where
 * there is none, by its English text. Sets run->verdict; always false. */
bool redshift_conclude(struct connection *connection, struct str sqlstate, struct str message);

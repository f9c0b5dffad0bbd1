-- A database as version 1 of the schema left it, with a profile in it. Never changed: it stands
-- for the files that are out there.
PRAGMA application_id = 1212629332;
CREATE TABLE profiles ( account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, version
  BIGINT NOT NULL, connector_type TEXT NOT NULL, connector_label TEXT, connection_mode TEXT NOT
  NULL, kms_arn TEXT, credentials_arn TEXT NOT NULL, created_at_ms BIGINT NOT NULL, updated_at_ms
  BIGINT NOT NULL, properties TEXT NOT NULL, sealed_credentials BYTEA, PRIMARY KEY (account,
  region, name));
CREATE TABLE client_tokens ( account TEXT NOT NULL, region TEXT NOT NULL, operation TEXT NOT NULL,
  token TEXT NOT NULL, expires_at_ms BIGINT NOT NULL, hash BYTEA NOT NULL, answer TEXT NOT NULL,
  PRIMARY KEY (account, region, operation, token));
CREATE INDEX client_tokens_by_expiry ON client_tokens (expires_at_ms);
CREATE TABLE exchanges ( id BYTEA NOT NULL PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT
  NULL, profile TEXT NOT NULL, consumed BIGINT NOT NULL, expires_at_ms BIGINT NOT NULL, sealed
  BYTEA);
CREATE INDEX exchanges_by_profile ON exchanges (account, region, profile);
CREATE INDEX exchanges_by_expiry ON exchanges (expires_at_ms);
CREATE TABLE access_keys ( id TEXT NOT NULL PRIMARY KEY, account TEXT NOT NULL, created_at_ms
  BIGINT NOT NULL, sealed_secret BYTEA NOT NULL);
CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value BYTEA NOT NULL);
CREATE TABLE oauth_apps ( connector_type TEXT NOT NULL PRIMARY KEY, client_id TEXT NOT NULL,
  updated_at_ms BIGINT NOT NULL, sealed_secret BYTEA NOT NULL);
CREATE TABLE audit ( at_ms BIGINT NOT NULL, account TEXT NOT NULL, region TEXT, request_id TEXT,
  access_key_id TEXT, operation TEXT NOT NULL, resource TEXT, outcome TEXT NOT NULL, detail TEXT);
CREATE INDEX audit_by_account ON audit (account, at_ms);
CREATE INDEX audit_by_time ON audit (at_ms);
INSERT INTO profiles VALUES ('123456789012', 'eu-central-1', 'mine', 100, 'Salesforce', NULL,
  'Public', NULL, 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:x', 5, 6,
  '{"Salesforce":{}}', CAST('sealed' AS BLOB));
PRAGMA user_version = 1;

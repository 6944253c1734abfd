-- Accounts of platforms that tell nobody's e-mail address, tied to a person by themselves.
CREATE TABLE account (
  platform TEXT NOT NULL,
  -- '*' where an account is the same everywhere on the platform
  tenant TEXT NOT NULL,
  account TEXT NOT NULL,
  email TEXT NOT NULL,
  linked_at BIGINT NOT NULL,
  PRIMARY KEY (platform, tenant, account)
);
CREATE INDEX account_email ON account (email);
-- One-time links by which that is done.
CREATE TABLE account_link (
  token_hash TEXT PRIMARY KEY,
  platform TEXT NOT NULL,
  tenant TEXT NOT NULL,
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);
-- What only one process does at a time, and who does it until when.
CREATE TABLE duty (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  held_until BIGINT NOT NULL
);

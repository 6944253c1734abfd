-- Times are epoch milliseconds. JSON is text, read and written by the service.
-- The SQLite folder holds the same tables under the same version numbers.

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE counter (name TEXT PRIMARY KEY, value BIGINT NOT NULL);

-- People -------------------------------------------------------------------------
CREATE TABLE person (
  email TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  active BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE TABLE person_group (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL,
  -- 'config' groups are replaced at each start, 'local' ones are made on the command line
  origin TEXT NOT NULL
);
CREATE TABLE membership (
  group_name TEXT NOT NULL REFERENCES person_group (name) ON DELETE CASCADE,
  email TEXT NOT NULL,
  PRIMARY KEY (group_name, email)
);
CREATE INDEX membership_email ON membership (email);
CREATE TABLE session (
  token_hash TEXT PRIMARY KEY,
  email TEXT NOT NULL,
  csrf TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE TABLE login_link (
  token_hash TEXT PRIMARY KEY,
  email TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE TABLE api_token (
  id TEXT PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT,
  revoked_at BIGINT
);

-- The durable path of a request ----------------------------------------------------
CREATE TABLE conversation (
  id TEXT PRIMARY KEY,
  platform TEXT NOT NULL,
  tenant TEXT NOT NULL,
  channel TEXT NOT NULL,
  thread TEXT NOT NULL,
  setting TEXT NOT NULL,
  requester TEXT NOT NULL,
  title TEXT NOT NULL,
  handed_over BOOLEAN NOT NULL,
  last_seq BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (platform, tenant, channel, thread)
);
CREATE INDEX conversation_requester ON conversation (requester, updated_at);
CREATE TABLE inbox (
  platform TEXT NOT NULL,
  tenant TEXT NOT NULL,
  event_id TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  -- what a repeated delivery is told
  request_id TEXT,
  -- the job that settles it
  job_id TEXT NOT NULL,
  -- the event as accepted; removed privacy.raw_days after it is settled
  payload TEXT,
  received_at BIGINT NOT NULL,
  settled_at BIGINT,
  PRIMARY KEY (platform, tenant, event_id)
);
CREATE INDEX inbox_job ON inbox (job_id);
CREATE INDEX inbox_conversation ON inbox (conversation_id);
CREATE TABLE message (
  id TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  seq BIGINT NOT NULL,
  author TEXT NOT NULL,
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  body TEXT NOT NULL,
  request_id TEXT,
  -- 'pending' until the platform has it, then 'sent'; what people say is 'sent' at once
  delivery TEXT NOT NULL,
  delivery_key TEXT NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  sent_at BIGINT,
  UNIQUE (conversation_id, seq)
);
CREATE TABLE job (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  lane TEXT NOT NULL,
  payload TEXT NOT NULL,
  priority BIGINT NOT NULL,
  state TEXT NOT NULL,
  run_at BIGINT NOT NULL,
  lease_until BIGINT,
  lease_by TEXT,
  attempt BIGINT NOT NULL,
  max_attempts BIGINT NOT NULL,
  dedupe TEXT UNIQUE,
  last_error TEXT,
  created_at BIGINT NOT NULL
);
CREATE INDEX job_due ON job (state, priority, run_at, id);
CREATE INDEX job_lane ON job (lane, id);
CREATE TABLE request (
  id TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL,
  requester TEXT NOT NULL,
  text TEXT NOT NULL,
  state TEXT NOT NULL,
  kind TEXT,
  system TEXT,
  confidence DOUBLE PRECISION,
  action TEXT,
  abstained TEXT,
  answerable DOUBLE PRECISION,
  decision TEXT,
  answer TEXT,
  ticket_key TEXT,
  verdict TEXT,
  redactions BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  settled_at BIGINT
);
CREATE INDEX request_conversation ON request (conversation_id, received_at);
CREATE INDEX request_gap ON request (abstained, received_at);
CREATE TABLE assessment (
  id TEXT PRIMARY KEY,
  request_id TEXT NOT NULL,
  engine TEXT NOT NULL,
  prompt_hash TEXT NOT NULL,
  input_hash TEXT NOT NULL,
  passages TEXT NOT NULL,
  result TEXT,
  failure TEXT,
  chosen BOOLEAN NOT NULL,
  duration_ms BIGINT NOT NULL,
  tokens_in BIGINT NOT NULL,
  tokens_out BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX assessment_request ON assessment (request_id);
CREATE TABLE idempotency (
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  request_id TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (email, name)
);

-- Tickets --------------------------------------------------------------------------
CREATE TABLE ticket (
  number BIGINT PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  system TEXT,
  team TEXT,
  impact TEXT NOT NULL,
  urgency TEXT NOT NULL,
  priority TEXT NOT NULL,
  status TEXT NOT NULL,
  requester TEXT NOT NULL,
  assignee TEXT,
  summary TEXT NOT NULL,
  text TEXT NOT NULL,
  fields TEXT NOT NULL,
  language TEXT NOT NULL,
  sentiment TEXT NOT NULL,
  confidence DOUBLE PRECISION NOT NULL,
  confidential BOOLEAN NOT NULL,
  conversation_id TEXT,
  request_id TEXT UNIQUE,
  merged_into TEXT,
  version BIGINT NOT NULL,
  reviewed_by TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  resolved_at BIGINT
);
CREATE INDEX ticket_requester ON ticket (requester, updated_at);
CREATE INDEX ticket_team ON ticket (team, status);
CREATE INDEX ticket_updated ON ticket (updated_at);
CREATE INDEX ticket_conversation ON ticket (conversation_id);
CREATE TABLE ticket_participant (
  ticket_key TEXT NOT NULL,
  email TEXT NOT NULL,
  PRIMARY KEY (ticket_key, email)
);
CREATE INDEX ticket_participant_email ON ticket_participant (email);
CREATE TABLE ticket_event (
  id TEXT PRIMARY KEY,
  ticket_key TEXT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  kind TEXT NOT NULL,
  -- internal events are seen by owners only
  internal BOOLEAN NOT NULL,
  data TEXT NOT NULL
);
CREATE INDEX ticket_event_key ON ticket_event (ticket_key, id);
CREATE TABLE correction (
  id BIGINT PRIMARY KEY,
  ticket_key TEXT NOT NULL,
  text TEXT NOT NULL,
  kind TEXT NOT NULL,
  system TEXT,
  impact TEXT NOT NULL,
  urgency TEXT NOT NULL,
  -- what it was before, as JSON
  before TEXT NOT NULL,
  by_email TEXT NOT NULL,
  at BIGINT NOT NULL,
  reverted_by TEXT,
  reverted_at BIGINT
);
CREATE INDEX correction_ticket ON correction (ticket_key);
CREATE TABLE attachment (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL,
  conversation_id TEXT,
  message_id TEXT,
  ticket_key TEXT,
  name TEXT NOT NULL,
  mime TEXT NOT NULL,
  size BIGINT NOT NULL,
  bytes BYTEA NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX attachment_ticket ON attachment (ticket_key);
CREATE INDEX attachment_conversation ON attachment (conversation_id);

-- Knowledge ------------------------------------------------------------------------
CREATE TABLE source (
  name TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  location TEXT NOT NULL,
  audience TEXT NOT NULL,
  skipped TEXT NOT NULL,
  indexed_at BIGINT NOT NULL
);
CREATE TABLE document (
  id TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  path TEXT NOT NULL,
  title TEXT NOT NULL,
  system TEXT,
  owner TEXT,
  audience TEXT NOT NULL,
  reviewed TEXT,
  language TEXT NOT NULL,
  url TEXT NOT NULL,
  hash TEXT NOT NULL,
  markdown TEXT NOT NULL,
  -- a removed document stays as an empty row so that every index hears of it
  deleted BOOLEAN NOT NULL,
  change_seq BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (source, path)
);
CREATE INDEX document_change ON document (change_seq);
CREATE TABLE passage (
  id TEXT PRIMARY KEY,
  document_id TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE,
  ordinal BIGINT NOT NULL,
  heading TEXT NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX passage_document ON passage (document_id, ordinal);
CREATE TABLE citation (
  request_id TEXT NOT NULL,
  document_id TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (request_id, document_id)
);
CREATE INDEX citation_document ON citation (document_id);

-- Model use, by UTC day ------------------------------------------------------------
CREATE TABLE model_usage (
  day TEXT NOT NULL,
  name TEXT NOT NULL,
  calls BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  tokens_in BIGINT NOT NULL,
  tokens_out BIGINT NOT NULL,
  PRIMARY KEY (day, name)
);

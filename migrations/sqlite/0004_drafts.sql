-- Answers that are shown while they are being composed, by the message they will become.
CREATE TABLE draft (
  message_id TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  -- What the platform calls it; NULL while that is not known
  sent_as TEXT,
  begun_at BIGINT NOT NULL
);

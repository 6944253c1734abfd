-- Requests taken up in channels of mode suggest or watch: nothing is said there.
CREATE TABLE unsaid (
  request_id TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL,
  -- 'suggest' or 'watch'
  restraint TEXT NOT NULL,
  -- the team whose owners decide; NULL where no system was named
  team TEXT,
  -- what would be said and done, as JSON; NULL when nothing would be
  draft TEXT,
  -- 'open', then 'posted' or 'dismissed'
  state TEXT NOT NULL,
  decided_by TEXT,
  decided_at BIGINT
);
CREATE INDEX unsaid_conversation ON unsaid (conversation_id);
-- Who is told what becomes of a ticket that is not theirs, and in which conversation.
CREATE TABLE ticket_follower (
  ticket_key TEXT NOT NULL,
  email TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  followed_at BIGINT NOT NULL,
  PRIMARY KEY (ticket_key, email)
);
CREATE INDEX ticket_follower_email ON ticket_follower (email);

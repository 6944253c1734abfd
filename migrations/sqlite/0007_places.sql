-- Where a chat platform has told the bot of something, besides chats with one person: what was
-- missed there is read afterwards.
CREATE TABLE place (
  platform TEXT NOT NULL,
  tenant TEXT NOT NULL,
  -- a channel, or a chat of several people
  channel TEXT NOT NULL,
  -- the team a channel belongs to; NULL for a chat
  team TEXT,
  -- people of other organisations read along
  outsiders BOOLEAN NOT NULL,
  noted_at BIGINT NOT NULL,
  PRIMARY KEY (platform, tenant, channel)
);

-- How long a chat platform wants to be left alone, until it has passed.
CREATE TABLE pause (
  platform TEXT NOT NULL,
  -- a channel or a kind of call; as the platform's connection names it
  place TEXT NOT NULL,
  until BIGINT NOT NULL,
  PRIMARY KEY (platform, place)
);

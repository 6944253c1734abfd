-- Where people are: the IANA name of their time zone, as a chat or a browser told it last.
ALTER TABLE person ADD COLUMN time_zone TEXT;
-- What a tied account is called on its platform.
ALTER TABLE account ADD COLUMN name TEXT NOT NULL DEFAULT '';

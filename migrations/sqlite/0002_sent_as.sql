-- What the platform calls a message of ours, for what people do to it later.
ALTER TABLE message ADD COLUMN sent_as TEXT;

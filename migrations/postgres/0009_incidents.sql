-- An incident is what its timeline tells; the row holds what follows from it, for lists.
CREATE TABLE incident (
  number BIGINT PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  severity TEXT NOT NULL,
  private BOOLEAN NOT NULL,
  -- as JSON
  state TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX incident_by_status ON incident (status, severity, number);

CREATE TABLE incident_entry (
  incident_key TEXT NOT NULL REFERENCES incident (key),
  -- from 1, without gaps
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  -- empty for Firstline itself
  actor TEXT NOT NULL,
  -- as JSON
  fact TEXT NOT NULL,
  PRIMARY KEY (incident_key, seq)
);

-- Who takes part: a private incident is theirs alone.
CREATE TABLE incident_person (
  incident_key TEXT NOT NULL REFERENCES incident (key),
  email TEXT NOT NULL,
  PRIMARY KEY (incident_key, email)
);

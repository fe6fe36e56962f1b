-- Accounts, sessions, one-time tokens, the mail outbox and the signing keys.
-- Times are microseconds since 1970 UTC; ids are 16 bytes; booleans 0 or 1. Keys are UUIDv7 made by the application: no sequences, no triggers.

CREATE TABLE users (
    id BLOB NOT NULL,
    email TEXT NOT NULL,                             -- as typed (trimmed, domain in lower-case ASCII), for display and for mail
    email_canonical TEXT NOT NULL,       -- NFC, lower case, IDNA domain: decides identity
    password_hash TEXT,                              -- PHC string; null: no password was set yet (invited)
    is_active INTEGER NOT NULL,
    is_superuser INTEGER NOT NULL,
    is_verified INTEGER NOT NULL,                    -- the mailbox `email` has proved itself
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_login_at INTEGER,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_canonical_key UNIQUE (email_canonical)
) STRICT;
-- For "is there another active superuser?": a handful of rows, whatever the number of users.
CREATE INDEX users_superuser_idx ON users (id) WHERE is_superuser;

CREATE TABLE sessions (
    id BLOB NOT NULL,                                -- the claim `sid` of access tokens
    user_id BLOB NOT NULL,
    kind TEXT NOT NULL,                              -- jwt, cookie, opaque
    created_at INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL,           -- the last time that the password was shown
    last_used_at INTEGER NOT NULL,               -- accurate to sessions.touch_interval
    expires_at INTEGER NOT NULL,                 -- sliding, never after absolute_expires_at
    absolute_expires_at INTEGER NOT NULL,
    ip TEXT,
    user_agent TEXT,
    secret_digest BLOB NOT NULL,                    -- SHA-256 of the live refresh token, cookie or opaque token
    previous_digest BLOB,                           -- SHA-256 of the refresh token rotated last
    rotated_at INTEGER,
    generation INTEGER NOT NULL,                     -- of the live refresh token, from 0
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE UNIQUE INDEX sessions_secret_digest_idx ON sessions (secret_digest);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

CREATE TABLE one_time_tokens (
    id BLOB NOT NULL,                                -- the claim `jti` of a mailed link
    user_id BLOB,                                    -- null: superuser setup, which makes its account
    purpose TEXT NOT NULL,                           -- verify, reset_password, invitation, setup
    email TEXT NOT NULL,                             -- canonical address that the link was made for; empty for setup
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,                 -- counted from the delivery of the mail
    consumed_at INTEGER,
    superseded_at INTEGER,
    CONSTRAINT one_time_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT one_time_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX one_time_tokens_user_id_idx ON one_time_tokens (user_id);
CREATE INDEX one_time_tokens_expires_at_idx ON one_time_tokens (expires_at);

CREATE TABLE outbox (
    id BLOB NOT NULL,                                -- also the Message-ID
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    mailbox TEXT NOT NULL,                           -- canonical address: limits and the order of mails go by it
    token_id BLOB,                                   -- the one-time token whose link is signed at delivery
    facts TEXT NOT NULL,                            -- what the mail tells (never a secret)
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,                     -- next attempt; while leased, the end of the lease
    attempts INTEGER NOT NULL,
    sent_at INTEGER,
    failed_at INTEGER,                           -- given up
    last_error TEXT,
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
) STRICT;
CREATE INDEX outbox_due_idx ON outbox (due_at) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX outbox_mailbox_idx ON outbox (mailbox, id);
CREATE INDEX outbox_failed_idx ON outbox (id) WHERE failed_at IS NOT NULL;

CREATE TABLE signing_keys (
    kid TEXT NOT NULL,                               -- RFC 7638 thumbprint; for HS256 a digest of the secret
    algorithm TEXT NOT NULL,                         -- ES256, EdDSA, RS256, HS256
    sealed_private_key BLOB NOT NULL,               -- AES-256-GCM under a key derived from the master key
    created_at INTEGER NOT NULL,
    signs_from INTEGER NOT NULL,                 -- published before, signs from then on
    retires_at INTEGER,                          -- leaves the JWKS then: its last token has expired
    CONSTRAINT signing_keys_pkey PRIMARY KEY (kid)
) STRICT;

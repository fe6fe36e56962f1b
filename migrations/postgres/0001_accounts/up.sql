-- Accounts, sessions, one-time tokens, the mail outbox and the signing keys.
-- Times are UTC. Keys are UUIDv7 made by the application: no sequences, no triggers.

CREATE TABLE users (
    id uuid NOT NULL,
    email text NOT NULL,                             -- as typed (trimmed, domain in lower-case ASCII), for display and for mail
    email_canonical text COLLATE "C" NOT NULL,       -- NFC, lower case, IDNA domain: decides identity
    password_hash text,                              -- PHC string; null: no password was set yet (invited)
    is_active boolean NOT NULL,
    is_superuser boolean NOT NULL,
    is_verified boolean NOT NULL,                    -- the mailbox `email` has proved itself
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    last_login_at timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_canonical_key UNIQUE (email_canonical)
);
-- For "is there another active superuser?": a handful of rows, whatever the number of users.
CREATE INDEX users_superuser_idx ON users (id) WHERE is_superuser;

CREATE TABLE sessions (
    id uuid NOT NULL,                                -- the claim `sid` of access tokens
    user_id uuid NOT NULL,
    kind text NOT NULL,                              -- jwt, cookie, opaque
    created_at timestamptz NOT NULL,
    authenticated_at timestamptz NOT NULL,           -- the last time that the password was shown
    last_used_at timestamptz NOT NULL,               -- accurate to sessions.touch_interval
    expires_at timestamptz NOT NULL,                 -- sliding, never after absolute_expires_at
    absolute_expires_at timestamptz NOT NULL,
    ip text,
    user_agent text,
    secret_digest bytea NOT NULL,                    -- SHA-256 of the live refresh token, cookie or opaque token
    previous_digest bytea,                           -- SHA-256 of the refresh token rotated last
    rotated_at timestamptz,
    generation integer NOT NULL,                     -- of the live refresh token, from 0
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE UNIQUE INDEX sessions_secret_digest_idx ON sessions (secret_digest);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

CREATE TABLE one_time_tokens (
    id uuid NOT NULL,                                -- the claim `jti` of a mailed link
    user_id uuid,                                    -- null: superuser setup, which makes its account
    purpose text NOT NULL,                           -- verify, reset_password, invitation, setup
    email text NOT NULL,                             -- canonical address that the link was made for; empty for setup
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,                 -- counted from the delivery of the mail
    consumed_at timestamptz,
    superseded_at timestamptz,
    CONSTRAINT one_time_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT one_time_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX one_time_tokens_user_id_idx ON one_time_tokens (user_id);
CREATE INDEX one_time_tokens_expires_at_idx ON one_time_tokens (expires_at);

CREATE TABLE outbox (
    id uuid NOT NULL,                                -- also the Message-ID
    kind text NOT NULL,
    recipient text NOT NULL,
    mailbox text NOT NULL,                           -- canonical address: limits and the order of mails go by it
    token_id uuid,                                   -- the one-time token whose link is signed at delivery
    facts jsonb NOT NULL,                            -- what the mail tells (never a secret)
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,                     -- next attempt; while leased, the end of the lease
    attempts integer NOT NULL,
    sent_at timestamptz,
    failed_at timestamptz,                           -- given up
    last_error text,
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
);
CREATE INDEX outbox_due_idx ON outbox (due_at) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX outbox_mailbox_idx ON outbox (mailbox, id);
CREATE INDEX outbox_failed_idx ON outbox (id) WHERE failed_at IS NOT NULL;

CREATE TABLE signing_keys (
    kid text NOT NULL,                               -- RFC 7638 thumbprint; for HS256 a digest of the secret
    algorithm text NOT NULL,                         -- ES256, EdDSA, RS256, HS256
    sealed_private_key bytea NOT NULL,               -- AES-256-GCM under a key derived from the master key
    created_at timestamptz NOT NULL,
    signs_from timestamptz NOT NULL,                 -- published before, signs from then on
    retires_at timestamptz,                          -- leaves the JWKS then: its last token has expired
    CONSTRAINT signing_keys_pkey PRIMARY KEY (kid)
);

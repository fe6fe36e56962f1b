//! The tables as Diesel sees them: one schema for both databases. Meanings stand beside the columns in `migrations/`.

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{SqlId, SqlTime};

    users (id) {
        id -> SqlId,
        email -> Text,
        email_canonical -> Text,
        password_hash -> Nullable<Text>,
        is_active -> Bool,
        is_superuser -> Bool,
        is_verified -> Bool,
        created_at -> SqlTime,
        updated_at -> SqlTime,
        last_login_at -> Nullable<SqlTime>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{SqlId, SqlTime};

    sessions (id) {
        id -> SqlId,
        user_id -> SqlId,
        kind -> Text,
        created_at -> SqlTime,
        authenticated_at -> SqlTime,
        last_used_at -> SqlTime,
        expires_at -> SqlTime,
        absolute_expires_at -> SqlTime,
        ip -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        secret_digest -> Binary,
        previous_digest -> Nullable<Binary>,
        rotated_at -> Nullable<SqlTime>,
        generation -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{SqlId, SqlTime};

    one_time_tokens (id) {
        id -> SqlId,
        user_id -> Nullable<SqlId>,
        purpose -> Text,
        email -> Text,
        created_at -> SqlTime,
        expires_at -> SqlTime,
        consumed_at -> Nullable<SqlTime>,
        superseded_at -> Nullable<SqlTime>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{SqlId, SqlJson, SqlTime};

    outbox (id) {
        id -> SqlId,
        kind -> Text,
        recipient -> Text,
        mailbox -> Text,
        token_id -> Nullable<SqlId>,
        facts -> SqlJson,
        created_at -> SqlTime,
        due_at -> SqlTime,
        attempts -> Integer,
        sent_at -> Nullable<SqlTime>,
        failed_at -> Nullable<SqlTime>,
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::SqlTime;

    signing_keys (kid) {
        kid -> Text,
        algorithm -> Text,
        sealed_private_key -> Binary,
        created_at -> SqlTime,
        signs_from -> SqlTime,
        retires_at -> Nullable<SqlTime>,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(users, sessions, one_time_tokens, outbox, signing_keys);

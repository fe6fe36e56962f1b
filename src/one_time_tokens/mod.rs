//! Mailed links: signed, bound to a purpose and a row, and good for exactly one use.
//!
//! The link holds a JWT under a key of its purpose; the row decides. Consuming is one conditional UPDATE in the
//! transaction of its effect, so of many parallel uses exactly one wins (ASVS 2.3.4, 6.5.1), and a link that no
//! longer works can say whether it was used, replaced, expired or never ours. The token is made when the mail is
//! sent and is never stored; a link lives from then on (`links.*`).

mod flow;
mod link;
mod model;
mod store;

pub use flow::{mail_link, request_link};
pub use link::{read, sign};
pub use model::{LinkState, OneTimeToken, Purpose};
pub use store::{
    consume_token, delete_expired, find_token, insert_token, list_expired, supersede_setup, supersede_tokens,
    update_expiry,
};

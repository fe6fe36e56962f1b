//! What every story stands on.
//!
//! ```text
//! story!(opens_an_account, async |server| {
//!     let user = server.post("/auth/register").json(json!({"email": …, "password": …})).await.success(201);
//!     …
//! });
//! ```
//!
//! becomes two tests, `opens_an_account::sqlite` and `opens_an_account::postgres`. A second closure in the middle
//! changes the configuration first. Without PostgreSQL installed its half says that it was skipped and passes;
//! `TEST_REQUIRE=postgres` makes that a failure.

pub mod certificates;
mod client;
mod database;
mod forge;
pub mod mail_server;
mod page;
mod people;
mod postgres;
pub mod process;
mod server;

use std::future::Future;
use std::pin::Pin;
pub use std::time::Duration;

pub use client::{Answer, Request};
pub use database::Backend;
pub use forge::{Jwt, link_key};
pub use futures_util::future::join_all;
pub use page::Page;
pub use people::{PASSWORD, Person, Tokens, link_of, token_of};
pub use serde_json::{Value, json};
pub use server::Server;
pub use usher::config::Config;
pub use usher::mail::MailKind;

/// A story on both databases.
macro_rules! story {
    ($name:ident, $story:expr) => {
        story!($name, |_config: &mut $crate::support::Config| {}, $story);
    };
    ($name:ident, $configure:expr, $story:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn tell(server: $crate::support::Server) -> $crate::support::Story {
                Box::pin(async move { $crate::support::as_story($story)(server).await })
            }

            #[test]
            fn sqlite() {
                $crate::support::run($crate::support::Backend::Sqlite, $configure, tell);
            }

            #[test]
            fn postgres() {
                $crate::support::run($crate::support::Backend::Postgres, $configure, tell);
            }
        }
    };
}
pub(crate) use story;

/// A story that is being told.
pub type Story = Pin<Box<dyn Future<Output = ()>>>;

/// Lets a closure's argument be known to be a [`Server`].
pub fn as_story<F: AsyncFnOnce(Server)>(story: F) -> F {
    story
}

/// Starts a server on `backend`, tells the story and cleans up.
pub fn run(backend: Backend, configure: impl FnOnce(&mut Config), tell: fn(Server) -> Story) {
    // The runtime that owns the PostgreSQL connections; the server itself runs on Actix threads.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    runtime.block_on(async {
        let Some(database) = database::create(backend).await else { return };
        let server = Server::start(database.clone(), configure).await;
        tell(server).await;
        database.remove().await;
    });
}

pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub const fn minutes(count: u64) -> Duration {
    seconds(count * 60)
}

pub const fn hours(count: u64) -> Duration {
    minutes(count * 60)
}

pub const fn days(count: u64) -> Duration {
    hours(count * 24)
}

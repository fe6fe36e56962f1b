//! Mails kept in memory, for tests: read what was sent, or have sending fail.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, ready};

use super::{Outgoing, SendError, Transport};
use crate::mail::message;

/// Remembers what is sent; clones share one memory. Mails are built as for any other transport, so an address that
/// no mail can go to is refused here as well.
#[derive(Clone, Default)]
pub struct Memory {
    sent: Arc<Mutex<Vec<Outgoing>>>,
    failure: Arc<Mutex<Option<SendError>>>,
}

impl Memory {
    /// An empty memory that accepts everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All mails so far, oldest first; they stay.
    #[must_use]
    pub fn sent(&self) -> Vec<Outgoing> {
        lock(&self.sent).clone()
    }

    /// All mails since the last call, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<Outgoing> {
        std::mem::take(&mut *lock(&self.sent))
    }

    /// From now on every attempt ends like this; `None` lets mails through again.
    pub fn fail_with(&self, failure: Option<SendError>) {
        *lock(&self.failure) = failure;
    }

    fn accept(&self, mail: &Outgoing) -> Result<(), SendError> {
        if let Some(failure) = lock(&self.failure).clone() {
            return Err(failure);
        }
        message::build(mail)?;
        lock(&self.sent).push(mail.clone());
        Ok(())
    }
}

impl Transport for Memory {
    fn send<'a>(&'a self, mail: &'a Outgoing) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(ready(self.accept(mail)))
    }

    fn name(&self) -> &'static str {
        "memory"
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

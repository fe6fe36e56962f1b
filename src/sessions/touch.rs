//! Last-used times, collected in memory and written by the worker: at most one write a minute and session.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::base::clock::Time;
use crate::base::ids::Id;

/// More waiting sessions than that are not noted; their time is written a little later.
const CAPACITY: usize = 10_000;

/// Sessions that were used, and when.
#[derive(Default)]
pub struct Touches(Mutex<HashMap<Id, Time>>);

impl Touches {
    /// Notes that a session was used.
    pub fn note(&self, session_id: Id, at: Time) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < CAPACITY || waiting.contains_key(&session_id) {
            waiting.insert(session_id, at);
        }
    }

    /// Takes what waits to be written.
    pub fn take(&self) -> HashMap<Id, Time> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

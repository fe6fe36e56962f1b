//! Limits of the HTTP server.

use std::time::Duration;

use super::table::{duration, minutes, number, section};

section! {
    /// Limits of the HTTP server.
    Http in "http." {
        /// Threads that answer requests; `0` is one per core.
        workers: u32 = number("0", 0, 1024, "");
        /// Largest request body; beyond, the answer is 413.
        body_limit: u32 = number("65536", 1024, 16_777_216, "bytes");
        /// Longest wait for the head of a request.
        request_timeout: Duration = duration("5s", Duration::from_millis(100), minutes(5));
        /// Longest wait for the body of a request, from its head on; beyond, the answer is 408.
        body_timeout: Duration = duration("10s", Duration::from_millis(100), minutes(5));
        /// How long an idle connection is kept; `0` closes it after each answer.
        keep_alive: Duration = duration("1m", Duration::ZERO, minutes(10));
        /// How long after SIGTERM new requests are still taken, while `/readyz` says 503 so that load balancers look
        /// elsewhere.
        drain_delay: Duration = duration("1s", Duration::ZERO, minutes(5));
        /// How long requests in progress may take to finish after SIGTERM.
        shutdown_timeout: Duration = duration("30s", Duration::ZERO, minutes(10));
        /// Connections per worker; more wait.
        max_connections: u32 = number("25000", 1, 1_000_000, "connections");
    }
}

//! `usher health`: asks a running server for `/readyz`, for container health checks.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::failure::EXIT_UNAVAILABLE;
use super::{Failure, print};
use crate::config::Config;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// More of an answer than that is not read.
const MAX_ANSWER: u64 = 16 * 1024;

pub(super) fn run(config: &Config) -> Result<(), Failure> {
    let answer = ask(config).map_err(|error| {
        Failure::new(EXIT_UNAVAILABLE, format!("no answer from {}: {error}", config.bind))
    })?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let is_ready = answer.split(' ').nth(1) == Some("200");
    if is_ready { print(body) } else { Err(Failure::new(EXIT_UNAVAILABLE, format!("not ready: {body}"))) }
}

fn ask(config: &Config) -> std::io::Result<String> {
    let mut address: SocketAddr = config
        .bind
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| std::io::Error::other("the bind address names no host"))?;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(MAX_ANSWER).read_to_string(&mut answer)?;
    Ok(answer)
}

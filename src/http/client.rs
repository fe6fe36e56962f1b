//! Who asks, as far as the connection tells: for session lists and for the words in mails, never for a decision.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::{FromRequest, HttpRequest};

use crate::base::device::device_name;
use crate::error::Error;
use crate::mail::outbox::Facts;

/// Longest kept user agent in characters.
const MAX_USER_AGENT: usize = 256;

/// Address and user agent of a request.
#[derive(Clone, Debug, Default)]
pub struct Client {
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}

impl Client {
    /// What a mail may tell of the client: its address, and browser and system by name, nothing that it wrote itself.
    pub fn facts(&self) -> Facts {
        Facts { ip: self.ip.clone(), device: self.user_agent.as_deref().map(device_name), new_email: None }
    }
}

impl FromRequest for Client {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user_agent = request
            .headers()
            .get(USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .map(|text| text.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect());
        let ip = request.peer_addr().map(|peer| peer.ip().to_canonical().to_string());
        ready(Ok(Self { ip, user_agent }))
    }
}

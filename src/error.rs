//! The closed catalogue of everything that can go wrong, and the shape in which a client hears of it.
//!
//! Each [`ErrorKind`] has one status, one slug (`/problems/<slug>`), one sentence for people and one machine code.
//! What an operator needs to know travels as the cause: it is logged once and never sent (ASVS 16.5.1).

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// A result whose error is Usher's own.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A unique constraint whose violation is an expected answer. `db` maps the names of both databases to these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// One account per canonical address.
    UsersEmail,
}

/// An error with, for the log alone, its cause.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    cause: Option<String>,
}

/// One entry of a 422 answer, as FastAPI writes them but without the submitted value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// A stable code, for instance `missing`.
    pub r#type: &'static str,
    /// Where: `["body", "email"]`.
    pub loc: Vec<Place>,
    /// A sentence for people.
    pub msg: String,
}

/// A step on the way to a fault: the part of the request, then a field or, in broken JSON, how many bytes were good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Place {
    Name(String),
    Offset(usize),
}

impl From<&str> for Place {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

/// Everything that a request can be refused for.
#[derive(Clone, Debug, PartialEq)]
pub enum ErrorKind {
    BadRequest,
    Unauthorized,
    InvalidToken,
    Forbidden,
    NotVerified,
    CrossSite,
    RegistrationClosed,
    ReauthenticationRequired,
    NotFound,
    MethodNotAllowed(Vec<String>),
    RedirectRefused,
    PayloadTooLarge,
    RequestTimeout,
    Validation(Vec<FieldError>),
    RegisterInvalidPassword(String),
    RegisterUserAlreadyExists,
    UpdateUserInvalidPassword(String),
    UpdateUserEmailAlreadyExists,
    LoginBadCredentials,
    LoginUserNotVerified,
    TokenLimitReached,
    VerifyBadToken,
    VerifyAlreadyVerified,
    ResetPasswordBadToken,
    ResetPasswordInvalidPassword(String),
    RefreshTokenInvalid,
    RefreshTokenExpired,
    RefreshTokenReused,
    LastSuperuser,
    HashingQueueFull,
    DatabaseUnavailable,
    NotReady,
    Internal,
    /// A unique constraint said no; flows turn it into the answer of their route.
    Taken(Constraint),
}

/// The value of the member `detail`: a code, a code with its reason, or a list of faulty fields.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ProblemDetail)]
pub enum Detail {
    Code(&'static str),
    Reason { code: &'static str, reason: String },
    Fields(Vec<FieldError>),
}

/// What the catalogue says of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub status: u16,
    /// Last part of the problem's URL.
    pub slug: &'static str,
    /// A sentence for people.
    pub title: &'static str,
    /// The machine code in `detail`.
    pub code: &'static str,
    /// What to do about it, for `/problems/<slug>`.
    pub help: &'static str,
}

const fn entry(
    status: u16,
    slug: &'static str,
    code: &'static str,
    title: &'static str,
    help: &'static str,
) -> Entry {
    Entry { status, slug, title, code, help }
}

impl ErrorKind {
    /// The catalogue.
    #[rustfmt::skip]
    pub fn entry(&self) -> Entry {
        match self {
            Self::BadRequest => entry(400, "bad-request", "Bad Request", "The request is not valid HTTP or its address cannot be read.", "Check the address and the headers of the request."),
            Self::Unauthorized => entry(401, "unauthorized", "Unauthorized", "Sign in first.", "Send an access token as `Authorization: Bearer <token>`, or sign in to get one."),
            Self::InvalidToken => entry(401, "unauthorized", "Unauthorized", "Sign in first.", "Refresh the access token or sign in again. Tokens end at logout, at a password change and when an account is deactivated."),
            Self::Forbidden => entry(403, "forbidden", "Forbidden", "You may not do this.", "The route needs a superuser."),
            Self::NotVerified => entry(403, "not-verified", "Forbidden", "Verify your email address first.", "Follow the link in the verification mail, or ask for a new one at POST /auth/request-verify-token."),
            Self::CrossSite => entry(403, "cross-site", "Forbidden", "The request comes from another site.", "Requests that act with a cookie must come from a page of this server."),
            Self::RegistrationClosed => entry(403, "registration-closed", "REGISTRATION_CLOSED", "Registration is closed.", "Ask an administrator for an invitation."),
            Self::ReauthenticationRequired => entry(403, "reauthentication-required", "REAUTHENTICATION_REQUIRED", "Confirm your password for this.", "Send `current_password` in the body, or sign in again shortly before."),
            Self::NotFound => entry(404, "not-found", "Not Found", "There is nothing here.", "Check the address or the id."),
            Self::MethodNotAllowed(_) => entry(405, "method-not-allowed", "Method Not Allowed", "This address does not take that method.", "The header `Allow` lists the methods that it takes."),
            Self::RedirectRefused => entry(400, "redirect-refused", "REDIRECT_NOT_ALLOWED", "The address to go to next is not allowed.", "`next` must be a path on this server, for instance `/account`."),
            Self::RequestTimeout => entry(408, "request-timeout", "Request Timeout", "The request body did not arrive in time.", "Send the body at once; the limit is `http.body_timeout`."),
            Self::PayloadTooLarge => entry(413, "payload-too-large", "Payload Too Large", "The request body is too large.", "Send a smaller body; the limit is `http.body_limit` bytes."),
            Self::Validation(_) => entry(422, "validation", "", "Some fields are missing or not valid.", "Each entry of `detail` names a field (`loc`) and what is wrong with it (`msg`). When a whole body is refused, check its `Content-Type`: JSON needs `application/json`."),
            Self::RegisterInvalidPassword(_) => entry(400, "invalid-password", "REGISTER_INVALID_PASSWORD", "Choose another password.", "`detail.reason` says why the password was refused."),
            Self::RegisterUserAlreadyExists => entry(400, "user-already-exists", "REGISTER_USER_ALREADY_EXISTS", "There is an account with this email address.", "Sign in, or reset the password if it is forgotten."),
            Self::UpdateUserInvalidPassword(_) => entry(400, "invalid-password", "UPDATE_USER_INVALID_PASSWORD", "Choose another password.", "`detail.reason` says why the password was refused."),
            Self::UpdateUserEmailAlreadyExists => entry(400, "user-already-exists", "UPDATE_USER_EMAIL_ALREADY_EXISTS", "There is an account with this email address.", "Choose another address."),
            Self::LoginBadCredentials => entry(400, "bad-credentials", "LOGIN_BAD_CREDENTIALS", "The email address or the password is wrong.", "Check both, or reset the password. Inactive accounts get the same answer."),
            Self::LoginUserNotVerified => entry(400, "login-not-verified", "LOGIN_USER_NOT_VERIFIED", "Verify your email address before you sign in.", "Follow the link in the verification mail, or ask for a new one at POST /auth/request-verify-token."),
            Self::TokenLimitReached => entry(403, "token-limit-reached", "TOKEN_LIMIT_REACHED", "There are as many tokens as a user may have.", "Revoke one that is not needed any more, or wait until one expires."),
            Self::VerifyBadToken => entry(400, "verify-bad-token", "VERIFY_USER_BAD_TOKEN", "The verification link is not valid, or no longer.", "Ask for a new one at POST /auth/request-verify-token."),
            Self::VerifyAlreadyVerified => entry(400, "already-verified", "VERIFY_USER_ALREADY_VERIFIED", "The email address is verified already.", "Nothing is left to do: sign in."),
            Self::ResetPasswordBadToken => entry(400, "reset-bad-token", "RESET_PASSWORD_BAD_TOKEN", "The password reset link is not valid, or no longer.", "Ask for a new one at POST /auth/forgot-password."),
            Self::ResetPasswordInvalidPassword(_) => entry(400, "invalid-password", "RESET_PASSWORD_INVALID_PASSWORD", "Choose another password.", "`detail.reason` says why the password was refused. The link is still good."),
            Self::RefreshTokenInvalid => entry(401, "refresh-token-invalid", "REFRESH_TOKEN_INVALID", "The refresh token is not valid, or its session has ended.", "Sign in again."),
            Self::RefreshTokenExpired => entry(401, "refresh-token-expired", "REFRESH_TOKEN_EXPIRED", "The refresh token has expired.", "Sign in again."),
            Self::RefreshTokenReused => entry(401, "refresh-token-reused", "REFRESH_TOKEN_REUSED", "The refresh token was used before. Its session was ended for safety.", "Sign in again, and make sure that only one place keeps the refresh token."),
            Self::LastSuperuser => entry(409, "last-superuser", "LAST_SUPERUSER", "This is the last active superuser.", "Promote another account first."),
            Self::HashingQueueFull => entry(503, "busy", "SERVICE_UNAVAILABLE", "The server is busy. Try again shortly.", "Wait as long as `Retry-After` says."),
            Self::DatabaseUnavailable => entry(503, "unavailable", "SERVICE_UNAVAILABLE", "The service is not available right now. Try again shortly.", "Wait as long as `Retry-After` says."),
            Self::NotReady => entry(503, "not-ready", "NOT_READY", "The server is not ready.", "See the members of the answer for the part that is not."),
            Self::Internal | Self::Taken(_) => entry(500, "internal", "INTERNAL_SERVER_ERROR", "Something went wrong on our side.", "Tell the operator the `X-Request-Id` of the answer."),
        }
    }

    /// The name of the kind, without what it carries.
    pub fn name(&self) -> String {
        format!("{self:?}").split('(').next().unwrap_or_default().to_owned()
    }

    /// The member `detail` of the answer.
    pub fn detail(&self) -> Detail {
        let code = self.entry().code;
        match self {
            Self::RegisterInvalidPassword(reason)
            | Self::UpdateUserInvalidPassword(reason)
            | Self::ResetPasswordInvalidPassword(reason) => Detail::Reason { code, reason: reason.clone() },
            Self::Validation(fields) => Detail::Fields(fields.clone()),
            _ => Detail::Code(code),
        }
    }

    /// One kind of each slug and code, for the documentation of problems.
    pub fn all() -> Vec<Self> {
        vec![
            Self::BadRequest,
            Self::Unauthorized,
            Self::InvalidToken,
            Self::Forbidden,
            Self::NotVerified,
            Self::CrossSite,
            Self::RegistrationClosed,
            Self::ReauthenticationRequired,
            Self::NotFound,
            Self::MethodNotAllowed(Vec::new()),
            Self::RedirectRefused,
            Self::PayloadTooLarge,
            Self::RequestTimeout,
            Self::Validation(Vec::new()),
            Self::RegisterInvalidPassword(String::new()),
            Self::RegisterUserAlreadyExists,
            Self::UpdateUserInvalidPassword(String::new()),
            Self::UpdateUserEmailAlreadyExists,
            Self::LoginBadCredentials,
            Self::LoginUserNotVerified,
            Self::TokenLimitReached,
            Self::VerifyBadToken,
            Self::VerifyAlreadyVerified,
            Self::ResetPasswordBadToken,
            Self::ResetPasswordInvalidPassword(String::new()),
            Self::RefreshTokenInvalid,
            Self::RefreshTokenExpired,
            Self::RefreshTokenReused,
            Self::LastSuperuser,
            Self::HashingQueueFull,
            Self::DatabaseUnavailable,
            Self::NotReady,
            Self::Internal,
        ]
    }
}

impl Error {
    /// A fault of ours: 500, with the cause in the log.
    pub fn internal(cause: impl Into<String>) -> Self {
        Self::from(ErrorKind::Internal).caused_by(cause)
    }

    /// A database that cannot be reached right now: 503.
    pub fn unavailable(cause: impl Into<String>) -> Self {
        Self::from(ErrorKind::DatabaseUnavailable).caused_by(cause)
    }

    /// One field of the body is not valid: 422.
    pub fn field(name: &str, r#type: &'static str, msg: impl Into<String>) -> Self {
        Self::from(ErrorKind::Validation(vec![FieldError {
            r#type,
            loc: vec!["body".into(), name.into()],
            msg: msg.into(),
        }]))
    }

    /// Adds what the log should say.
    pub fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What kind of error it is.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// What the log should say; never for a client.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Turns the violation of `constraint` into the answer of a route.
    pub fn if_taken(self, constraint: Constraint, kind: ErrorKind) -> Self {
        if self.kind == ErrorKind::Taken(constraint) { kind.into() } else { self }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, cause: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.entry().title)?;
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_slug_has_one_status_and_one_title() {
        let mut seen = HashMap::new();
        for kind in ErrorKind::all() {
            let entry = kind.entry();
            let first = *seen.entry(entry.slug).or_insert((entry.status, entry.title));
            // RFC 9457 section 3.1.3: the title belongs to the type.
            assert_eq!(first, (entry.status, entry.title), "{}", entry.slug);
            assert!(entry.title.ends_with('.') && entry.help.ends_with('.'), "{}", entry.slug);
        }
    }
}

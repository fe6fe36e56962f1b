//! django-rest-knox: `/api/auth/login/`, `logout/`, `logoutall/` and `user/`, with its bodies to the letter.
//!
//! Everything here answers `application/json`; each path is served with and without its trailing slash. The scheme word
//! is `tokens.header_prefix`, `Token` by default.

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use crate::accounts::User;
use crate::app::App;
use crate::base::clock::Time;
use crate::caller::{Caller, by_opaque_token};
use crate::error::{Error, ErrorKind};
use crate::http::body::Body;
use crate::http::client::Client;
use crate::http::problem::RETRY_SECONDS;
use crate::sessions::{self, SessionKind};
use crate::sign_in::{SignedInUser, sign_in};

const NO_CREDENTIALS: &str = "Authentication credentials were not provided.";

/// An answer that is not a success: status, body, and the challenge of a 401.
struct Refused {
    status: StatusCode,
    body: Value,
    challenge: Option<String>,
}

type Outcome<T> = Result<T, Refused>;

impl Refused {
    fn new(status: StatusCode, body: Value) -> Self {
        Self { status, body, challenge: None }
    }

    fn basic(detail: &str) -> Self {
        let challenge = Some(r#"Basic realm="api""#.to_owned());
        Self { status: StatusCode::UNAUTHORIZED, body: json!({"detail": detail}), challenge }
    }

    fn token(app: &App, detail: &str) -> Self {
        let challenge = Some(app.config.tokens.header_prefix.clone());
        Self { status: StatusCode::UNAUTHORIZED, body: json!({"detail": detail}), challenge }
    }

    /// What is no answer of knox's: a busy server, a database that is away.
    fn fault(error: &Error) -> Self {
        let status =
            StatusCode::from_u16(error.kind().entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::error!(
                status = status.as_u16(),
                cause = error.cause(),
                "{}",
                error.kind().entry().title
            );
        }
        Self::new(status, json!({"detail": error.kind().entry().title}))
    }

    fn answer(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(challenge) = self.challenge {
            response.insert_header((WWW_AUTHENTICATE, challenge));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((RETRY_AFTER, RETRY_SECONDS));
        }
        response.json(self.body)
    }
}

fn answer(outcome: Outcome<HttpResponse>) -> HttpResponse {
    outcome.unwrap_or_else(Refused::answer)
}

macro_rules! both_slashes {
    ($macro:ident, $name:ident, $bare:ident, $path:literal, $bare_path:literal, $id:literal, $bare_id:literal,
     $summary:literal, ($($argument:ident: $type:ty),*), $body:expr) => {
        #[doc = $summary]
        #[utoipa::path(
            operation_id = $id, tag = "django-rest-knox", security(()),
            responses(
                (status = 200, description = "As django-rest-knox", body = Object),
                (status = 204, description = "Done"),
                (status = 400, description = "As django-rest-knox", body = Object),
                (status = 401, description = "As django-rest-knox", body = Object),
                (status = 403, description = "As django-rest-knox", body = Object),
            )
        )]
        #[$macro($path)]
        pub async fn $name($($argument: $type),*) -> HttpResponse {
            answer($body($($argument),*).await)
        }

        #[doc = $summary]
        #[utoipa::path(
            operation_id = $bare_id, tag = "django-rest-knox", security(()),
            responses(
                (status = 200, description = "As django-rest-knox", body = Object),
                (status = 204, description = "Done"),
                (status = 400, description = "As django-rest-knox", body = Object),
                (status = 401, description = "As django-rest-knox", body = Object),
                (status = 403, description = "As django-rest-knox", body = Object),
            )
        )]
        #[$macro($bare_path)]
        pub async fn $bare($($argument: $type),*) -> HttpResponse {
            answer($body($($argument),*).await)
        }
    };
}

both_slashes!(
    post, login, login_bare, "/api/auth/login/", "/api/auth/login", "knox_login", "knox_login_bare",
    "Sign in for a token, as django-rest-knox",
    (app: Data<App>, request: HttpRequest, client: Client, body: Body), log_in
);
both_slashes!(
    post, logout, logout_bare, "/api/auth/logout/", "/api/auth/logout", "knox_logout", "knox_logout_bare",
    "Revoke the presented token, as django-rest-knox",
    (app: Data<App>, request: HttpRequest), log_out
);
both_slashes!(
    post, logout_all, logout_all_bare, "/api/auth/logoutall/", "/api/auth/logoutall", "knox_logoutall",
    "knox_logoutall_bare", "Revoke every token of the user, as django-rest-knox",
    (app: Data<App>, request: HttpRequest), log_out_all
);
both_slashes!(
    get, own_user, own_user_bare, "/api/auth/user/", "/api/auth/user", "knox_user", "knox_user_bare",
    "The user of the presented token",
    (app: Data<App>, request: HttpRequest), show_user
);

async fn log_in(app: Data<App>, request: HttpRequest, client: Client, body: Body) -> Outcome<HttpResponse> {
    let signed_in = match basic(&request)? {
        Some((username, password)) => attempt(&app, &username, &password, &client)
            .await?
            .ok_or_else(|| Refused::basic("Invalid username/password."))?,
        None if body.is_empty() => return Err(Refused::basic(NO_CREDENTIALS)),
        None => {
            let (username, password) = credentials(body).await?;
            attempt(&app, &username, &password, &client).await?.ok_or_else(|| {
                Refused::new(StatusCode::BAD_REQUEST, json!({"non_field_errors": ["Incorrect Credentials"]}))
            })?
        }
    };
    let session = &signed_in.issued.session;
    Ok(HttpResponse::Ok().json(json!({
        "user": user_body(&signed_in.user),
        "token": signed_in.issued.credential.expose_secret(),
        "expiry": session.expiry().map(|at| expiry(&app, at)),
    })))
}

async fn log_out(app: Data<App>, request: HttpRequest) -> Outcome<HttpResponse> {
    let caller = caller(&app, &request).await?;
    sessions::sign_out(&app, &caller.session).await.map_err(|error| Refused::fault(&error))?;
    Ok(HttpResponse::NoContent().finish())
}

async fn log_out_all(app: Data<App>, request: HttpRequest) -> Outcome<HttpResponse> {
    let caller = caller(&app, &request).await?;
    sessions::end_all(&app, caller.user.id, None).await.map_err(|error| Refused::fault(&error))?;
    Ok(HttpResponse::NoContent().finish())
}

async fn show_user(app: Data<App>, request: HttpRequest) -> Outcome<HttpResponse> {
    Ok(HttpResponse::Ok().json(user_body(&caller(&app, &request).await?.user)))
}

fn user_body(user: &User) -> Value {
    json!({"id": user.id, "username": user.email, "email": user.email})
}

fn expiry(app: &App, at: Time) -> String {
    let format = app.config.tokens.expiry_format.as_deref();
    format.map_or_else(|| at.to_string(), |format| at.timestamp().strftime(format).to_string())
}

/// `None`: unknown, wrong or inactive.
async fn attempt(
    app: &App,
    username: &str,
    password: &SecretString,
    client: &Client,
) -> Outcome<Option<SignedInUser>> {
    match sign_in(app, username, password, SessionKind::Opaque, client).await {
        Ok(signed_in) => Ok(Some(signed_in)),
        Err(error) => match error.kind() {
            ErrorKind::LoginBadCredentials | ErrorKind::LoginUserNotVerified => Ok(None),
            ErrorKind::TokenLimitReached => {
                let body = json!({"error": "Maximum amount of tokens allowed per user exceeded."});
                Err(Refused::new(StatusCode::FORBIDDEN, body))
            }
            _ => Err(Refused::fault(&error)),
        },
    }
}

/// The credentials of `Authorization: Basic`; `None` without that scheme.
fn basic(request: &HttpRequest) -> Outcome<Option<(String, SecretString)>> {
    const PREFIX: &str = "Invalid basic header.";
    let header =
        request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok()).unwrap_or_default();
    let mut words = header.split_whitespace();
    if !words.next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic")) {
        return Ok(None);
    }
    let Some(encoded) = words.next() else {
        return Err(Refused::basic(&format!("{PREFIX} No credentials provided.")));
    };
    if words.next().is_some() {
        return Err(Refused::basic(&format!("{PREFIX} Credentials string should not contain spaces.")));
    }
    let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
    let Some((username, password)) = pair else {
        return Err(Refused::basic(&format!("{PREFIX} Credentials not correctly base64 encoded.")));
    };
    Ok(Some((username.to_owned(), SecretString::from(password))))
}

/// User name and password of a body, with the field errors of Django REST framework.
async fn credentials(body: Body) -> Outcome<(String, SecretString)> {
    let fields = body.any().await.map_err(|error| match error.kind() {
        ErrorKind::Validation(_) => Refused::new(
            StatusCode::BAD_REQUEST,
            json!({"detail": "JSON parse error - the body is not a JSON object."}),
        ),
        ErrorKind::BadRequest => Refused::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            json!({"detail": "Unsupported media type in request."}),
        ),
        _ => Refused::fault(&error),
    })?;
    let mut faults = Map::new();
    let mut read = |name: &str| {
        let fault = match fields.get(name) {
            None => "This field is required.",
            Some(Value::Null) => "This field may not be null.",
            Some(Value::String(text)) if text.trim().is_empty() => "This field may not be blank.",
            Some(Value::String(text)) => return text.clone(),
            Some(_) => "Not a valid string.",
        };
        faults.insert(name.to_owned(), json!([fault]));
        String::new()
    };
    let (username, password) = (read("username"), SecretString::from(read("password")));
    if faults.is_empty() {
        Ok((username, password))
    } else {
        Err(Refused::new(StatusCode::BAD_REQUEST, faults.into()))
    }
}

/// Who presents a token, with knox's texts for who does not.
async fn caller(app: &App, request: &HttpRequest) -> Outcome<Caller> {
    let header =
        request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok()).unwrap_or_default();
    let mut words = header.split_whitespace();
    let scheme = &app.config.tokens.header_prefix;
    if !words.next().is_some_and(|word| word.eq_ignore_ascii_case(scheme)) {
        return Err(Refused::token(app, NO_CREDENTIALS));
    }
    let token = match (words.next(), words.next()) {
        (Some(token), None) => token,
        (None, _) => return Err(Refused::token(app, "Invalid token header. No credentials provided.")),
        (Some(_), Some(_)) => {
            let text = "Invalid token header. Token string should not contain spaces.";
            return Err(Refused::token(app, text));
        }
    };
    by_opaque_token(app, token).await.map_err(|error| match error.kind() {
        ErrorKind::InvalidToken => Refused::token(app, "Invalid token."),
        _ => Refused::fault(&error),
    })
}

//! django-rest-knox: `/api/auth/login/`, `logout/`, `logoutall/` and `user/`, with its bodies to the letter.
//!
//! Everything here answers `application/json`; each path is served with and without its trailing slash. The scheme word
//! is `tokens.header_prefix`, `Token` by default.

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use crate::accounts::User;
use crate::app::App;
use crate::base::clock::Time;
use crate::caller::{Caller, Holder, holder_of};
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
            let (username, password) = credentials(&request, body).await?;
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

/// The words of the header `Authorization`. Bytes that are no text make a word that is nobody's.
fn authorization(request: &HttpRequest) -> Vec<String> {
    let bytes = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    String::from_utf8_lossy(bytes).split_ascii_whitespace().map(str::to_owned).collect()
}

/// The credentials of `Authorization: Basic`; `None` without that scheme.
fn basic(request: &HttpRequest) -> Outcome<Option<(String, SecretString)>> {
    let words = authorization(request);
    if !words.first().is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic")) {
        return Ok(None);
    }
    let refused = |text: &str| Refused::basic(&format!("Invalid basic header. {text}"));
    let encoded = match &words[1..] {
        [encoded] => encoded,
        [] => return Err(refused("No credentials provided.")),
        _ => return Err(refused("Credentials string should not contain spaces.")),
    };
    let broken = || refused("Credentials not correctly base64 encoded.");
    let bytes = STANDARD.decode(encoded).map_err(|_| broken())?;
    // UTF-8, and Latin-1 of older clients (RFC 7617 section 3).
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect());
    let (username, password) = text.split_once(':').ok_or_else(broken)?;
    Ok(Some((username.to_owned(), SecretString::from(password))))
}

/// User name and password of a body, with the field errors of Django REST framework.
async fn credentials(request: &HttpRequest, body: Body) -> Outcome<(String, SecretString)> {
    let refused = |body: Value| Refused::new(StatusCode::BAD_REQUEST, body);
    let value = body.any().await.map_err(|error| match error.kind() {
        ErrorKind::Validation(_) => refused(json!({"detail": "JSON parse error - the body is no JSON."})),
        _ => Refused::fault(&error),
    })?;
    let fields = match value {
        Some(Value::Object(fields)) => fields,
        Some(Value::Null) => return Err(refused(json!({"non_field_errors": ["No data provided"]}))),
        Some(other) => {
            let text = format!("Invalid data. Expected a dictionary, but got {}.", python_type(&other));
            return Err(refused(json!({"non_field_errors": [text]})));
        }
        None => {
            let bytes = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
            let detail = format!("Unsupported media type \"{}\" in request.", String::from_utf8_lossy(bytes));
            return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, json!({"detail": detail})));
        }
    };
    let mut faults = Map::new();
    let mut read = |name: &str| {
        let fault = match fields.get(name) {
            None => "This field is required.",
            Some(Value::Null) => "This field may not be null.",
            Some(Value::String(text)) if text.trim().is_empty() => "This field may not be blank.",
            Some(Value::String(text)) => return text.clone(),
            Some(Value::Number(number)) => return number.to_string(),
            Some(_) => "Not a valid string.",
        };
        faults.insert(name.to_owned(), json!([fault]));
        String::new()
    };
    let (username, password) = (read("username"), SecretString::from(read("password")));
    if faults.is_empty() { Ok((username, password)) } else { Err(refused(faults.into())) }
}

fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// Who presents a token, with knox's texts for who does not.
async fn caller(app: &App, request: &HttpRequest) -> Outcome<Caller> {
    let words = authorization(request);
    let scheme = &app.config.tokens.header_prefix;
    if !words.first().is_some_and(|word| word.eq_ignore_ascii_case(scheme)) {
        return Err(Refused::token(app, NO_CREDENTIALS));
    }
    let refused = |text: &str| Refused::token(app, text);
    let token = match &words[1..] {
        [token] => token,
        [] => return Err(refused("Invalid token header. No credentials provided.")),
        _ => return Err(refused("Invalid token header. Token string should not contain spaces.")),
    };
    match holder_of(app, token).await.map_err(|error| Refused::fault(&error))? {
        Some(Holder::Caller(caller)) if app.config.accounts.require_verified && !caller.user.is_verified => {
            let detail = "You do not have permission to perform this action.";
            Err(Refused::new(StatusCode::FORBIDDEN, json!({"detail": detail})))
        }
        Some(Holder::Caller(caller)) => Ok(*caller),
        Some(Holder::Inactive) => Err(refused("User inactive or deleted.")),
        None => Err(refused("Invalid token.")),
    }
}

//! Request bodies: read whole and bounded, judged only after the caller and the target are known.
//!
//! [`Body`] never fails as an extractor, so that the guard order of HTTP.md holds; [`Fields`] then reads field by
//! field and reports all faults at once, in FastAPI's words and without repeating what was sent. Types are strict but
//! for booleans, which take pydantic's lax spellings.

use crate::base::clock::Time;
use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream};
use secrecy::SecretString;
use serde_json::{Map, Value};
use validator::Validate;

use crate::base::email_address::EmailAddress;
use crate::error::{Error, ErrorKind, FieldError, Place, Result};
use crate::http::app_of;

/// A request body that was read but not judged yet.
pub struct Body {
    bytes: Result<Bytes, ErrorKind>,
    headers: HeaderMap,
}

impl FromRequest for Body {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let headers = request.headers().clone();
        let patience = app_of(request).map(|app| app.config.http.body_timeout);
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move {
            let bytes = match tokio::time::timeout(patience?, bytes).await {
                Ok(Ok(bytes)) => Ok(bytes),
                Ok(Err(error)) => Err(match error.as_error() {
                    Some(PayloadError::Overflow) => ErrorKind::PayloadTooLarge,
                    _ => ErrorKind::BadRequest,
                }),
                // A client that sends a byte now and then must not hold a connection for ever.
                Err(_) => Err(ErrorKind::RequestTimeout),
            };
            Ok(Self { bytes, headers })
        })
    }
}

impl Body {
    /// The fields of a JSON object.
    ///
    /// # Errors
    /// 413, and 422 for anything that is not an object in JSON.
    pub fn json(self) -> Result<Fields> {
        let bytes = self.bytes?;
        if bytes.is_empty() {
            return Err(whole_body("missing", "Field required"));
        }
        if !media_type(&self.headers).is_some_and(|media| is_json(&media)) {
            return Err(not_an_object());
        }
        parse_json(&bytes)
    }

    /// The fields of a JSON object, or none at all when the body is empty.
    ///
    /// # Errors
    /// As [`Body::json`].
    pub fn optional_json(self) -> Result<Fields> {
        match &self.bytes {
            Ok(bytes) if bytes.is_empty() => Ok(Fields::new(Map::new())),
            _ => self.json(),
        }
    }

    /// The fields of a login: form, multipart or JSON. Empty strings count as missing, as in OAuth2 forms.
    ///
    /// # Errors
    /// 413, and 422 when a JSON body is broken; any other body has no fields.
    pub async fn login(self) -> Result<Fields> {
        let bytes = self.bytes?;
        let media = media_type(&self.headers).unwrap_or_default();
        let mut fields = if is_json(&media) && !bytes.is_empty() {
            parse_json(&bytes)?
        } else if media == "application/x-www-form-urlencoded" {
            Fields::new(form(&bytes))
        } else if media == "multipart/form-data" {
            Fields::new(multipart(&self.headers, bytes).await)
        } else {
            Fields::new(Map::new())
        };
        fields.map.retain(|_, value| value.as_str() != Some(""));
        Ok(fields)
    }

    /// Whether there is no body at all.
    pub fn is_empty(&self) -> bool {
        self.bytes.as_ref().is_ok_and(Bytes::is_empty)
    }

    /// The raw value of JSON, a form or a multipart form; `None` for any other media type.
    ///
    /// # Errors
    /// 413, and 422 for broken JSON.
    pub async fn any(self) -> Result<Option<Value>> {
        let bytes = self.bytes?;
        Ok(match media_type(&self.headers).unwrap_or_default().as_str() {
            media if is_json(media) => Some(parse_value(&bytes)?),
            "application/x-www-form-urlencoded" => Some(form(&bytes).into()),
            "multipart/form-data" => Some(multipart(&self.headers, bytes).await.into()),
            _ => None,
        })
    }

    /// The fields of an HTML form.
    ///
    /// # Errors
    /// 413.
    pub fn form(self) -> Result<Fields> {
        Ok(Fields::new(form(&self.bytes?)))
    }
}

/// The fields of a body on their way to domain types.
pub struct Fields {
    /// `body` or `query`.
    place: &'static str,
    map: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    fn new(map: Map<String, Value>) -> Self {
        Self { place: "body", map, errors: Vec::new() }
    }

    /// The parameters of a query; the last of a name counts, empty ones do not.
    pub fn query(query: &str) -> Self {
        let mut map = form(query.as_bytes());
        map.retain(|_, value| value.as_str() != Some(""));
        Self { place: "query", map, errors: Vec::new() }
    }

    /// A required string.
    pub fn string(&mut self, name: &str) -> Option<String> {
        if !self.map.contains_key(name) {
            self.fault(name, "missing", "Field required".into());
            return None;
        }
        match self.map.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => {
                self.fault(name, "string_type", "Input should be a valid string".into());
                None
            }
        }
    }

    /// A string that may be absent or null.
    pub fn optional_string(&mut self, name: &str) -> Option<String> {
        match self.map.get(name) {
            None | Some(Value::Null) => None,
            Some(_) => self.string(name),
        }
    }

    /// A required secret, kept out of logs from here on.
    pub fn secret(&mut self, name: &str) -> Option<SecretString> {
        self.string(name).map(SecretString::from)
    }

    /// A secret that may be absent or null.
    pub fn optional_secret(&mut self, name: &str) -> Option<SecretString> {
        self.optional_string(name).map(SecretString::from)
    }

    /// A required e-mail address.
    pub fn email(&mut self, name: &str) -> Option<EmailAddress> {
        let typed = self.string(name)?;
        match EmailAddress::parse(&typed) {
            Ok(address) => Some(address),
            Err(reason) => {
                let msg = format!("value is not a valid email address: {reason}");
                self.fault(name, "value_error", msg);
                None
            }
        }
    }

    /// An e-mail address that may be absent or null.
    pub fn optional_email(&mut self, name: &str) -> Option<EmailAddress> {
        match self.map.get(name) {
            None | Some(Value::Null) => None,
            Some(_) => self.email(name),
        }
    }

    /// A boolean that may be absent or null, in any spelling that pydantic takes.
    pub fn optional_bool(&mut self, name: &str) -> Option<bool> {
        let parsed = match self.map.get(name)? {
            Value::Null => return None,
            Value::Bool(value) => Some(*value),
            Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
            Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
                "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
                _ => None,
            },
            Value::Array(_) | Value::Object(_) => {
                self.fault(name, "bool_type", "Input should be a valid boolean".into());
                return None;
            }
            Value::Number(_) => None,
        };
        if parsed.is_none() {
            let msg = "Input should be a valid boolean, unable to interpret input";
            self.fault(name, "bool_parsing", msg.into());
        }
        parsed
    }

    /// A whole number that may be absent.
    pub fn optional_integer(&mut self, name: &str) -> Option<i64> {
        let text = self.optional_string(name)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            let msg = "Input should be a valid integer, unable to parse string as an integer";
            self.fault(name, "int_parsing", msg.into());
        }
        parsed
    }

    /// An RFC 3339 time that may be absent.
    pub fn optional_time(&mut self, name: &str) -> Option<Time> {
        let text = self.optional_string(name)?;
        let parsed = Time::parse(&text);
        if parsed.is_none() {
            let msg = "Input should be a valid datetime, for instance 2026-11-24T10:15:00Z";
            self.fault(name, "datetime_parsing", msg.into());
        }
        parsed
    }

    /// Adds what the rules of `value` say against it. Only the names and bounds of rules are kept, never the value.
    pub fn check(&mut self, value: &impl Validate) {
        let Err(errors) = value.validate() else { return };
        for (name, faults) in errors.field_errors() {
            for fault in faults {
                let bound = |bound: &str| fault.params.get(bound).map(ToString::to_string);
                let msg = match (bound("min"), bound("max")) {
                    (Some(min), Some(max)) => format!("Input should be from {min} to {max}"),
                    (None, Some(max)) => format!("Input should have at most {max} characters"),
                    _ => "Input is not valid".to_owned(),
                };
                self.fault(&name, "out_of_range", msg);
            }
        }
    }

    /// Reports a fault that the fields themselves cannot see.
    pub fn refuse(&mut self, name: &str, msg: &str) {
        self.fault(name, "value_error", msg.to_owned());
    }

    /// Ends the reading of a login.
    ///
    /// # Errors
    /// 422 when user name or password is missing, or `grant_type` is not `password`.
    pub fn credentials(mut self) -> Result<(String, SecretString)> {
        self.fixed("grant_type", "password");
        let (username, password) = (self.string("username"), self.secret("password"));
        self.finish(username.zip(password))
    }

    /// A field that, if given, must have this one value.
    pub fn fixed(&mut self, name: &str, value: &str) {
        match self.map.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(given)) if given == value => {}
            Some(_) => {
                let msg = format!("String should match pattern '^{value}$'");
                self.fault(name, "string_pattern_mismatch", msg);
            }
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 422 with every fault that was found.
    pub fn finish<T>(self, value: Option<T>) -> Result<T> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(ErrorKind::Validation(self.errors).into()),
        }
    }

    fn fault(&mut self, name: &str, r#type: &'static str, msg: String) {
        self.errors.push(FieldError { r#type, loc: vec![self.place.into(), name.into()], msg });
    }
}

fn whole_body(r#type: &'static str, msg: &str) -> Error {
    ErrorKind::Validation(vec![FieldError { r#type, loc: vec!["body".into()], msg: msg.into() }]).into()
}

fn not_an_object() -> Error {
    whole_body("model_attributes_type", "Input should be a valid dictionary or object to extract fields from")
}

/// The media type without parameters, in lower case.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next()?.trim().to_ascii_lowercase())
}

fn is_json(media: &str) -> bool {
    media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
}

fn parse_json(bytes: &[u8]) -> Result<Fields> {
    match parse_value(bytes)? {
        Value::Object(map) => Ok(Fields::new(map)),
        _ => Err(not_an_object()),
    }
}

fn parse_value(bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|error| {
        // Where it broke, as FastAPI says it; serde's own words may quote the body.
        let offset =
            if error.is_eof() { bytes.len() } else { offset_of(bytes, error.line(), error.column()) };
        ErrorKind::Validation(vec![FieldError {
            r#type: "json_invalid",
            loc: vec!["body".into(), Place::Offset(offset)],
            msg: "JSON decode error".into(),
        }])
        .into()
    })
}

fn offset_of(bytes: &[u8], line: usize, column: usize) -> usize {
    let before: usize =
        bytes.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    before + column.saturating_sub(1)
}

fn form(bytes: &[u8]) -> Map<String, Value> {
    serde_html_form::from_bytes::<Vec<(String, String)>>(bytes)
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect()
}

/// The text parts of a multipart form. What comes after a broken part is not read: the parser would report the same
/// fault for ever.
async fn multipart(headers: &HeaderMap, bytes: Bytes) -> Map<String, Value> {
    let limit = bytes.len();
    let body = stream::once(async move { Ok::<_, PayloadError>(bytes) }).boxed_local();
    let mut parts = Multipart::new(headers, body);
    let mut map = Map::new();
    while let Ok(Some(mut part)) = parts.try_next().await {
        let name = part.name().map(str::to_owned);
        let Ok(Ok(content)) = part.bytes(limit).await else { break };
        if let (Some(name), Ok(text)) = (name, String::from_utf8(content.to_vec())) {
            map.insert(name, Value::String(text));
        }
    }
    map
}

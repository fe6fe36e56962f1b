//! Forms: what was typed, and what is wrong with it.

use actix_web::HttpRequest;
use serde_json::{Map, Value, json};

use crate::base::email_address::EmailAddress;
use crate::error::{Error, ErrorKind, FieldError, Place, Result};
use crate::http::body::Fields;

/// A field as typed, to be shown again; empty when there is none.
pub(super) fn typed(fields: &mut Fields, name: &str) -> String {
    fields.optional_string(name).unwrap_or_default()
}

/// The token of a mailed link, from the address of its page; empty when there is none.
pub(super) fn token_of(request: &HttpRequest) -> String {
    typed(&mut Fields::query(request.query_string()), "token")
}

/// The address in what was `typed` into the field `name`.
pub(super) fn email(fields: &mut Fields, name: &str, typed: &str) -> Option<EmailAddress> {
    let parsed = if typed.is_empty() { Err("Enter an e-mail address.") } else { EmailAddress::parse(typed) };
    parsed.map_err(|reason| fields.refuse(name, reason)).ok()
}

/// What the templates show of a refusal that the person at the form can mend: `{summary, fields}`.
///
/// # Errors
/// Hands back any other error.
pub(super) fn refusal(error: Error) -> Result<Value> {
    let entry = error.kind().entry();
    Ok(match error.kind() {
        ErrorKind::Validation(faults) => {
            json!({"summary": "Some fields are missing or not right.", "fields": texts(faults)})
        }
        ErrorKind::RegisterInvalidPassword(reason) | ErrorKind::ResetPasswordInvalidPassword(reason) => {
            json!({"summary": entry.title, "fields": {"password": format!("{reason}.")}})
        }
        ErrorKind::RegisterUserAlreadyExists => {
            json!({"summary": entry.help, "fields": {"email": entry.title}})
        }
        ErrorKind::LoginBadCredentials | ErrorKind::LoginUserNotVerified => {
            json!({"summary": entry.title, "fields": null})
        }
        _ => return Err(error),
    })
}

fn texts(faults: &[FieldError]) -> Map<String, Value> {
    faults
        .iter()
        .filter_map(|fault| {
            let text = if fault.r#type == "missing" { "Fill in this field." } else { fault.msg.as_str() };
            match fault.loc.last()? {
                Place::Name(name) => Some((name.clone(), json!(text))),
                Place::Offset(_) => None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_person_can_mend_is_shown_in_the_form() {
        let shown = refusal(ErrorKind::RegisterUserAlreadyExists.into()).unwrap();
        assert_eq!(shown["fields"]["email"], "There is an account with this email address.");
        let shown = refusal(ErrorKind::RegisterInvalidPassword("Too short".into()).into()).unwrap();
        assert_eq!(shown["fields"]["password"], "Too short.");
        let shown = refusal(Error::field("email", "missing", "Field required")).unwrap();
        assert_eq!(shown["fields"], json!({"email": "Fill in this field."}));
        assert!(refusal(ErrorKind::LoginBadCredentials.into()).unwrap()["fields"].is_null());
        for kind in [ErrorKind::HashingQueueFull, ErrorKind::RegistrationClosed, ErrorKind::Internal] {
            assert!(refusal(kind.into()).is_err());
        }
    }
}

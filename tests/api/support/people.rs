//! People who already have what a story needs: an account, a proven address, a session.

use secrecy::SecretString;
use serde_json::{Value, json};
use usher::accounts::{self, Creation};
use usher::base::email_address::EmailAddress;
use usher::mail::{MailKind, Outgoing};

use super::server::Server;

/// A good password, and everybody's.
pub const PASSWORD: &str = "correct horse battery";

/// An account and its password.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub email: String,
    /// Of a session that was opened when the person came in.
    pub tokens: Tokens,
}

/// The answer to a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    /// Reads the body of a sign-in or a refresh.
    #[track_caller]
    pub fn of(body: &Value) -> Self {
        let text =
            |name: &str| body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}")).to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

/// Which flags an account has from the start.
#[derive(Clone, Copy)]
struct Flags {
    is_superuser: bool,
    is_verified: bool,
}

impl Server {
    /// Registers by HTTP and gives the user.
    pub async fn register(&self, email: &str, password: &str) -> Value {
        let body = json!({"email": email, "password": password});
        self.post("/auth/register").json(body).await.success(201)
    }

    /// Signs in by HTTP.
    pub async fn sign_in(&self, email: &str, password: &str) -> Tokens {
        let fields = [("username", email), ("password", password)];
        Tokens::of(&self.post("/auth/jwt/login").form(&fields).await.success(200))
    }

    /// Who asks with this token, if anybody.
    pub async fn is_signed_in(&self, access_token: &str) -> bool {
        match self.get("/users/me").bearer(access_token).await.status {
            200 => true,
            401 => false,
            status => panic!("GET /users/me: {status}"),
        }
    }

    /// Somebody with a verified address, signed in. No mail waits.
    pub async fn verified_user(&self, email: &str) -> Person {
        self.person(email, Flags { is_superuser: false, is_verified: true }).await
    }

    /// Somebody whose address is not proven, signed in (unless that needs a proven address). No mail waits.
    pub async fn unverified_user(&self, email: &str) -> Person {
        self.person(email, Flags { is_superuser: false, is_verified: false }).await
    }

    /// A superuser, signed in.
    pub async fn superuser(&self, email: &str) -> Person {
        self.person(email, Flags { is_superuser: true, is_verified: true }).await
    }

    async fn person(&self, email: &str, flags: Flags) -> Person {
        let creation = Creation {
            email: EmailAddress::parse(email).expect("an address"),
            password: Some(SecretString::from(PASSWORD)),
            is_active: true,
            is_superuser: flags.is_superuser,
            is_verified: flags.is_verified,
        };
        let user = accounts::create(self.app(), creation, &Default::default()).await.expect("a new account");
        self.mails().await;
        Person { id: user.id.to_string(), email: user.email, tokens: self.sign_in(email, PASSWORD).await }
    }

    /// The token of a verification mail that was just asked for.
    pub async fn verify_token(&self, email: &str) -> String {
        self.post("/auth/request-verify-token").json(json!({"email": email})).await.success(202);
        token_of(&self.mail(MailKind::Verify, email).await)
    }

    /// The token of a reset mail that was just asked for.
    pub async fn reset_token(&self, email: &str) -> String {
        self.post("/auth/forgot-password").json(json!({"email": email})).await.success(202);
        token_of(&self.mail(MailKind::ResetPassword, email).await)
    }
}

/// The link in the text part of a mail, which stands alone on its line.
#[track_caller]
pub fn link_of(mail: &Outgoing) -> String {
    let links: Vec<&str> = mail.rendered.text.lines().filter(|line| line.contains("?token=")).collect();
    assert_eq!(links.len(), 1, "{}", mail.rendered.text);
    links[0].trim().to_owned()
}

/// What stands behind `token=` in the link of a mail.
#[track_caller]
pub fn token_of(mail: &Outgoing) -> String {
    let link = link_of(mail);
    let (_, token) = link.split_once("?token=").expect("a token");
    token.to_owned()
}

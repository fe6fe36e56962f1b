//! What production refuses to start with.
//!
//! Production is everything but a server whose bind address and public URL are both loopback.
//! Comforts of the first five minutes (plain http, mails in a folder) would there be holes.

use secrecy::ExposeSecret;

use super::fault::Fault;
use super::mailbox::domain_of;
use super::transport::{SmtpServer, SmtpTls, Transport};
use super::{Config, url};

/// Everything that must not reach production, at once; empty if all is well.
pub fn check_production(config: &Config) -> Vec<Fault> {
    [public_url_fault(config), transport_fault(config), sender_fault(config), master_key_fault(config)]
        .into_iter()
        .flatten()
        .collect()
}

fn public_url_fault(config: &Config) -> Option<Fault> {
    let host = config.public_host();
    let problem = if !config.uses_https() {
        "must be https:// in production, since passwords and tokens pass over it"
    } else if url::is_loopback(&host) || host.ends_with(".localhost") || url::is_unspecified(&host) {
        "must be an address that people can reach, since links in mails come from it"
    } else {
        return None;
    };
    let reason = if url::is_loopback(&host) {
        format!("{problem} (this is production because bind, {}, is not loopback)", config.bind)
    } else {
        problem.to_owned()
    };
    Some(Fault::new("public_url", reason))
}

fn transport_fault(config: &Config) -> Option<Fault> {
    let problem = match config.mail.parsed_transport() {
        Ok(Transport::Outbox { folder: None }) => {
            "must not be the dev inbox in production; set smtps://…, smtp://… or outbox:/folder"
        }
        Ok(Transport::Smtp(SmtpServer { host, tls: SmtpTls::None | SmtpTls::Opportunistic, .. }))
            if !url::is_loopback(&host) =>
        {
            "must not send in plain text to another machine in production; use smtps:// or ?tls=required"
        }
        Ok(_) => return None,
        Err(problem) => problem,
    };
    Some(Fault::new("mail.transport", problem))
}

fn sender_fault(config: &Config) -> Option<Fault> {
    let domain = domain_of(&config.mail.from).to_ascii_lowercase();
    let last = domain.rsplit('.').next().unwrap_or_default();
    // Reserved by RFC 2606 and RFC 6761; no mail from them is ever accepted.
    matches!(last, "invalid" | "localhost").then(|| {
        Fault::new(
            "mail.from",
            "must be set in production, to an address of your own such as Acme <no-reply@acme.org>",
        )
    })
}

/// Catches keys typed for an example (one byte over and over, or a counting pattern) without
/// judging randomness: 32 random bytes have fewer than 12 different ones about never.
fn master_key_fault(config: &Config) -> Option<Fault> {
    let key = config.keys.master_key.as_ref()?;
    let mut bytes = hex::decode(key.expose_secret()).unwrap_or_default();
    let steps: std::collections::BTreeSet<u8> =
        bytes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    bytes.sort_unstable();
    bytes.dedup();
    (bytes.len() < 12 || steps.len() < 4)
        .then(|| Fault::new("keys.master_key", "is an example and not random; use `openssl rand -hex 32`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit() -> Config {
        let mut config = Config { public_url: "https://id.example.org".into(), ..Config::default() };
        config.mail.transport = "smtps://u:p@smtp.example.org".into();
        config.mail.from = "Acme <no-reply@example.org>".into();
        config
    }

    fn subjects(config: &Config) -> Vec<String> {
        check_production(config).into_iter().map(|fault| fault.subject).collect()
    }

    #[test]
    fn the_defaults_are_refused_and_a_fit_configuration_is_not() {
        assert_eq!(subjects(&Config::default()), ["public_url", "mail.transport", "mail.from"]);
        assert_eq!(subjects(&fit()), [""; 0]);
    }

    #[test]
    fn public_urls_of_nobody_are_refused() {
        for bad in [
            "http://id.example.org",
            "https://localhost",
            "https://127.0.0.1:8443",
            "https://[::1]",
            "https://0.0.0.0",
            "https://a.localhost",
        ] {
            let config = Config { public_url: bad.into(), ..fit() };
            assert_eq!(subjects(&config), ["public_url"], "{bad}");
        }
    }

    #[test]
    fn mails_leave_in_the_open_only_to_this_machine() {
        for (transport, is_fine) in [
            ("outbox", false),
            ("outbox:/mails", true),
            ("smtp://smtp.example.org?tls=none", false),
            ("smtp://smtp.example.org?tls=opportunistic", false),
            ("smtp://smtp.example.org", true),
            ("smtp://localhost:25?tls=none", true),
        ] {
            let mut config = fit();
            config.mail.transport = transport.into();
            assert_eq!(check_production(&config).is_empty(), is_fine, "{transport}");
        }
    }

    #[test]
    fn example_keys_are_refused() {
        for bad in
            ["00".repeat(32), "0123456789abcdef".repeat(4), (0..32).map(|n| format!("{n:02x}")).collect()]
        {
            let mut config = fit();
            config.keys.master_key = Some(bad.into());
            assert_eq!(subjects(&config), ["keys.master_key"]);
        }
        let mut config = fit();
        config.keys.master_key =
            Some("9f3b1c77e05a4d2886be60f1d9c3a4527711e8cafe0b936d5582a1f04c7db3e6".into());
        assert_eq!(subjects(&config), [""; 0]);
    }
}

//! The pages for people, by forms alone as a browser without JavaScript sends them. Each page is held against the
//! rules of all pages in `support/page.rs`.

mod cross_site;
mod dev_inbox;
mod errors;
mod login;
mod passwords;
mod plain;
mod setup;
mod signup;
mod verify;

use crate::support::{MailKind, Server, link_of};

const ADA: &str = "ada@example.com";

/// The mailed link as a path of this server.
async fn mailed_path(server: &Server, kind: MailKind, to: &str) -> String {
    path_of(server, &link_of(&server.mail(kind, to).await))
}

/// A link of this server as a path.
fn path_of(server: &Server, link: &str) -> String {
    link.strip_prefix(server.public_url()).unwrap_or_else(|| panic!("{link} leads elsewhere")).to_owned()
}

/// Opens a link 50 times and asks for its head 50 times, as mail scanners do; who looks sees `heading`.
async fn scan(server: &Server, path: &str, heading: &str) {
    use crate::support::join_all;
    let pages = join_all((0..50).map(|_| server.get(path).page())).await;
    pages.iter().for_each(|page| {
        page.shows(200, heading);
    });
    let heads = join_all((0..50).map(|_| async { server.request("HEAD", path).await })).await;
    assert!(heads.iter().all(|head| (head.status, head.text()) == (200, "")));
}

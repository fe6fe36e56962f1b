//! The first superuser by the setup link.

use secrecy::ExposeSecret;

use super::{ADA, path_of, scan};
use crate::support::*;

const READY: &str = "Create the first administrator";
const DONE: &str = "The first administrator was created";
const UNAVAILABLE: &str = "An administrator exists already";

/// The path of a new link, if there is to be one.
async fn link(server: &Server) -> Option<String> {
    let link = usher::setup::make_link(server.app()).await.expect("the database can be used")?;
    Some(path_of(server, link.expose_secret()))
}

/// Posts the form that a link once showed.
async fn create(server: &Server, path: &str, email: &str, password: &str) -> Page {
    let (_, token) = path.split_once("token=").expect("a token");
    let fields = [("token", token), ("email", email), ("password", password)];
    server.post("/setup").form(&fields).page().await
}

/// What a link says, opened or posted; nobody is made.
async fn refuses(server: &Server, path: &str, heading: &str) -> Page {
    create(server, path, "eve@example.com", PASSWORD).await.shows(400, heading);
    let page = server.get(path).page().await;
    assert!(!page.shows(200, heading).has("form"));
    server
        .post("/login")
        .form(&[("username", "eve@example.com"), ("password", PASSWORD)])
        .page()
        .await
        .shows(400, "Sign in");
    page
}

story!(the_link_makes_one_verified_superuser, async |server| {
    let path = link(&server).await.expect("a link");
    assert!(path.starts_with("/setup?token="));
    scan(&server, &path, READY).await;
    let form = server.get(&path).page().await;
    assert_eq!(form.attribute("#email", "autocomplete"), "username");
    let typed = [("email", ADA), ("password", PASSWORD)];
    let done = server.submit(&form, "/setup", &typed).page().await;
    done.shows(200, DONE);
    assert!(!done.headers.contains_key("set-cookie"));
    let cookie = server.log_in(ADA, PASSWORD).await;
    let me = server.get("/users/me").cookie(&cookie).await.success(200);
    assert_eq!((&me["is_superuser"], &me["is_verified"]), (&json!(true), &json!(true)));
    server.get("/users").cookie(&cookie).await.success(200);
    server.expect_no_mail().await;
    let page = refuses(&server, &path, "This link was already used").await;
    // No start of the server would give another one.
    assert!(page.has("a[href='/login']") && !page.words().contains("Start the server again"));
    assert!(link(&server).await.is_none());
});

story!(of_many_uses_at_once_one_wins, async |server| {
    let path = link(&server).await.expect("a link");
    let emails: Vec<String> = (0..12).map(|number| format!("root{number}@example.org")).collect();
    let pages = join_all(emails.iter().map(|email| create(&server, &path, email, PASSWORD))).await;
    let won: Vec<usize> = (0..12).filter(|number| pages[*number].status == 200).collect();
    assert_eq!(won.len(), 1);
    let access = server.sign_in(&emails[won[0]], PASSWORD).await.access;
    let users = server.get("/users").bearer(&access).await.success(200);
    assert_eq!(users["items"].as_array().unwrap().len(), 1);
});

story!(what_is_refused_leaves_the_link_good, async |server| {
    server.unverified_user("taken@example.com").await;
    let path = link(&server).await.expect("a link");
    let form = server.get(&path).page().await;
    let submit = async |email: &str, password: &str| {
        server.submit(&form, "/setup", &[("email", email), ("password", password)]).page().await
    };
    let page = submit(ADA, "hunter").await;
    let weak = [("password", "Password should be at least 8 characters.")];
    page.shows(400, READY).faults("Choose another password.", &weak);
    assert_eq!(page.attribute("#email", "value"), ADA);
    let page = submit("nonsense", PASSWORD).await;
    let bad = [("email", "An email address must have an @-sign.")];
    page.shows(400, READY).faults("Some fields are missing or not right.", &bad);
    let page = submit("taken@example.com", PASSWORD).await;
    page.shows(400, READY);
    assert!(page.has("#email-error"));
    // An account that somebody else made first gains nothing.
    let access = server.sign_in("taken@example.com", PASSWORD).await.access;
    server.get("/users").bearer(&access).await.refused(403, "Forbidden");
    server.submit(&page, "/setup", &[("email", ADA)]).page().await.shows(400, READY);
    submit(ADA, PASSWORD).await.shows(200, DONE);
});

story!(a_new_link_replaces_the_old_one, async |server| {
    let (old, new) = (link(&server).await.expect("a link"), link(&server).await.expect("a link"));
    let page = refuses(&server, &old, "This link no longer counts").await;
    page.says("The server has made a newer link since.").says("Start the server again");
    create(&server, &new, ADA, PASSWORD).await.shows(200, DONE);
    refuses(&server, &old, UNAVAILABLE).await;
});

story!(a_link_is_dead_when_there_is_a_superuser, async |server| {
    let path = link(&server).await.expect("a link");
    server.superuser("root@example.org").await;
    refuses(&server, &path, UNAVAILABLE).await;
    server.advance(minutes(30));
    refuses(&server, &path, UNAVAILABLE).await;
    assert!(link(&server).await.is_none());
});

story!(a_link_lives_for_its_time, |config| config.links.setup_ttl = minutes(5), async |server| {
    let path = link(&server).await.expect("a link");
    server.advance(minutes(5) - seconds(1));
    server.get(&path).page().await.shows(200, READY);
    server.advance(seconds(1));
    let page = refuses(&server, &path, "This link has expired").await;
    page.says("Start the server again");
});

story!(a_broken_or_forged_link_says_so, async |server| {
    let path = link(&server).await.expect("a link");
    server.unverified_user(ADA).await;
    let verification = server.verify_token(ADA).await;
    let jwt = Jwt::read(path.split_once("token=").unwrap().1);
    for token in [
        String::new(),
        "garbage".into(),
        verification.clone(),
        jwt.clone().unsigned(),
        jwt.clone().es256_of_a_stranger(),
        jwt.clone().hs256(&link_key("verify")),
        Jwt::read(&verification).header("typ", "setup+jwt").hs256(&link_key("setup")),
    ] {
        let page = refuses(&server, &format!("/setup?token={token}"), "This link is not valid").await;
        page.says("Copy the whole of it from where the server showed it.");
    }
    server.get("/setup").page().await.shows(200, "This link is not valid");
    create(&server, &path, "root@example.org", PASSWORD).await.shows(200, DONE);
});

story!(registering_never_makes_a_superuser, async |server| {
    server.register(ADA, PASSWORD).await;
    let fields = [("email", "eve@example.com"), ("password", PASSWORD)];
    server.post("/signup").form(&fields).page().await.shows(200, "Look into your mailbox");
    for email in [ADA, "eve@example.com"] {
        let cookie = server.log_in(email, PASSWORD).await;
        assert_eq!(server.get("/users/me").cookie(&cookie).await.success(200)["is_superuser"], false);
    }
    assert!(link(&server).await.is_some());
});

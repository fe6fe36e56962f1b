//! What survives `kill -9`: everything that was acknowledged, and the mails that tell of it.

use std::collections::BTreeSet;

use crate::support::process::{eventually, process_story};
use crate::support::*;

/// Nothing listens there.
const SMTP_DOWN: &str = "smtp://127.0.0.1:1?tls=none";

process_story!(a_mail_that_was_not_out_yet_comes_after_the_restart, async |mut home| {
    home.set("USHER_MAIL__TRANSPORT", SMTP_DOWN);
    let server = home.serve();
    server.register("ada@example.com", PASSWORD).await;
    server.kill();
    assert_eq!(home.mails().len(), 0);
    home.set("USHER_MAIL__TRANSPORT", "outbox");
    let server = home.serve();
    let mail = home.mail_to("ada@example.com");
    let verified = server.post("/auth/verify").json(json!({"token": mail.token()})).await.success(200);
    assert_eq!(verified["is_verified"], true);
    server.sign_in("ada@example.com", PASSWORD).await;
    server.stop();
});

/// Registrations at the same time; the server is killed when a third of them are acknowledged.
const CROWD: usize = 200;

process_story!(everybody_who_was_told_so_has_an_account_and_gets_the_mail, async |home| {
    let server = home.serve();
    let (acknowledge, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
    let url = format!("{}/auth/register", server.base());
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let crowd: Vec<_> = (0..CROWD)
        .map(|number| {
            let email = format!("person{number}@example.com");
            let request = http.post(&url).json(&json!({"email": email, "password": PASSWORD}));
            let acknowledge = acknowledge.clone();
            tokio::spawn(async move {
                let answer = request.send().await;
                // Nobody saw the others' answers, whatever became of them.
                if answer.is_ok_and(|answer| answer.status() == 201) {
                    acknowledge.send(email).expect("somebody listens");
                }
            })
        })
        .collect();
    drop(acknowledge);
    let mut told = BTreeSet::new();
    while told.len() < CROWD / 3 {
        told.insert(acknowledged.recv().await.expect("a third are acknowledged"));
    }
    server.kill();
    for person in crowd {
        person.await.expect("no panic");
    }
    while let Some(email) = acknowledged.recv().await {
        told.insert(email);
    }
    assert!(told.len() < CROWD, "the server was killed too late to tell anything");

    let server = home.serve();
    for email in &told {
        server.sign_in(email, PASSWORD).await;
    }
    eventually("every mail", || {
        let arrived: BTreeSet<String> = home.mails().into_iter().map(|mail| mail.to).collect();
        told.is_subset(&arrived).then_some(())
    });
    eventually("nothing waits", || {
        (home.usher(&["mail", "list", "--json"]).json() == json!([])).then_some(())
    });
    server.stop();
});

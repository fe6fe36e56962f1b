//! Several servers on one PostgreSQL: they start at once, and what one does the others know.

use std::collections::BTreeSet;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};

use crate::support::process::{Home, PUBLIC_URL, Process, process_story};
use crate::support::*;

/// The same installation on several machines: own folders, one master key.
fn instances(home: &mut Home, count: usize) -> Vec<Home> {
    home.set("USHER_KEYS__MASTER_KEY", "9f3b1c77e05a4d2886be60f1d9c3a4527711e8cafe0b936d5582a1f04c7db3e6");
    if home.database_url().is_none() {
        home.set("USHER_DATABASE_URL", format!("sqlite://{}", home.path("shared.db").display()));
    }
    (0..count).map(|_| home.twin()).collect()
}

fn start(homes: &[Home]) -> Vec<Process> {
    let starting: Vec<_> = homes.iter().map(|home| home.launch(&["--bind", "127.0.0.1:0"])).collect();
    starting.into_iter().map(|starting| starting.ready()).collect()
}

process_story!(four_start_at_once_on_an_empty_database, async |mut home| {
    let homes = instances(&mut home, 4);
    let servers = start(&homes);
    let keys: BTreeSet<String> = {
        let mut keys = BTreeSet::new();
        for server in &servers {
            let set = server.get("/.well-known/jwks.json").await.success(200);
            keys.extend(set["keys"].as_array().expect("keys").iter().map(|key| key["kid"].to_string()));
        }
        keys
    };
    assert_eq!(keys.len(), 1, "one of them makes the key, all have it");
    for (number, server) in servers.iter().enumerate() {
        let email = format!("person{number}@example.com");
        server.register(&email, PASSWORD).await;
        let tokens = server.sign_in(&email, PASSWORD).await;
        for other in &servers {
            assert!(other.is_signed_in(&tokens.access).await);
        }
    }
    let status = homes[0].usher(&["migrate", "status", "--json"]).json();
    assert_eq!(status["pending"], json!([]));
    for server in servers {
        server.stop();
    }
});

process_story!(what_one_does_the_other_knows_at_once, async |mut home| {
    let homes = instances(&mut home, 2);
    let [one, other] = <[Process; 2]>::try_from(start(&homes)).ok().expect("two");
    one.register("ada@example.com", PASSWORD).await;
    let tokens = other.sign_in("ada@example.com", PASSWORD).await;
    assert!(one.is_signed_in(&tokens.access).await);
    let refresh = json!({"refresh_token": tokens.refresh});
    let next = Tokens::of(&one.post("/auth/jwt/refresh").json(refresh.clone()).await.success(200));
    // An answer that was lost on the way: the same child from the other one.
    let again = Tokens::of(&other.post("/auth/jwt/refresh").json(refresh).await.success(200));
    assert_eq!(again.refresh, next.refresh);
    for server in [&one, &other] {
        assert!(server.is_signed_in(&next.access).await);
    }
    one.post("/auth/jwt/logout").bearer(&next.access).await.no_content();
    for server in [&one, &other] {
        assert!(!server.is_signed_in(&next.access).await);
        let refresh = json!({"refresh_token": next.refresh});
        server.post("/auth/jwt/refresh").json(refresh).await.refused(401, "REFRESH_TOKEN_INVALID");
    }
    let user = one.sign_in("ada@example.com", PASSWORD).await;
    homes[1].usher(&["user", "disable", "ada@example.com"]).success();
    assert!(!one.is_signed_in(&user.access).await && !other.is_signed_in(&user.access).await);
    one.stop();
    other.stop();
});

process_story!(another_service_verifies_tokens_by_the_key_set, async |home| {
    let server = home.serve();
    let user = server.register("ada@example.com", PASSWORD).await;
    let token = server.sign_in("ada@example.com", PASSWORD).await.access;
    let set = server.get("/.well-known/jwks.json").await.success(200);
    let set: JwkSet = serde_json::from_value(set).expect("a key set");
    let header = decode_header(&token).expect("a header");
    assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::ES256, Some("at+jwt")));
    let key = set.find(&header.kid.expect("a kid")).expect("the key is published");
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_issuer(&[PUBLIC_URL]);
    rules.set_audience(&["usher"]);
    let key = DecodingKey::from_jwk(key).expect("a key");
    let claims = decode::<Value>(&token, &key, &rules).expect("it verifies").claims;
    assert_eq!(claims["sub"], user["id"]);
    server.stop();
});

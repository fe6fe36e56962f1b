//! What holds for every address: methods, slashes, HEAD, headers, documents.

use std::io::{Read, Write};
use std::net::TcpStream;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use usher::config::JwtAlgorithm;
use usher::error::ErrorKind;

use crate::support::*;

/// Sends a request line as it is, which no HTTP library would, and gives the whole answer.
fn raw(server: &Server, line: &str) -> String {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    write!(socket, "{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

story!(unknown_paths_are_not_found, async |server| {
    for path in [
        "/nope",
        "/auth",
        "/auth/jwt",
        "/auth/jwt/nope",
        "/users/me/nope",
        "/users/me/sessions/x/y",
        "/register",
        "/.env",
        "/.well-known/nope",
        "/nope/?next=//evil.example",
        "/docs/nope.js",
        "/docs/..%2f..%2fCargo.toml",
        "/problems/nope",
        "/%00",
        "/%FF",
        "/openapi.json.bak",
    ] {
        for method in ["GET", "POST", "DELETE", "OPTIONS"] {
            let answer = server.request(method, path).await;
            let is_known = method != "GET" && (path.starts_with("/docs/") || path.starts_with("/problems/"));
            match is_known {
                true => answer.refused(405, "Method Not Allowed"),
                false => answer.refused(404, "Not Found"),
            }
        }
    }
});

story!(wrong_methods_learn_the_right_ones, async |server| {
    for (method, path, allow) in [
        ("GET", "/auth/register", "POST"),
        ("PUT", "/auth/register", "POST"),
        ("OPTIONS", "/auth/jwt/login", "POST"),
        ("DELETE", "/auth/jwt/logout", "POST"),
        ("GET", "/auth/verify", "POST"),
        ("POST", "/users/me", "DELETE, GET, HEAD, PATCH"),
        ("PUT", "/users/me", "DELETE, GET, HEAD, PATCH"),
        ("OPTIONS", "/users/me", "DELETE, GET, HEAD, PATCH"),
        ("POST", "/users/me/sessions", "DELETE, GET, HEAD"),
        ("GET", "/users/me/sessions/x", "DELETE"),
        ("DELETE", "/users", "GET, HEAD, POST"),
        ("POST", "/users/x", "DELETE, GET, HEAD, PATCH"),
        ("PATCH", "/users/x/sessions", "DELETE, GET, HEAD"),
        ("POST", "/.well-known/jwks.json", "GET, HEAD"),
        ("POST", "/openapi.json", "GET, HEAD"),
        ("POST", "/livez", "GET, HEAD"),
    ] {
        let answer = server.request(method, path).await;
        answer.refused(405, "Method Not Allowed");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    let answer = server.request("HEAD", "/auth/register").await;
    assert_eq!((answer.status, answer.header("allow"), answer.text()), (405, "POST", ""));
});

story!(head_is_get_without_a_body, async |server| {
    let ada = server.verified_user("ada@example.com").await;
    for path in
        ["/livez", "/readyz", "/openapi.json", "/docs/", "/.well-known/jwks.json", "/users/me", "/nope"]
    {
        let get = server.get(path).bearer(&ada.tokens.access).await;
        let head = server.request("HEAD", path).bearer(&ada.tokens.access).await;
        assert_eq!((head.status, head.text()), (get.status, ""), "{path}");
        for name in ["content-type", "cache-control", "content-length"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    assert_eq!(server.request("HEAD", "/users/me").await.status, 401);
});

story!(a_trailing_slash_is_redirected_away, async |server| {
    for (path, target) in [
        ("/users/me/", "/users/me"),
        ("/users/", "/users"),
        ("/users/?limit=3&q=a%20b", "/users?limit=3&q=a%20b"),
        ("/auth/register/", "/auth/register"),
        ("/auth/jwt/login/", "/auth/jwt/login"),
        ("/openapi.json/", "/openapi.json"),
        ("/docs", "/docs/"),
        ("/docs?x=1", "/docs/?x=1"),
    ] {
        for method in ["GET", "POST"] {
            let answer = server.request(method, path).await;
            assert_eq!((answer.status, answer.header("location")), (307, target), "{method} {path}");
        }
    }
});

story!(nobody_is_redirected_elsewhere, async |server| {
    for path in [
        "//evil.example/",
        "//evil.example/users/me/",
        "//evil.example/%2e%2e/docs",
        "//evil.example",
        "//users/me/",
        "///evil.example/",
        "////users",
        "//docs",
        "//",
        "/\\evil.example/",
        "/\\\\evil.example\\users/",
        "/%2Fevil.example/",
        "/%2F%2Fevil.example/docs",
        "/%5Cevil.example/",
        "/docs//evil.example/",
        "/users//evil.example/",
        "/.//evil.example/",
        "/users/me//",
        "/users/%0d%0aLocation:%20http://evil.example/",
        "http://evil.example/users/me/",
        "http://evil.example/docs",
        "@evil.example/",
    ] {
        let answer = raw(&server, &format!("GET {path}"));
        let status: u16 = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let locations: Vec<&str> = answer
            .lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(name, _)| name.eq_ignore_ascii_case("location"))
            .map(|(_, value)| value.trim())
            .collect();
        assert_ne!(status, 500, "{path}: {answer}");
        for location in locations {
            let is_own =
                location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\");
            assert!(is_own && !location.contains("evil"), "{path}: {location}");
        }
    }
});

story!(pages_and_documents_are_locked_down, async |server| {
    let mut paths = vec!["/docs/".to_owned()];
    for kind in ErrorKind::all() {
        paths.push(format!("/problems/{}", kind.entry().slug));
    }
    for path in paths {
        let answer = server.get(&path).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "text/html; charset=utf-8"),
            "{path}"
        );
        let policy = answer.header("content-security-policy");
        for rule in ["object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
});

story!(swagger_ui_needs_no_network, async |server| {
    let page = server.get("/docs/").await;
    let mut files = 0;
    for part in page.text().split(['"', '\'']).filter(|part| part.ends_with(".js") || part.ends_with(".css"))
    {
        assert!(!part.contains("//"), "{part}");
        let name = part.trim_start_matches("./");
        assert_eq!(server.get(&format!("/docs/{name}")).await.status, 200, "{part}");
        files += 1;
    }
    assert!(files >= 3, "{}", page.text());
});

story!(the_document_describes_every_route, async |server| {
    let answer = server.get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let document = answer.success(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut names = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            names.push(operation["operationId"].as_str().unwrap().to_owned());
            let has_answers = operation["responses"].as_object().is_some_and(|all| !all.is_empty());
            assert!(has_answers, "{method} {path}");
        }
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "operation ids are unique");
    for name in ["register", "verify", "jwt_login", "jwt_refresh", "get_me", "list_users", "jwks"] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
});

story!(every_request_has_an_id_of_its_own, async |server| {
    let first = server.get("/livez").header("x-request-id", "chosen-by-the-client").await;
    let second = server.get("/livez").await;
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    assert_ne!(first.header("x-request-id"), "chosen-by-the-client");
    assert_eq!((first.text(), first.header("content-type")), ("ok\n", "text/plain; charset=utf-8"));
});

/// Signs in and checks the access token as another service would, by the JWKS alone.
async fn check_by_jwks(server: &Server, algorithm: Algorithm, name: &str) {
    let ada = server.verified_user("ada@example.com").await;
    let answer = server.get("/.well-known/jwks.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.header("cache-control").starts_with("public"));
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(answer.success(200)).unwrap();
    let jwt = Jwt::read(&ada.tokens.access);
    assert_eq!((&jwt.header["alg"], &jwt.header["typ"]), (&json!(name), &json!("at+jwt")));
    let key = set.find(jwt.header["kid"].as_str().unwrap()).unwrap();
    let public = serde_json::to_value(key).unwrap();
    assert_eq!((&public["use"], &public["alg"]), (&json!("sig"), &json!(name)));
    for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert!(public.get(private).is_none(), "{private}");
    }
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[server.public_url()]);
    validation.set_audience(&["usher"]);
    // The server's clock stands in the past.
    validation.validate_exp = false;
    let key = DecodingKey::from_jwk(key).unwrap();
    let claims = decode::<Value>(&ada.tokens.access, &key, &validation).unwrap().claims;
    assert_eq!(claims["sub"], ada.id.as_str());
    assert!(server.is_signed_in(&ada.tokens.access).await);
}

story!(other_services_check_tokens_by_jwks, async |server| {
    check_by_jwks(&server, Algorithm::ES256, "ES256").await;
});

story!(
    other_services_check_ed25519_by_jwks,
    |config| config.jwt.algorithm = JwtAlgorithm::EdDsa,
    async |server| check_by_jwks(&server, Algorithm::EdDSA, "EdDSA").await
);

story!(
    other_services_check_rsa_by_jwks,
    |config| config.jwt.algorithm = JwtAlgorithm::Rs256,
    async |server| check_by_jwks(&server, Algorithm::RS256, "RS256").await
);

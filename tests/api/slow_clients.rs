//! Clients that send too slowly, or not to the end. Waits here are the server's own limits, made short.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

story!(a_multipart_body_without_an_end_is_read_once, async |server| {
    let head = "--b\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\n";
    for body in ["", "abc", "--b", "--b\r\n", head, &format!("{head}abc"), &format!("{head}abc\r\n--b")] {
        let answer =
            server.post("/auth/jwt/login").raw("multipart/form-data; boundary=b", body.to_owned()).await;
        assert!(answer.faults().iter().any(|(r#type, loc, _)| r#type == "missing" && loc == "body.password"));
    }
    // The one worker is still there.
    server.get("/livez").await.success_text();
});

story!(
    a_body_that_does_not_come_is_given_up,
    |config: &mut Config| config.http.body_timeout = Duration::from_millis(200),
    async |server| {
        for (path, media_type) in
            [("/auth/jwt/login", "application/problem+json"), ("/api/auth/login/", "application/json")]
        {
            let mut stream = TcpStream::connect(server.address()).await.unwrap();
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                 Content-Length: 100\r\nConnection: close\r\n\r\n{{"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
            assert!(answer.contains(&format!("content-type: {media_type}\r\n")), "{answer}");
        }
        server.get("/livez").await.success_text();
    }
);

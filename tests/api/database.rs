//! The database in bad times: futures dropped half-way, full pools, locks, and no database at all.

use diesel_async::SimpleAsyncConnection;
use std::io::Write;
use std::net::TcpStream;
use std::time::Instant;
use tokio_postgres::NoTls;
use usher::error::ErrorKind;

use tokio::sync::oneshot;
use usher::accounts::{self, User};
use usher::base::ids::Id;

use crate::support::*;

const ADA: &str = "ada@example.com";
const SHORT: Duration = Duration::from_millis(200);

fn row(server: &Server, email: &str) -> User {
    let now = server.now();
    User {
        id: Id::new(now, &server.app().random),
        email: email.into(),
        email_canonical: email.into(),
        password_hash: None,
        is_active: true,
        is_superuser: false,
        is_verified: false,
        created_at: now,
        updated_at: now,
        last_login_at: None,
    }
}

async fn has(server: &Server, email: &str) -> bool {
    let mut conn = server.app().db.read().await.unwrap();
    accounts::find_by_email(&mut conn, email).await.unwrap().is_some()
}

/// Asks again until the database is back; each answer before is a 503, and the pool holds two connections.
async fn recovers(server: &Server, access: &str) {
    for _ in 0..4 {
        let answer = server.get("/users/me").bearer(access).await;
        if answer.status == 200 {
            return;
        }
        answer.refused(503, "SERVICE_UNAVAILABLE");
    }
    panic!("the server does not recover");
}

story!(nothing_of_a_dropped_future_bleeds, async |server| {
    for round in 0..3 {
        let (inserted, is_inserted) = oneshot::channel();
        let half = async {
            let mut tx = server.app().db.write().await.unwrap();
            let ghost = row(&server, "ghost@example.com");
            accounts::insert_user(&mut tx, &ghost).await.unwrap().unwrap();
            inserted.send(()).unwrap();
            std::future::pending::<()>().await;
            tx.commit().await.unwrap();
        };
        tokio::select! {
            () = half => unreachable!(),
            told = is_inserted => told.unwrap(),
        }
        server.register(&format!("person{round}@example.com"), PASSWORD).await;
        assert!(!has(&server, "ghost@example.com").await);
    }
    server.register("ghost@example.com", PASSWORD).await;
});

story!(a_transaction_is_unseen_until_its_commit, async |server| {
    let mut tx = server.app().db.write().await.unwrap();
    accounts::insert_user(&mut tx, &row(&server, ADA)).await.unwrap().unwrap();
    assert!(!has(&server, ADA).await);
    tx.commit().await.unwrap();
    assert!(has(&server, ADA).await);
    let mut tx = server.app().db.write().await.unwrap();
    accounts::insert_user(&mut tx, &row(&server, "grace@example.com")).await.unwrap().unwrap();
    tx.rollback().await.unwrap();
    assert!(!has(&server, "grace@example.com").await);
});

story!(clients_that_go_away_leave_whole_accounts_or_none, async |server| {
    for number in 0..40 {
        let body = json!({"email": format!("person{number}@example.com"), "password": PASSWORD}).to_string();
        let mut socket = TcpStream::connect(server.address()).unwrap();
        write!(
            socket,
            "POST /auth/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        // Every other one does not even wait until the server has read it.
        if number % 2 == 0 {
            server.get("/livez").await.success_text();
        }
        drop(socket);
    }
    server.register("last@example.com", PASSWORD).await;
    let server = server.restart().await;
    let mails = server.mails().await;
    let root = server.superuser("root@example.org").await;
    let page =
        server.get("/users?limit=200&is_verified=false").bearer(&root.tokens.access).await.success(200);
    assert_eq!(page["items"].as_array().unwrap().len(), mails.len());
});

story!(a_full_pool_is_busy_not_stuck, |config| config.database.acquire_timeout = SHORT, async |server| {
    let access = server.verified_user(ADA).await.tokens.access;
    let held = [server.app().db.read().await.unwrap(), server.app().db.read().await.unwrap()];
    let start = Instant::now();
    server.get("/users/me").bearer(&access).await.refused(503, "SERVICE_UNAVAILABLE");
    let login = server.post("/auth/jwt/login").form(&[("username", ADA), ("password", PASSWORD)]);
    login.await.refused(503, "SERVICE_UNAVAILABLE");
    assert!(start.elapsed() < 20 * SHORT, "{:?}", start.elapsed());
    assert_eq!(server.get("/readyz").await.status, 503);
    server.get("/livez").await.success_text();
    drop(held);
    recovers(&server, &access).await;
});

story!(
    writers_wait_for_each_other_and_not_for_ever,
    |config| config.database.acquire_timeout = SHORT,
    async |server| {
        let access = server.verified_user(ADA).await.tokens.access;
        let mut held = vec![server.app().db.write().await.unwrap()];
        if server.backend() == Backend::Postgres {
            held.push(server.app().db.write().await.unwrap());
        } else {
            // Readers do not wait for SQLite's writer.
            assert!(server.is_signed_in(&access).await);
        }
        let body = json!({"email": "grace@example.com", "password": PASSWORD});
        let refused = server.post("/auth/register").json(body.clone()).await;
        refused.refused(503, "SERVICE_UNAVAILABLE");
        for tx in held {
            tx.rollback().await.unwrap();
        }
        server.post("/auth/register").json(body).await.success(201);
    }
);

story!(
    another_process_may_hold_the_write_lock,
    |config| config.database.acquire_timeout = SHORT,
    async |server| {
        let access = server.verified_user(ADA).await.tokens.access;
        let Some(lock) = server.database().lock() else { return };
        let body = json!({"email": "grace@example.com", "password": PASSWORD});
        for _ in 0..2 {
            let refused = server.post("/auth/register").json(body.clone()).await;
            refused.refused(503, "SERVICE_UNAVAILABLE");
        }
        assert!(server.is_signed_in(&access).await);
        assert_eq!(server.get("/readyz").await.status, 200);
        drop(lock);
        server.post("/auth/register").json(body).await.success(201);
    }
);

story!(
    without_its_database_the_server_says_so_and_recovers,
    |config| config.database.acquire_timeout = Duration::from_secs(2),
    async |server| {
        if server.backend() == Backend::Sqlite {
            return;
        }
        let ada = server.verified_user(ADA).await;
        let access = ada.tokens.access.as_str();
        server.database().set_reachable(false).await;
        for _ in 0..3 {
            for request in [
                server.get("/users/me").bearer(access),
                server.post("/auth/register").json(json!({"email": "x@example.com", "password": PASSWORD})),
                server.post("/auth/jwt/login").form(&[("username", ADA), ("password", PASSWORD)]),
                server.post("/auth/jwt/refresh").json(json!({"refresh_token": ada.tokens.refresh})),
                server.post("/auth/forgot-password").json(json!({"email": ADA})),
                server.post("/auth/jwt/logout").bearer(access),
            ] {
                request.await.refused(503, "SERVICE_UNAVAILABLE");
            }
            let answer = server.get("/readyz").await;
            assert_eq!((answer.status, &answer.json()["database"]), (503, &json!("unavailable")));
            server.get("/livez").await.success_text();
            server.get("/.well-known/jwks.json").await.success(200);
        }
        server.database().set_reachable(true).await;
        recovers(&server, access).await;
        assert_eq!(server.get("/readyz").await.status, 200);
        server.register("x@example.com", PASSWORD).await;
    }
);

story!(a_restart_of_the_database_is_survived, async |server| {
    let access = server.verified_user(ADA).await.tokens.access;
    for round in 0..3 {
        server.database().cut_connections().await;
        recovers(&server, &access).await;
        server.register(&format!("person{round}@example.com"), PASSWORD).await;
    }
});

story!(a_restart_of_the_database_between_writes_is_survived, async |server| {
    for round in 0..3 {
        server.database().cut_connections().await;
        let body = json!({"email": format!("person{round}@example.com"), "password": PASSWORD});
        let mut answer = server.post("/auth/register").json(body.clone()).await;
        for _ in 0..3 {
            if answer.status == 503 {
                answer = server.post("/auth/register").json(body.clone()).await;
            }
        }
        answer.success(201);
    }
});

story!(is_ready_only_with_all_its_parts, async |server| {
    let answer = server.get("/readyz").await;
    let ok = json!({"database": "ok", "migrations": "ok", "keys": "ok", "server": "ok"});
    assert_eq!(answer.success(200), ok);
    server.database().execute("DELETE FROM __diesel_schema_migrations").await;
    let answer = server.get("/readyz").await;
    assert_eq!((answer.status, &answer.json()["migrations"]), (503, &json!("pending")));
    server.database().execute("DROP TABLE __diesel_schema_migrations").await;
    let answer = server.get("/readyz").await;
    assert_eq!((answer.status, &answer.json()["migrations"]), (503, &json!("pending")));
});

story!(is_not_ready_while_it_drains, async |server| {
    let access = server.verified_user(ADA).await.tokens.access;
    server.begin_draining();
    let answer = server.get("/readyz").await;
    assert_eq!((answer.status, &answer.json()["server"]), (503, &json!("draining")));
    assert!(server.is_signed_in(&access).await);
});

story!(two_servers_share_one_database, async |server| {
    let other = server.sibling().await;
    let ada = server.verified_user(ADA).await;
    assert!(other.is_signed_in(&ada.tokens.access).await);
    let body = json!({"refresh_token": ada.tokens.refresh});
    let (here, there) = (server.post("/auth/jwt/refresh"), other.post("/auth/jwt/refresh"));
    let answers = join_all([here.json(body.clone()).into_future(), there.json(body).into_future()]).await;
    let tokens: Vec<Tokens> = answers.iter().map(|answer| Tokens::of(&answer.success(200))).collect();
    assert_eq!(tokens[0].refresh, tokens[1].refresh);
    other.post("/auth/jwt/logout").bearer(&tokens[0].access).await.no_content();
    assert!(!server.is_signed_in(&ada.tokens.access).await);

    let requests = (0..20).map(|number| {
        let server = if number % 2 == 0 { &server } else { &other };
        let body = json!({"email": "grace@example.com", "password": PASSWORD});
        server.post("/auth/register").json(body).into_future()
    });
    let answers = join_all(requests).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer.status, 201 | 400)));
});

story!(a_lock_that_nobody_gives_back_is_an_answer, async |server| {
    // SQLite's one lock has its story above.
    if server.backend() == Backend::Sqlite {
        return;
    }
    let access = server.verified_user(ADA).await.tokens.access;
    let (holder, driver) = tokio_postgres::connect(&server.database().url(), NoTls).await.unwrap();
    let driver = tokio::spawn(driver);
    holder.batch_execute("BEGIN; LOCK TABLE users").await.unwrap();
    // More than one, since the server's limit and the client's are close together.
    let waiting = (0..2).map(|_| async { server.get("/users/me").bearer(&access).await });
    for answer in join_all(waiting).await {
        answer.refused(503, "SERVICE_UNAVAILABLE");
    }
    holder.batch_execute("ROLLBACK").await.unwrap();
    drop(holder);
    driver.await.unwrap().unwrap();
    assert!(server.is_signed_in(&access).await);
});

story!(a_statement_that_the_server_ends_is_an_answer, async |server| {
    if server.backend() == Backend::Sqlite {
        return;
    }
    let mut tx = server.app().db.write().await.unwrap();
    let usher::db::Conn::Postgres(lease) = &mut *tx else { unreachable!() };
    let slow = "SET LOCAL statement_timeout = '10ms'; SELECT pg_sleep(3)";
    let error = lease.connection().batch_execute(slow).await.unwrap_err();
    assert_eq!(*usher::error::Error::from(error).kind(), ErrorKind::DatabaseUnavailable);
});

//! PostgreSQL by TLS: whom the server trusts, and that it speaks in the clear only where it is told to.

use crate::support::certificates::Pems;
use crate::support::process::{EmptyDatabase, Home, alone};
use crate::support::*;

const ANY_PORT: [&str; 2] = ["--bind", "127.0.0.1:0"];

/// A home, a database, and what makes its URL: the host and what stands behind the question mark.
struct Place {
    home: Home,
    database: EmptyDatabase,
}

impl Place {
    /// With the cluster's authority in `authority.pem` and another in `other.pem`.
    async fn new() -> Option<Self> {
        let database = EmptyDatabase::on(Backend::Postgres).await?;
        let home = Home::new();
        home.write("authority.pem", &database.place()?.0.authority);
        home.write("other.pem", &Pems::new().authority);
        Some(Self { home, database })
    }

    fn set_url(&mut self, host: &str, options: &str) {
        let (cluster, name) = self.database.place().expect("PostgreSQL");
        let port = cluster.port();
        let url = format!("postgres://usher:hunter2@{host}:{port}/{name}{options}");
        self.home.set("USHER_DATABASE_URL", url);
    }

    /// Whether each connection of the server is encrypted.
    async fn are_encrypted(&self) -> Vec<bool> {
        let url = self.database.url().expect("PostgreSQL");
        let (client, driver) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("the cluster answers");
        let driver = tokio::spawn(driver);
        let rows = client
            .query(
                "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                 WHERE datname = current_database() AND application_name = 'usher'",
                &[],
            )
            .await
            .expect("it says so");
        drop(client);
        let _ = driver.await;
        rows.iter().map(|row| row.get(0)).collect()
    }
}

#[test]
fn a_trusted_server_is_spoken_to_by_tls_and_only_by_request_in_the_clear() {
    alone(async {
        let Some(mut place) = Place::new().await else { return };
        let root = place.home.path("authority.pem").display().to_string().replace('/', "%2F");
        for (options, is_encrypted) in [
            (format!("?sslmode=verify-full&sslrootcert={root}"), true),
            ("?sslrootcert=authority.pem&sslmode=verify-ca".to_owned(), true),
            ("?sslmode=require&sslrootcert=authority.pem&application_name=usher".to_owned(), true),
            ("?sslmode=disable".to_owned(), false),
            // To this machine nothing is encrypted unless it is asked for.
            (String::new(), false),
        ] {
            for host in ["localhost", "127.0.0.1"] {
                place.set_url(host, &options);
                let server = place.home.serve();
                server.get("/readyz").await.success(200);
                let seen = place.are_encrypted().await;
                assert!(
                    !seen.is_empty() && seen.iter().all(|seen| *seen == is_encrypted),
                    "{options}: {seen:?}"
                );
                server.stop();
                let status = place.home.usher(&["migrate", "status", "--json"]).json();
                assert_eq!(status["pending"], json!([]));
            }
        }
        place.database.remove().await;
    });
}

#[test]
fn a_server_that_cannot_prove_who_it_is_gets_no_password() {
    alone(async {
        let Some(mut place) = Place::new().await else { return };
        let named = "hostaddr=127.0.0.1&sslrootcert=authority.pem";
        for (host, options, words) in [
            ("localhost", "?sslmode=verify-full&sslrootcert=other.pem".to_owned(), "certificate"),
            ("localhost", "?sslmode=require&sslrootcert=other.pem".to_owned(), "certificate"),
            // No authority of this machine has signed it.
            ("localhost", "?sslmode=require".to_owned(), "certificate"),
            ("localhost", "?sslmode=verify-full".to_owned(), "certificate"),
            // Signed, but for another name.
            ("db.example.org", format!("?sslmode=verify-full&{named}"), "not valid for name"),
            ("db.example.org", format!("?sslmode=require&{named}"), "not valid for name"),
            // To another machine TLS is a matter of course.
            ("db.example.org", format!("?{named}"), "not valid for name"),
            ("db.example.org", format!("?sslmode=prefer&{named}"), "not valid for name"),
        ] {
            place.set_url(host, &options);
            let text = place.home.launch(&ANY_PORT).refuses(69, words);
            assert!(text.contains(host) && !text.contains("hunter2"), "{options}: {text}");
        }
        place.database.remove().await;
    });
}

#[test]
fn a_file_of_authorities_that_cannot_be_used_is_named() {
    alone(async {
        let Some(mut place) = Place::new().await else { return };
        place.home.write("empty.pem", "no certificate\n");
        for file in ["missing.pem", "empty.pem"] {
            place.set_url("localhost", &format!("?sslmode=verify-full&sslrootcert={file}"));
            place.home.launch(&ANY_PORT).refuses(70, &format!("sslrootcert {file}: "));
        }
        place.database.remove().await;
    });
}

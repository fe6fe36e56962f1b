//! The README as a newcomer follows it: every shell block, in order, in one session, with what it prints.

use crate::support::process::{Home, alone};
use crate::support::*;

/// Where the README says that the server listens.
const ADDRESS: &str = "127.0.0.1:8000";
/// Stands alone on a line between the outputs of two blocks.
const BORDER: &str = "=== next block ===";

fn repository(file: &str) -> String {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The blocks that are marked as `sh`.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match &mut open {
            None if line == "```sh" => open = Some(String::new()),
            None => {}
            Some(_) if line == "```" => blocks.extend(open.take()),
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// The one answer that a block has printed.
#[track_caller]
fn answer(output: &str) -> Value {
    serde_json::from_str(output).unwrap_or_else(|error| panic!("{error} in {output:?}"))
}

#[test]
fn the_tour_works_as_printed() {
    alone(async {
        let blocks = blocks(&repository("README.md"));
        let home = Home::bare();
        // `cargo run`: the binary is built already, and picks a free port.
        let server = home.serve();
        let commands = blocks.iter().map(|block| match block.as_str() {
            "cargo run\n" | "cargo test\n" => String::new(),
            block => block.replace(ADDRESS, server.address()),
        });
        let script: Vec<String> = commands.collect();
        let border = format!("\nprintf '\\n%s\\n' '{BORDER}'\n");
        let printed = home.bash(&format!("set -euo pipefail\n{}", script.join(&border))).success();
        let outputs: Vec<&str> = printed.split(&format!("\n{BORDER}\n")).collect();
        assert_eq!(outputs.len(), blocks.len());
        // What the first block that holds this text has printed.
        let output = |text: &str| {
            let found = blocks.iter().position(|block| block.contains(text));
            outputs[found.unwrap_or_else(|| panic!("no block holds {text}"))]
        };

        let registered = answer(output("/auth/register"));
        assert_eq!(
            (&registered["email"], &registered["is_verified"]),
            (&json!("ada@example.com"), &json!(false))
        );
        let verified = answer(output("/auth/verify"));
        assert_eq!((&verified["id"], &verified["is_verified"]), (&registered["id"], &json!(true)));
        let me = answer(output("/auth/jwt/login"));
        assert_eq!(me["id"], registered["id"]);
        let sessions = answer(output("/auth/jwt/refresh"));
        assert_eq!(sessions["items"].as_array().map(Vec::len), Some(1), "{sessions:?}");
        assert_eq!(sessions["items"][0]["current"], true, "{sessions:?}");
        assert_eq!(
            output("/auth/reset-password").trim(),
            "nullnull",
            "one for the mail, one for the password"
        );
        let alone = r#"curl -s $BASE/users/me -H "Authorization: Bearer $ACCESS""#;
        let after_reset = blocks.iter().position(|block| block.trim_end() == alone).expect("a request");
        let refused = answer(outputs[after_reset]);
        assert_eq!((&refused["status"], &refused["detail"]), (&json!(401), &json!("Unauthorized")));
        let of_token = answer(output("/api/auth/login/"));
        assert_eq!((&of_token["id"], &of_token["username"]), (&registered["id"], &registered["email"]));
        let users = output("usher user create");
        assert!(
            users.contains("created ") && users.contains("active,verified,superuser  root@example.com"),
            "{users}"
        );
        assert!(users.contains("ada@example.com"), "{users}");
        let config = output("usher config show");
        assert!(config.contains("bind = \"127.0.0.1:8000\"  # default"), "{config}");
        assert!(config.ends_with("configuration is valid\n"), "{config}");

        server.sign_in("ada@example.com", "battery staple horse").await;
        let root = server.sign_in("root@example.com", "a long pass phrase").await;
        server.get("/users").bearer(&root.access).await.success(200);
        server.stop();
    });
}

/// The first block starts the server and the second tests it; both must be what is really run.
#[test]
fn its_first_commands_are_those_of_the_check() {
    let blocks = blocks(&repository("README.md"));
    assert_eq!(blocks[..2], ["cargo run\n", "cargo test\n"]);
    let check = repository(".ci/run");
    let tests: Vec<&str> = check.lines().filter(|line| line.contains("cargo test")).collect();
    let [line] = tests[..] else { panic!("one test command: {tests:?}") };
    let command = line.trim_start_matches(|c: char| !c.is_whitespace()).trim();
    assert_eq!(command, "cargo test", "{line}");
    let (_, required) = line.split_once("TEST_REQUIRE=").expect("nothing is skipped");
    assert_eq!(required.split(' ').next(), Some("postgres,browser,smtp"));
    assert!(repository("README.md").contains("TEST_REQUIRE=postgres,browser,smtp"));
}

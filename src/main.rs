//! The `usher` binary: parses the command line and calls the library.

use std::process::ExitCode;

use clap::Parser;
use usher::cli::{Cli, run};

// Argon2 with the system allocator faults thousands of pages a hash and keeps them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(Cli::parse())
}

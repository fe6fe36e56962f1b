//! What is logged, and in which form. Logs go to stderr.

use tracing_subscriber::EnvFilter;

use super::table::{choice, section, text};
use super::value::choices;

choices! {
    /// Form of the log.
    LogFormat {
        /// Text on a terminal, JSON elsewhere.
        #[default]
        Auto = "auto",
        /// Lines for people.
        Text = "text",
        /// One JSON object per line.
        Json = "json",
    }
}

section! {
    /// What is logged, and in which form. Logs go to stderr.
    Log in "log." {
        /// Least level that is logged, or directives per module, such as `warn,usher=debug`.
        level: String = text("info", "error, warn, info, debug, trace or off, or tracing directives", check_level);
        /// Form: `auto` is text on a terminal and JSON elsewhere.
        format: LogFormat = choice("auto", LogFormat::NAMES);
    }
}

fn check_level(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        return Err("must not be empty");
    }
    // A bare word is a module to tracing, so that `ifno` would silently log nothing but traces of
    // that name: a single word must be a level.
    let is_level = text.parse::<tracing_subscriber::filter::LevelFilter>().is_ok();
    if !text.contains(['=', ',', '[']) && !is_level {
        return Err("is no level");
    }
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("has a broken directive"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_directives() {
        for good in ["info", "off", "warn,usher=debug", "usher[request]=trace"] {
            assert!(check_level(good).is_ok(), "{good}");
        }
        for bad in ["", " ", "ifno", "usher=loud"] {
            assert!(check_level(bad).is_err(), "{bad}");
        }
    }
}

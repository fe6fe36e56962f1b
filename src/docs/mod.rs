//! What describes the server: the OpenAPI document, Swagger UI, and a page for each kind of problem.

mod openapi;
mod problems;
mod swagger;

pub use openapi::{Document, base_document, openapi_json};
pub use problems::problem;
pub use swagger::swagger_ui;

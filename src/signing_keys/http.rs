//! `GET /.well-known/jwks.json`.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};

use crate::app::App;
use crate::error::Result;

/// The public signing keys
///
/// A JSON Web Key Set (RFC 7517) for services that check access tokens themselves. A new key is here before it signs,
/// an old one until its last token has expired. With `jwt.algorithm = "HS256"` the set is empty.
#[utoipa::path(
    operation_id = "jwks", tag = "For other services", security(()),
    responses((status = 200, description = "The key set", body = Object, example = json!({"keys": [{
        "kty": "EC", "use": "sig", "alg": "ES256", "kid": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})))
)]
#[get("/.well-known/jwks.json")]
pub async fn jwks(app: Data<App>) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .body(app.keys()?.jwks.clone()))
}

//! An authority for one test, and a certificate of it for this machine, as PEM files.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// The files are gone with the value.
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pems = Pems::new();
        for (name, content) in
            [("authority.pem", pems.authority), ("server.pem", pems.certificate), ("server.key", pems.key)]
        {
            std::fs::write(folder.path().join(name), content).expect("the folder can be written");
        }
        Self { folder }
    }

    /// What a client trusts.
    pub fn authority(&self) -> PathBuf {
        self.path("authority.pem")
    }

    /// What the server shows.
    pub fn certificate(&self) -> PathBuf {
        self.path("server.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.path("server.key")
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::join(self.folder.path(), name)
    }
}

/// The same as texts.
pub struct Pems {
    pub authority: String,
    /// For `localhost` and 127.0.0.1.
    pub certificate: String,
    pub key: String,
}

impl Pems {
    pub fn new() -> Self {
        let key = || KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = key();
        let pem = authority.self_signed(&authority_key).expect("a certificate").pem();
        let server_key = key();
        let server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])
            .expect("names")
            .signed_by(&server_key, &Issuer::new(authority, authority_key))
            .expect("a certificate");
        Self { authority: pem, certificate: server.pem(), key: server_key.serialize_pem() }
    }
}

//! Certificates: each file holds a chain and its key, as ACME clients can write it. Which one is shown follows from the name that is asked for.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The files, and what was in them when they were last read.
pub struct Certificates {
    files: Vec<PathBuf>,
    config: RwLock<Arc<ServerConfig>>,
}

#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("{file} cannot be read: {error}", file = .file.display())]
    File { file: PathBuf, error: io::Error },
    #[error("{file} is no certificate with its key in PEM: {detail}", file = .file.display())]
    Form { file: PathBuf, detail: String },
}

impl Certificates {
    pub fn read(files: Vec<PathBuf>) -> Result<Self, Unusable> {
        let config = RwLock::new(configured(&files)?);
        Ok(Self { files, config })
    }

    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// All of them anew; when one cannot be used, those that are there stay.
    pub fn reload(&self) -> Result<usize, Unusable> {
        let config = configured(&self.files)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(self.files.len())
    }
}

fn configured(files: &[PathBuf]) -> Result<Arc<ServerConfig>, Unusable> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let keys = files.iter().map(|file| key(file, &provider)).collect::<Result<Vec<_>, _>>()?;
    let form = |error: rustls::Error| Unusable::Form { file: PathBuf::new(), detail: error.to_string() };
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(form)?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(ByName { keys }));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn key(file: &Path, provider: &rustls::crypto::CryptoProvider) -> Result<Arc<CertifiedKey>, Unusable> {
    let pem = std::fs::read(file).map_err(|error| Unusable::File { file: file.to_owned(), error })?;
    let form = |detail: String| Unusable::Form { file: file.to_owned(), detail };
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().map_err(|error| form(error.to_string()))?;
    if chain.is_empty() {
        return Err(form("there is no CERTIFICATE in it".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| form(format!("its PRIVATE KEY: {error}")))?;
    CertifiedKey::from_der(chain, key, provider).map(Arc::new).map_err(|error| form(error.to_string()))
}

struct ByName {
    keys: Vec<Arc<CertifiedKey>>,
}

impl fmt::Debug for ByName {
    fn fmt(&self, form: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(form, "{} certificates", self.keys.len())
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().and_then(|name| ServerName::try_from(name.to_owned()).ok());
        let fits = |key: &&Arc<CertifiedKey>| {
            let (Some(name), Some(first)) = (&name, key.cert.first()) else { return false };
            ParsedCertificate::try_from(first).is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok())
        };
        self.keys.iter().find(fits).or(self.keys.first()).cloned()
    }
}

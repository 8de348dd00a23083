//! Certificates for servers of tests: an authority of their own, and what it signs.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// Signs for any host; its key lives as long as it does, and nowhere else.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate as text, from its bytes in DER.
pub(crate) fn pem(der: &[u8]) -> String {
    labelled("CERTIFICATE", der)
}

fn labelled(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        pem += std::str::from_utf8(line).expect("base64 is ASCII");
        pem.push('\n');
    }
    pem + &format!("-----END {label}-----\n")
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "plimsoll test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("the system has randomness");
        Self(CertifiedIssuer::self_signed(params, key).expect("the parameters are sound"))
    }

    /// What a client has to trust.
    pub(crate) fn pem(&self) -> String {
        pem(self.0.der())
    }

    /// A certificate for a client and its key, as text.
    pub(crate) fn client(&self) -> (String, String) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "plimsoll test client");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("the system has randomness");
        let certificate = params.signed_by(&key, &self.0).expect("the parameters are sound");
        (pem(certificate.der()), labelled("PRIVATE KEY", &key.serialize_der()))
    }

    /// What a server needs to speak TLS as `host`; `None` when that is no name of a host.
    pub(crate) fn server(&self, host: &str) -> Option<Arc<ServerConfig>> {
        self.server_for(host, false)
    }

    /// The same; with `clients`, only for clients with a certificate of this authority.
    pub(crate) fn server_for(&self, host: &str, clients: bool) -> Option<Arc<ServerConfig>> {
        let params = CertificateParams::new([host.to_owned()]).ok()?;
        let key = KeyPair::generate().expect("the system has randomness");
        let certificate = params.signed_by(&key, &self.0).expect("the parameters are sound");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("the key was just made");
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider has both versions of TLS");
        let builder = match clients {
            true => {
                let mut roots = RootCertStore::empty();
                roots.add(self.0.der().clone()).expect("the authority is sound");
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.expect("there is an authority"))
            }
            false => builder.with_no_client_auth(),
        };
        let config = builder.with_single_cert(vec![certificate.into()], key);
        Some(Arc::new(config.expect("key and certificate belong together")))
    }
}

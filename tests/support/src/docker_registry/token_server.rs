//! A token server as the distribution project specifies it.
//!
//! Answers `GET /token?service=…&scope=…` with a JWT that allows what was asked
//! for. The JWT is signed with a key made for this server and carries the key's
//! certificate in `x5c`; the registry trusts it through `rootcertbundle`.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

use crate::http::{Reply, Request, Server};
use crate::registry::Auth;
use crate::{certificates, limits};

/// A token server that runs until it is dropped.
pub(super) struct TokenServer {
    server: Server,
    certificate: Vec<u8>,
}

const ISSUER: &str = "plimsoll test tokens";
const SERVICE: &str = "plimsoll test registry";

impl TokenServer {
    /// Starts the server when the registry is to ask for tokens.
    pub(super) fn for_auth(auth: &Auth) -> Option<Self> {
        let credentials = match auth {
            Auth::Open | Auth::Basic { .. } => return None,
            Auth::AnonymousToken => None,
            Auth::Token { user, password } => Some(format!("{user}:{password}")),
        };
        let expected = credentials.map(|text| format!("Basic {}", STANDARD.encode(text)));
        let signer = Signer::new();
        let certificate = signer.certificate.clone();
        let server = Server::start(|_| {
            move |request: &Request| {
                let sent = request.header("authorization");
                match &expected {
                    Some(expected) if sent != Some(expected) => {
                        Reply::new(401, "{}").header("WWW-Authenticate", "Basic realm=\"test tokens\"")
                    }
                    _ => token(&signer, request),
                }
            }
        });
        Some(Self { server, certificate })
    }

    pub(super) fn realm(&self) -> String {
        format!("http://{}/token", self.server.address())
    }

    pub(super) fn service(&self) -> &'static str {
        SERVICE
    }

    pub(super) fn issuer(&self) -> &'static str {
        ISSUER
    }

    pub(super) fn certificate_pem(&self) -> String {
        certificates::pem(&self.certificate)
    }
}

/// A key with its certificate, in DER.
struct Signer {
    key: EcdsaKeyPair,
    random: SystemRandom,
    certificate: Vec<u8>,
}

impl Signer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pair = KeyPair::generate().expect("the system has randomness");
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, ISSUER);
        let certificate = params.self_signed(&pair).expect("the parameters are sound");
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = EcdsaKeyPair::from_pkcs8(algorithm, &pair.serialize_der(), &random).expect("the key was just made");
        Self { key, random, certificate: certificate.der().to_vec() }
    }

    fn jwt(&self, claims: &Value) -> String {
        let header = json!({
            "typ": "JWT",
            "alg": "ES256",
            "x5c": [STANDARD.encode(&self.certificate)],
        });
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encoded(&header), encoded(claims));
        let signature = self.key.sign(&self.random, message.as_bytes());
        let signature = signature.expect("the system has randomness");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn token(signer: &Signer, request: &Request) -> Reply {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("the clock is past 1970").as_secs();
    let lifetime = limits::JWT_LIFETIME.as_secs();
    let scopes = request.parameters("scope");
    let access: Vec<_> = scopes.iter().flat_map(|scopes| scopes.split(' ')).filter_map(grant).collect();
    let jwt = signer.jwt(&json!({
        "iss": ISSUER,
        "sub": "test",
        "aud": SERVICE,
        "iat": now,
        "nbf": now - 10,
        "exp": now + lifetime,
        "jti": "1",
        "access": access,
    }));
    let body = json!({ "token": jwt, "expires_in": lifetime });
    Reply::new(200, body.to_string()).header("Content-Type", "application/json")
}

/// Allows a scope `repository:<name>:<actions>` as it was asked for.
fn grant(scope: &str) -> Option<Value> {
    let (kind, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    let actions: Vec<_> = actions.split(',').collect();
    Some(json!({ "type": kind, "name": name, "actions": actions }))
}

//! The configuration file of `docker-registry`, and the files it names.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::token_server::TokenServer;
use crate::registry::Auth;

/// The cheapest bcrypt there is: these passwords protect nothing.
const BCRYPT_COST: u32 = 4;

/// Writes the configuration into `folder`, and says where it is.
pub(super) fn write(folder: &Path, host: &str, auth: &Auth, tokens: Option<&TokenServer>) -> PathBuf {
    let mut config = json!({
        "version": 0.1,
        "log": { "level": "info" },
        "storage": {
            "filesystem": { "rootdirectory": folder.join("storage") },
            "delete": { "enabled": true },
        },
        "http": { "addr": host },
    });
    if let Auth::Basic { user, password } = auth {
        config["auth"] = htpasswd(folder, user, password);
    }
    if let Some(tokens) = tokens {
        let bundle = folder.join("tokens.pem");
        fs::write(&bundle, tokens.certificate_pem()).expect("the folder is writable");
        config["auth"] = json!({
            "token": {
                "realm": tokens.realm(),
                "service": tokens.service(),
                "issuer": tokens.issuer(),
                "rootcertbundle": bundle,
            },
        });
    }
    let file = folder.join("config.yml");
    // JSON is YAML.
    fs::write(&file, config.to_string()).expect("the folder is writable");
    file
}

fn htpasswd(folder: &Path, user: &str, password: &str) -> Value {
    let hash = bcrypt::hash(password, BCRYPT_COST).expect("the password is short enough");
    let file = folder.join("htpasswd");
    fs::write(&file, format!("{user}:{hash}\n")).expect("the folder is writable");
    json!({ "htpasswd": { "realm": "test registry", "path": file } })
}

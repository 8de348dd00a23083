//! Contents for a server: configurations, manifests and indexes by tag and digest.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::server::{Reply, Seen, Server};
use crate::digest::Digest;

pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// What a registry has, by path.
#[derive(Clone, Default)]
pub struct Contents(HashMap<String, (String, Vec<u8>)>);

impl Contents {
    /// Adds a blob to `repository` and gives its descriptor.
    pub fn blob(&mut self, repository: &str, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes).to_string();
        let path = format!("/v2/{repository}/blobs/{digest}");
        self.0.insert(path, ("application/octet-stream".to_owned(), bytes.to_vec()));
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// Adds a manifest, by digest and by `tag` if that is not empty, and gives its descriptor.
    pub fn manifest(&mut self, repository: &str, tag: &str, media_type: &str, manifest: &Value) -> Value {
        let bytes = manifest.to_string().into_bytes();
        let digest = Digest::of(&bytes).to_string();
        for name in [tag, &digest] {
            let path = format!("/v2/{repository}/manifests/{name}");
            self.0.insert(path, (media_type.to_owned(), bytes.clone()));
        }
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// Adds an image with `config` and gives the descriptor of its manifest.
    pub fn image(&mut self, repository: &str, tag: &str, config: &Value) -> Value {
        let config = self.blob(repository, CONFIG, config.to_string().as_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []});
        self.manifest(repository, tag, MANIFEST, &manifest)
    }

    /// Adds an index with one image per platform and gives its descriptor.
    pub fn index(&mut self, repository: &str, tag: &str, platforms: &[&str]) -> Value {
        let entries: Vec<Value> = platforms
            .iter()
            .map(|platform| {
                let mut entry = self.image(repository, "", &config(platform));
                entry["platform"] = parts(platform);
                entry
            })
            .collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
        self.manifest(repository, tag, INDEX, &index)
    }

    pub fn reply(&self, request: &Seen) -> Reply {
        match self.0.get(&request.path) {
            _ if request.path == "/v2/" => Reply::new(200, "{}"),
            Some((media_type, bytes)) => Reply::new(200, bytes.clone()).header("Content-Type", media_type),
            None => Reply::new(404, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"\u001b[31mno"}]}"#),
        }
    }

    /// A registry that is open to everybody.
    pub fn serve(self) -> Server {
        Server::start(move |request| self.reply(request))
    }
}

/// An ordinary image `app:1`.
pub fn app() -> Contents {
    let mut contents = Contents::default();
    contents.image("app", "1", &config("linux/amd64"));
    contents
}

/// A small configuration for `platform`.
pub fn config(platform: &str) -> Value {
    let mut config = parts(platform);
    config["config"] = json!({"Env": ["PATH=/bin", format!("BUILT_FOR={platform}")]});
    config
}

fn parts(platform: &str) -> Value {
    let mut parts = platform.split('/');
    let mut part = || parts.next().unwrap_or_default();
    let (os, architecture, variant) = (part(), part(), part());
    match variant {
        "" => json!({"os": os, "architecture": architecture}),
        _ => json!({"os": os, "architecture": architecture, "variant": variant}),
    }
}

/// The digest in a descriptor.
pub fn digest(descriptor: &Value) -> String {
    descriptor["digest"].as_str().unwrap().to_owned()
}

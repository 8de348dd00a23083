//! `oci-wasm-client push|pull REFERENCE FILE`, over plain HTTP, without credentials.

use std::error::Error;
use std::{env, fs};

use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;
use oci_client::{Reference, RegistryOperation};
use oci_wasm::{WasmClient, WasmConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [command, reference, file] = arguments.as_slice() else {
        return Err("write push or pull, a reference and a file".into());
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(command, &reference.parse()?, file))
}

async fn run(command: &str, reference: &Reference, file: &str) -> Result<(), Box<dyn Error>> {
    let protocol = ClientProtocol::Http;
    let client = WasmClient::new(Client::new(ClientConfig { protocol, ..ClientConfig::default() }));
    let auth = RegistryAuth::Anonymous;
    if command == "push" {
        client.auth(reference, &auth, RegistryOperation::Push).await?;
        let (config, layer) = WasmConfig::from_component(file, None).await?;
        let pushed = client.push(reference, &auth, layer, config, None).await?;
        println!("{}", pushed.manifest_url);
    } else {
        let (manifest, config, digest) = client.pull_manifest_and_config(reference, &auth).await?;
        let pulled = client.pull(reference, &auth).await?;
        fs::write(file, &pulled.layers[0].data)?;
        println!("{digest}");
        for (name, text) in manifest.annotations.unwrap_or_default() {
            println!("{name}={text}");
        }
        println!("{}", config.component.map(|component| component.imports.join(" ")).unwrap_or_default());
    }
    Ok(())
}

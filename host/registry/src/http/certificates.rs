//! `certs.d`: authorities and client certificates that the operator keeps for one registry.
//!
//! Of the user's folder, the system's and Docker's, the first that has a folder for the registry counts. In it,
//! `*.crt` are authorities to trust as well, and `NAME.cert` with `NAME.key` is who this client is: the first pair by
//! name. Half a pair is an error, because a server would say no more than that it wants a certificate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reqwest::{Certificate, Identity};

use crate::environment::Environment;
use crate::file;
use crate::limits::{CERTIFICATE_BYTES_MAX, CERTIFICATE_FILES_MAX};

/// What a folder holds.
#[derive(Default)]
pub(super) struct Certificates {
    pub authorities: Vec<Certificate>,
    pub identity: Option<Identity>,
}

/// The folder for `registry` (`host` or `host:port`), if there is one.
pub(crate) fn folder(environment: &Environment, registry: &str) -> Option<PathBuf> {
    // A name of a folder, never a way to another one.
    if registry.is_empty() || registry.starts_with('.') || registry.contains(['/', '\\']) {
        return None;
    }
    let user = environment.home.as_ref().map(|home| home.join(".config/containers/certs.d"));
    let system = ["/etc/containers/certs.d", "/etc/docker/certs.d"].map(|path| environment.system(path));
    user.into_iter().chain(system).map(|folder| folder.join(registry)).find(|folder| folder.is_dir())
}

/// Reads `folder`; the error says what is wrong with which file.
pub(super) fn read(environment: &Environment, folder: &Path) -> Result<Certificates, String> {
    let problem = |path: &Path, what: &str| format!("{}: {what}", environment.display(path));
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        // As container tools do: what this user may not see is not for this user.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Ok(Certificates::default()),
        Err(error) => return Err(problem(folder, &error.to_string())),
    };
    let mut files = BTreeMap::new();
    for entry in entries.flatten() {
        if files.len() == CERTIFICATE_FILES_MAX {
            return Err(problem(folder, &format!("more than {CERTIFICATE_FILES_MAX} files")));
        }
        files.insert(entry.file_name(), entry.path());
    }
    let mut found = Certificates::default();
    for path in files.values() {
        let bytes = || file::read(path, CERTIFICATE_BYTES_MAX).map_err(|error| problem(path, &error.to_string()));
        let partner = |extension: &str, what: &str| {
            let partner = path.with_extension(extension);
            match partner.exists() {
                true => Ok(partner),
                false => Err(problem(path, &format!("{what} is missing: put {} beside it", shown(&partner)))),
            }
        };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("crt") => {
                let authorities = Certificate::from_pem_bundle(&bytes()?);
                found.authorities.extend(authorities.map_err(|_| problem(path, "no certificates in PEM"))?);
            }
            Some("cert") => {
                let key = partner("key", "its key")?;
                if found.identity.is_none() {
                    let key =
                        file::read(&key, CERTIFICATE_BYTES_MAX).map_err(|error| problem(&key, &error.to_string()))?;
                    let pair = [bytes()?, b"\n".to_vec(), key].concat();
                    let identity = Identity::from_pem(&pair);
                    found.identity = Some(
                        identity.map_err(|_| problem(path, "no certificate and key in PEM together with its key"))?,
                    );
                }
            }
            Some("key") => {
                partner("cert", "its certificate")?;
            }
            _ => {}
        }
    }
    Ok(found)
}

fn shown(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

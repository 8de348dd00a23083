//! Changes to the user's own file; what they do not touch stays as it was written.
//!
//! Input: the file, which need not exist. Output: the file, replaced as a whole
//! and only if it still holds up.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, value};

use super::{ConfigError, Digest, Grants, Place, file};
use crate::private;

/// The user's own file under change.
pub struct Edit {
    path: PathBuf,
    document: DocumentMut,
}

impl Edit {
    /// Reads the file.
    ///
    /// # Errors
    /// When it does not hold up as it is.
    pub fn open(path: &Path) -> Result<Self, ConfigError> {
        let complain = |error: &dyn std::fmt::Display| ConfigError(format!("{}: {error}", path.display()));
        if !path.exists() {
            return Ok(Self { path: path.to_owned(), document: DocumentMut::new() });
        }
        file::read(path)?;
        let text = fs::read_to_string(path).map_err(|error| complain(&error))?;
        Ok(Self { path: path.to_owned(), document: text.parse().map_err(|error| complain(&error))? })
    }

    /// Lets a component run, everywhere, under a name. A key that the table has stays where none is given.
    ///
    /// # Errors
    /// When the file has something else in the place of a table.
    pub fn set_plugin(
        &mut self,
        name: &str,
        place: &Place,
        digest: &Digest,
        key: Option<&Path>,
        grants: &Grants,
    ) -> Result<(), ConfigError> {
        let folder = self.folder();
        let table = self.table("plugins", name)?;
        let (place_key, text, other) = match place {
            Place::Path(path) => ("path", path.to_string_lossy().into_owned(), "source"),
            Place::Source(source) => ("source", source.to_string(), "path"),
        };
        if let Some(table) = table.as_table_like_mut() {
            table.remove(other);
        }
        table[place_key] = value(text);
        table["digest"] = value(digest.as_str());
        set_key(table, &folder, key);
        table["grants"] = inline(grants);
        Ok(())
    }

    /// Lets a component run where a tree asks for it.
    ///
    /// # Errors
    /// As [`Edit::set_plugin`].
    pub fn set_trust(
        &mut self,
        digest: &Digest,
        name: &str,
        key: Option<&Path>,
        grants: &Grants,
    ) -> Result<(), ConfigError> {
        let folder = self.folder();
        let table = self.table("trust", digest.as_str())?;
        table["name"] = value(name);
        set_key(table, &folder, key);
        table["grants"] = inline(grants);
        Ok(())
    }

    /// Takes `[SECTION.KEY]` out; whether it was there.
    pub fn remove(&mut self, section: &str, key: &str) -> bool {
        let table = self.document.get_mut(section).and_then(Item::as_table_like_mut);
        let removed = table.is_some_and(|table| table.remove(key).is_some());
        let is_empty = |item: &Item| item.as_table_like().is_some_and(toml_edit::TableLike::is_empty);
        if removed && self.document.get(section).is_some_and(is_empty) {
            self.document.remove(section);
        }
        removed
    }

    /// Writes the file: whole or not at all, through links to where it lies, with the
    /// permissions that it had.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(self) -> Result<(), ConfigError> {
        let complain = |error: &dyn std::fmt::Display| ConfigError(format!("{}: {error}", self.path.display()));
        let text = self.document.to_string();
        let path = match fs::canonicalize(&self.path) {
            Ok(path) => path,
            Err(_) if self.path.is_symlink() => return Err(complain(&"it is a link that leads nowhere")),
            Err(_) => self.path.clone(),
        };
        let folder = path.parent().ok_or_else(|| complain(&"it has no folder"))?;
        private::folders().recursive(true).create(folder).map_err(|error| complain(&error))?;
        let written = private::replace(&path, |file| {
            file.write_all(text.as_bytes())?;
            if let Ok(metadata) = fs::metadata(&path) {
                file.set_permissions(metadata.permissions())?;
            }
            file.sync_all()
        });
        written.map_err(|error| complain(&error))
    }

    fn folder(&self) -> PathBuf {
        self.path.parent().map(Path::to_owned).unwrap_or_default()
    }

    fn table(&mut self, section: &str, key: &str) -> Result<&mut Item, ConfigError> {
        let odd = || ConfigError(format!("{}: [{section}.{key}] is no table", self.path.display()));
        let outer = self.document.entry(section).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let table = outer.as_table_like_mut().ok_or_else(odd)?.entry(key).or_insert_with(|| Item::Table(Table::new()));
        if table.as_table_like().is_none() {
            return Err(odd());
        }
        Ok(table)
    }
}

/// Writes which key is meant, unless that stands there already in other words.
fn set_key(table: &mut Item, folder: &Path, key: Option<&Path>) {
    let is_new = |key: &&Path| table.get("key").and_then(Item::as_str).is_none_or(|old| folder.join(old) != **key);
    if let Some(key) = key.filter(is_new) {
        table["key"] = value(&*key.to_string_lossy());
    }
}

fn inline(grants: &Grants) -> Item {
    let mut table = InlineTable::new();
    for (capability, patterns) in grants.by_capability() {
        table.insert(capability, Array::from_iter(patterns).into());
    }
    value(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_touched_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("config/plimsoll.toml");
        let digest = Digest::of(b"acme");
        let mut grants = Grants::default();
        grants.add("registry", "ghcr.io/acme/*").unwrap();

        let mut edit = Edit::open(&path).unwrap();
        edit.set_plugin("acme", &Place::Path("/p/acme.wasm".into()), &digest, None, &grants).unwrap();
        edit.save().unwrap();
        let fresh = format!(
            "[plugins.acme]\npath = \"/p/acme.wasm\"\ndigest = \"{digest}\"\ngrants = {{ registry = [\"ghcr.io/acme/*\"] }}\n"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), fresh);

        let written = "# mine\n[lint]\nfail-level = \"info\" # quiet\n\n[plugins.acme]\npath = \"old\"\nlimits = { time = \"1s\" }\n";
        fs::write(&path, written).unwrap();
        let mut edit = Edit::open(&path).unwrap();
        edit.set_plugin("acme", &Place::Path("/p/acme.wasm".into()), &digest, None, &grants).unwrap();
        edit.set_trust(&digest, "other", Some(Path::new("/k/acme.pub")), &Grants::default()).unwrap();
        edit.save().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# mine\n[lint]\nfail-level = \"info\" # quiet\n"), "{text}");
        assert!(text.contains("limits = { time = \"1s\" }"), "{text}");
        assert_eq!(file::read(&path).unwrap().trust[&digest].key, Some("/k/acme.pub".into()), "{text}");

        let mut edit = Edit::open(&path).unwrap();
        assert!(edit.remove("plugins", "acme") && edit.remove("trust", digest.as_str()));
        assert!(!edit.remove("plugins", "acme"));
        edit.save().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "# mine\n[lint]\nfail-level = \"info\" # quiet\n");
        fs::write(&path, "[plugins]\nacme = 1\n").unwrap();
        assert!(Edit::open(&path).is_err(), "what does not hold up is not changed");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let scratch = tempfile::tempdir().unwrap();
        let (real, link) = (scratch.path().join("real.toml"), scratch.path().join("plimsoll.toml"));
        fs::write(&real, "").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&real, &link).unwrap();
        let mut edit = Edit::open(&link).unwrap();
        edit.set_trust(&Digest::of(b"acme"), "acme", None, &Grants::default()).unwrap();
        edit.save().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::read_to_string(&real).unwrap().starts_with("[trust.\"sha256:"));
    }
}

//! Options through serde.

/// Reads a rule's options from the JSON object that the user configured.
///
/// # Errors
/// What serde has to say about the object.
pub fn from_json<T: serde::de::DeserializeOwned + Default>(options: &str) -> Result<T, String> {
    if options.trim().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_str(options).map_err(|error| error.to_string())
}

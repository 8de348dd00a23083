//! What the system says of files, in words that somebody can do something with.

use std::borrow::Cow;
use std::io::{Error, ErrorKind};

/// Why a file or folder cannot be read, without its name.
pub fn of_system(error: &Error) -> Cow<'static, str> {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder: check the path".into(),
        ErrorKind::PermissionDenied => "permission denied: you may not read it".into(),
        ErrorKind::IsADirectory => "it is a folder, where a file is wanted".into(),
        ErrorKind::NotADirectory => "what stands before the last / is no folder".into(),
        ErrorKind::InvalidData => "it is no text in UTF-8".into(),
        _ => error.to_string().into(),
    }
}

//! Messages to whoever runs the host. They are bounded, and never part of the
//! findings.

use crate::host;
pub use crate::native::Level;

/// Writes a message.
pub fn write(level: Level, message: &str) {
    host::write_log(level, message);
}

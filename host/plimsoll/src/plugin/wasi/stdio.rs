//! Standard output and standard error of a guest: lines of the plugin's log.
//!
//! Invariant: what is written without an end is dropped as soon as no log could
//! hold it; what is written while there is no call, always.

use crate::limits::LOG_LINE_BYTES_MAX;
use crate::plugin::contract::Level;
use crate::plugin::guest::Guest;

/// What was written to a stream since the last end of a line.
pub(in crate::plugin) type Lines = Vec<u8>;

impl Guest {
    /// Takes what the guest writes: to the log line by line.
    pub(super) fn write_stream(&mut self, is_errors: bool, bytes: &[u8]) {
        let Some(call) = &mut self.call else { return };
        let line = &mut self.wasi.lines[usize::from(is_errors)];
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            let room = LOG_LINE_BYTES_MAX.saturating_sub(line.len());
            line.extend_from_slice(&text[..text.len().min(room)]);
            if ends {
                call.write_log(level(is_errors), String::from_utf8_lossy(line).into_owned());
                line.clear();
            }
        }
    }

    /// Ends the lines that the guest did not end.
    pub(in crate::plugin) fn end_lines(&mut self) {
        for is_errors in [false, true] {
            if !self.wasi.lines[usize::from(is_errors)].is_empty() {
                self.write_stream(is_errors, b"\n");
            }
        }
    }
}

fn level(is_errors: bool) -> Level {
    if is_errors { Level::Warn } else { Level::Info }
}

//! Packets of git's protocol: a length in four hexadecimal digits, then data.
//!
//! Input: bytes of a server. Output: its packets, one after the other; nothing
//! where the bytes are none.

/// One packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet<'b> {
    /// The end of a list.
    Flush,
    /// The end of a section.
    Delimiter,
    /// A line, without its end.
    Line(&'b [u8]),
}

/// Packets in a row.
pub(super) struct Packets<'b>(pub(super) &'b [u8]);

impl<'b> Packets<'b> {
    /// The next packet: nothing at the end, an error where there is none.
    pub(super) fn next(&mut self) -> Result<Option<Packet<'b>>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (digits, rest) = self.0.split_first_chunk::<4>().ok_or(Malformed)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Malformed);
        }
        let digits = str::from_utf8(digits).map_err(|_| Malformed)?;
        let length = usize::from_str_radix(digits, 16).map_err(|_| Malformed)?;
        self.0 = rest;
        match length {
            0 => Ok(Some(Packet::Flush)),
            1 | 2 => Ok(Some(Packet::Delimiter)),
            3 => Err(Malformed),
            _ => {
                let (line, rest) = rest.split_at_checked(length - 4).ok_or(Malformed)?;
                self.0 = rest;
                Ok(Some(Packet::Line(line.strip_suffix(b"\n").unwrap_or(line))))
            }
        }
    }
}

/// Bytes that are no packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A line as a packet.
pub(super) fn line(text: &str) -> String {
    format!("{:04x}{text}\n", text.len() + 5)
}

/// The end of a section.
pub(super) const DELIMITER: &str = "0001";
/// The end of a list.
pub(super) const FLUSH: &str = "0000";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_taken_apart() {
        let mut packets = Packets(b"0006a\n0001000000040005b");
        assert_eq!(packets.next(), Ok(Some(Packet::Line(b"a"))));
        assert_eq!(packets.next(), Ok(Some(Packet::Delimiter)));
        assert_eq!(packets.next(), Ok(Some(Packet::Flush)));
        assert_eq!(packets.next(), Ok(Some(Packet::Line(b""))));
        assert_eq!(packets.next(), Ok(Some(Packet::Line(b"b"))));
        assert_eq!(packets.next(), Ok(None));
        assert_eq!(line("peel"), "0009peel\n");
        for bad in [&b"000"[..], b"0003", b"+004", b"zzzz", b"0009a", b"ffff"] {
            assert_eq!(Packets(bad).next(), Err(Malformed), "{bad:?}");
        }
    }
}

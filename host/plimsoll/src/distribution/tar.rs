//! Archives in the form `ustar`, as far as plugins need it: regular files with short
//! names.
//!
//! Invariant: nothing is unpacked; an entry is a name and bytes, and whatever else an
//! archive holds makes it none of ours.

use std::io::{self, Read, Write};

/// Bytes of a block; headers have one, and content fills whole ones.
const BLOCK: usize = 512;
/// Where things stand in a header, and how long they are.
const NAME: std::ops::Range<usize> = 0..100;
const MODE: std::ops::Range<usize> = 100..108;
const SIZE: std::ops::Range<usize> = 124..136;
const SUM: std::ops::Range<usize> = 148..156;
const KIND: usize = 156;
const MAGIC: std::ops::Range<usize> = 257..265;
const PREFIX: std::ops::Range<usize> = 345..500;

/// Appends a file.
///
/// # Errors
/// When it cannot be written.
pub(super) fn append(out: &mut impl Write, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = [0; BLOCK];
    let odd = || io::Error::other("a name of a file in an archive is too long");
    header[NAME].get_mut(..name.len()).ok_or_else(odd)?.copy_from_slice(name.as_bytes());
    header[MODE].copy_from_slice(b"0000644\0");
    header[108..124].copy_from_slice(b"0000000\x000000000\0");
    header[SIZE].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
    header[136..148].copy_from_slice(b"00000000000\0");
    header[KIND] = b'0';
    header[MAGIC].copy_from_slice(b"ustar\x0000");
    let sum = format!("{:06o}\0 ", sum(&header));
    header[SUM].copy_from_slice(sum.as_bytes());
    out.write_all(&header)?;
    out.write_all(bytes)?;
    out.write_all(&vec![0; bytes.len().next_multiple_of(BLOCK) - bytes.len()])
}

/// Ends an archive.
///
/// # Errors
/// When it cannot be written.
pub(super) fn finish(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

/// The next file: its name and size, `None` at the end. Folders are passed over.
///
/// # Errors
/// What is there instead.
pub(super) fn next(archive: &mut impl Read) -> Result<Option<(String, u64)>, String> {
    loop {
        let mut header = [0; BLOCK];
        archive.read_exact(&mut header).map_err(|_| "it is no archive of plugins, or it ends early".to_owned())?;
        if header.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let told = octal(&header[SUM]).filter(|told| *told == sum(&header));
        if told.is_none() || !header[MAGIC].starts_with(b"ustar") {
            return Err("it is no archive of plugins; `plimsoll plugin save` writes one".to_owned());
        }
        let text = |range: std::ops::Range<usize>| {
            let field = header[range].split(|byte| *byte == 0).next().unwrap_or_default();
            String::from_utf8(field.to_vec()).map_err(|_| "a file in it has a name that is no text".to_owned())
        };
        let (prefix, name) = (text(PREFIX)?, text(NAME)?);
        let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let size = octal(&header[SIZE]).ok_or_else(|| format!("{name:?} in it has no size"))?;
        match header[KIND] {
            b'0' | 0 => return Ok(Some((name, size))),
            b'5' if size == 0 => {}
            _ => return Err(format!("{name:?} in it is no regular file")),
        }
    }
}

/// Reads the content of a file of this size; its caller has bounded it.
///
/// # Errors
/// When there is less.
pub(super) fn content(archive: &mut impl Read, size: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let whole = size.next_multiple_of(BLOCK as u64);
    let read = archive.take(whole).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if read as u64 != whole {
        return Err("it ends early".to_owned());
    }
    bytes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    Ok(bytes)
}

/// The sum of a header, its own field counted as blanks.
fn sum(header: &[u8; BLOCK]) -> u64 {
    let others = header.iter().enumerate().filter(|(at, _)| !SUM.contains(at)).map(|(_, byte)| u64::from(*byte));
    others.sum::<u64>() + SUM.len() as u64 * u64::from(b' ')
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    text.bytes().all(|byte| (b'0'..=b'7').contains(&byte)).then(|| u64::from_str_radix(text, 8).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut archive: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
        let mut files = Vec::new();
        while let Some((name, size)) = next(&mut archive)? {
            files.push((name, content(&mut archive, size)?));
        }
        Ok(files)
    }

    #[test]
    fn what_is_written_is_read() {
        let mut archive = Vec::new();
        append(&mut archive, "a/b", b"content").unwrap();
        append(&mut archive, "empty", b"").unwrap();
        append(&mut archive, "block", &[7; BLOCK]).unwrap();
        finish(&mut archive).unwrap();
        let expect = [
            ("a/b".to_owned(), b"content".to_vec()),
            ("empty".to_owned(), vec![]),
            ("block".to_owned(), vec![7; BLOCK]),
        ];
        assert_eq!(read(&archive).unwrap(), expect);
        assert!(append(&mut Vec::new(), &"n".repeat(101), b"").is_err());
        for length in [0, 1, BLOCK, BLOCK + 3, 2 * BLOCK] {
            assert!(read(&archive[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn other_things_than_files_are_none_of_ours() {
        let mut archive = Vec::new();
        append(&mut archive, "link", b"").unwrap();
        for kind in [b'1', b'2', b'3', b'6', b'L', b'x'] {
            let mut header: [u8; BLOCK] = archive[..BLOCK].try_into().unwrap();
            header[KIND] = kind;
            assert!(read(&header).is_err(), "the sum is another");
            let told = format!("{:06o}\0 ", sum(&header));
            header[SUM].copy_from_slice(told.as_bytes());
            assert!(read(&header).unwrap_err().contains("no regular file"));
        }
    }
}

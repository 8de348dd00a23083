//! What a git server says of its names, and which of them a build takes.
//!
//! Input: packets in version 0, 1 or 2 of the protocol. Output: names with their
//! objects, and the commit that a name of ADD means. Invariant: of all names a
//! server lists, only those that were asked for are kept.

use super::packet::{DELIMITER, FLUSH, Malformed, Packet, Packets, line};

/// How a server begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// Version 2: it waits to be asked. With the format of its objects, if it names one.
    Ask { object_format: Option<String> },
    /// Version 0 or 1: it has listed its names.
    Listed(Names),
}

/// Names, and the objects that they lead to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names(Vec<(String, String)>);

/// The names that `reference` of ADD may mean, the first that exists counts:
/// its full name, then a branch, then a tag.
pub fn candidates(reference: &str) -> Vec<String> {
    let full = |prefix: &str| format!("{prefix}{}", reference.strip_prefix(prefix).unwrap_or(reference));
    match reference {
        "HEAD" => vec!["HEAD".to_owned()],
        _ => vec![full("refs/"), full("refs/heads/"), full("refs/tags/")],
    }
}

/// Reads the answer to `info/refs`.
pub(super) fn greeting(bytes: &[u8], reference: &str) -> Result<Greeting, Malformed> {
    let mut packets = Packets(bytes);
    let mut first = packets.next()?;
    if matches!(first, Some(Packet::Line(line)) if line.starts_with(b"# service=")) {
        first = match packets.next()? {
            Some(Packet::Flush) => packets.next()?,
            _ => return Err(Malformed),
        };
    }
    match first {
        Some(Packet::Line(b"version 2")) => {
            let mut object_format = None;
            let mut lists_names = false;
            while let Some(Packet::Line(capability)) = packets.next()? {
                let capability = String::from_utf8_lossy(capability);
                lists_names |= capability == "ls-refs" || capability.starts_with("ls-refs=");
                if let Some(format) = capability.strip_prefix("object-format=") {
                    let is_word = format.bytes().all(|byte| byte.is_ascii_alphanumeric());
                    object_format = Some(format.to_owned()).filter(|_| is_word);
                }
            }
            if lists_names { Ok(Greeting::Ask { object_format }) } else { Err(Malformed) }
        }
        Some(Packet::Line(b"version 1")) => Names::read(packets, None, reference).map(Greeting::Listed),
        Some(Packet::Line(line)) => Names::read(packets, Some(line), reference).map(Greeting::Listed),
        _ => Err(Malformed),
    }
}

/// The question for the names that `reference` may mean, in version 2.
pub(super) fn question(reference: &str, object_format: Option<&str>) -> String {
    let mut text = line("command=ls-refs");
    if let Some(format) = object_format {
        text += &line(&format!("object-format={format}"));
    }
    text += DELIMITER;
    text += &line("peel");
    for name in candidates(reference) {
        text += &line(&format!("ref-prefix {name}"));
    }
    text + FLUSH
}

/// Reads the answer to [`question`].
pub(super) fn answer(bytes: &[u8], reference: &str) -> Result<Names, Malformed> {
    Names::read(Packets(bytes), None, reference)
}

impl Names {
    /// Lines of `OBJECT NAME`, up to the end of the list; version 0 puts what the
    /// server can do behind the first, version 2 what it knows behind each.
    fn read(mut packets: Packets<'_>, first: Option<&[u8]>, reference: &str) -> Result<Self, Malformed> {
        let wanted = candidates(reference);
        let mut names = Self::default();
        let mut next = first.map(Packet::Line);
        if next.is_none() {
            next = packets.next()?;
        }
        loop {
            match next {
                Some(Packet::Line(line)) => names.take(line, &wanted)?,
                Some(Packet::Flush) => return Ok(names),
                // A list without an end was cut off.
                Some(Packet::Delimiter) | None => return Err(Malformed),
            }
            next = packets.next()?;
        }
    }

    fn take(&mut self, line: &[u8], wanted: &[String]) -> Result<(), Malformed> {
        let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let (object, rest) = line.split_once(' ').ok_or(Malformed)?;
        if !is_object(object) {
            return Err(Malformed);
        }
        let (name, attributes) = rest.split_once(' ').unwrap_or((rest, ""));
        let name_of_tag = name.strip_suffix("^{}").unwrap_or(name);
        if !wanted.iter().any(|wanted| wanted == name_of_tag) {
            return Ok(());
        }
        self.0.push((name.to_owned(), object.to_owned()));
        let peeled = attributes.split(' ').find_map(|attribute| attribute.strip_prefix("peeled:"));
        match peeled {
            Some(peeled) if is_object(peeled) => self.0.push((format!("{name}^{{}}"), peeled.to_owned())),
            Some(_) => return Err(Malformed),
            None => {}
        }
        Ok(())
    }

    /// The commit that `reference` means; for an annotated tag, the one it tags.
    pub(super) fn commit(&self, reference: &str) -> Option<&str> {
        let object = |name: &str| self.0.iter().find(|(known, _)| known == name).map(|(_, object)| object.as_str());
        candidates(reference).iter().find_map(|name| object(&format!("{name}^{{}}")).or_else(|| object(name)))
    }
}

fn is_object(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn listed(lines: &[String]) -> String {
        lines.iter().map(|text| line(text)).chain([FLUSH.to_owned()]).collect()
    }

    #[test]
    fn branches_go_before_tags_and_tags_lead_to_their_commit() {
        let text = listed(&[
            format!("{A} refs/heads/v1"),
            format!("{B} refs/tags/v1"),
            format!("{B} refs/tags/v2 peeled:{A}"),
            format!("{B} refs/changes/1"),
        ]);
        let commit = |name: &str| answer(text.as_bytes(), name).unwrap().commit(name).map(str::to_owned);
        assert_eq!(commit("v1").as_deref(), Some(A));
        assert_eq!(commit("refs/tags/v1").as_deref(), Some(B));
        assert_eq!(commit("v2").as_deref(), Some(A));
        assert_eq!(commit("changes/1").as_deref(), Some(B));
        assert_eq!(commit("v3"), None);
        assert_eq!(commit("refs/heads/v2"), None);
    }

    #[test]
    fn old_servers_list_their_names_at_once() {
        let service = line("# service=git-upload-pack") + FLUSH;
        let names = listed(&[
            format!("{A} HEAD\0multi_ack agent=git/1.7"),
            format!("{B} refs/tags/x"),
            format!("{A} refs/tags/x^{{}}"),
        ]);
        for text in [format!("{service}{names}"), format!("{service}{}{names}", line("version 1"))] {
            let Ok(Greeting::Listed(known)) = greeting(text.as_bytes(), "x") else { panic!("{text}") };
            assert_eq!(known.commit("x"), Some(A));
            let Ok(Greeting::Listed(known)) = greeting(text.as_bytes(), "HEAD") else { panic!("{text}") };
            assert_eq!(known.commit("HEAD"), Some(A));
        }
    }

    #[test]
    fn new_servers_are_asked() {
        let capabilities = ["version 2", "agent=git/2.47", "ls-refs=unborn", "object-format=sha256"].map(str::to_owned);
        let expected = Greeting::Ask { object_format: Some("sha256".to_owned()) };
        assert_eq!(greeting(listed(&capabilities).as_bytes(), "x"), Ok(expected));
        assert_eq!(
            question("main", Some("sha256")),
            "0014command=ls-refs\n0019object-format=sha256\n00010009peel\n0019ref-prefix refs/main\n\
             001fref-prefix refs/heads/main\n001eref-prefix refs/tags/main\n0000"
        );
    }

    #[test]
    fn what_is_cut_off_or_no_list_is_refused() {
        let whole = listed(&[format!("{A} refs/heads/main")]);
        for end in 0..whole.len() {
            assert_eq!(answer(&whole.as_bytes()[..end], "main"), Err(Malformed), "{end}");
        }
        for bad in ["0009main\n0000", "<html>", "0000", ""] {
            assert!(greeting(bad.as_bytes(), "main").is_err(), "{bad}");
        }
        assert!(answer(listed(&[format!("{} refs/heads/main", "A".repeat(40))]).as_bytes(), "main").is_err());
    }
}

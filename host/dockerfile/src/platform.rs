//! Platforms in containerd's normal form.
//!
//! A specifier such as `x86_64` or `linux/arm64/v8` → [`Platform`] → its normal text, and the other
//! platforms that can stand in for it. Parsing what [`Display`](std::fmt::Display) wrote gives the same platform.

use std::borrow::Cow;
use std::fmt;

use crate::limits::PLATFORM_BYTES_MAX;

/// An operating system, an architecture and perhaps a variant of it, as an image is built for. Names that
/// are known are not copied: every stage has a platform, and most of them the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Platform {
    /// Such as `linux`.
    pub os: Cow<'static, str>,
    /// Such as `amd64`, in Go's naming.
    pub architecture: Cow<'static, str>,
    /// Such as `v7`; empty where the architecture alone says it.
    pub variant: Cow<'static, str>,
    /// Version of the operating system, which only Windows uses; usually empty.
    pub os_version: String,
    /// Features of the operating system that are asked for; usually none.
    pub os_features: Vec<String>,
}

/// Why a text is no platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformError {
    message: String,
}

impl Platform {
    /// A platform from its parts, normalised.
    pub fn new(os: &str, architecture: &str, variant: &str) -> Self {
        let (architecture, variant) = normal_architecture(architecture, variant);
        Self { os: normal_os(os), architecture, variant, os_version: String::new(), os_features: Vec::new() }
    }

    /// The platform this program was built for, as far as Linux images are concerned: the
    /// architecture is the host's, and the operating system is `linux` except on Windows.
    pub fn host() -> Self {
        let os = if cfg!(windows) { "windows" } else { "linux" };
        Self::new(os, HOST_ARCHITECTURE, "")
    }

    /// Reads `os`, `architecture`, `os/architecture` or `os/architecture/variant`. What is left out
    /// is taken from the host.
    pub fn parse(specifier: &str) -> Result<Self, PlatformError> {
        if specifier.contains('*') {
            return Err(PlatformError::new(format!("{specifier:?}: wildcards not yet supported")));
        }
        let parts: Vec<&str> = specifier.splitn(4, '/').collect();
        let (os, os_version, os_features) = split_os(parts[0])
            .ok_or_else(|| PlatformError::new(format!("{:?} is an invalid OS component of {specifier:?}", parts[0])))?;
        if let Some(part) = parts[1..].iter().find(|part| !is_component(part)) {
            return Err(PlatformError::new(format!("{part:?} is an invalid component of {specifier:?}")));
        }
        let (os, architecture, variant) = match parts[..] {
            [_] if KNOWN_OS.contains(&&*os) => {
                let host = Self::host();
                (os, host.architecture, host.variant)
            }
            [only] => {
                let (architecture, variant) = normal_architecture(only, "");
                if !KNOWN_ARCHITECTURES.contains(&&*architecture) {
                    return Err(PlatformError::new(format!("{specifier:?}: unknown operating system or architecture")));
                }
                (Self::host().os, architecture, variant)
            }
            [_, architecture] => {
                let (architecture, variant) = normal_architecture(architecture, "");
                (os, architecture, variant)
            }
            [_, architecture, variant] => {
                let (architecture, variant) = normal_architecture(architecture, variant);
                (os, architecture, variant)
            }
            _ => return Err(PlatformError::new(format!("{specifier:?}: cannot parse platform specifier"))),
        };
        let platform = Self { os, architecture, variant, os_version, os_features };
        // The normal form is what counts, so that it parses again.
        match platform.to_string().len() {
            0..=PLATFORM_BYTES_MAX => Ok(platform),
            length => {
                Err(PlatformError::new(format!("platform of {length} bytes is longer than {PLATFORM_BYTES_MAX}")))
            }
        }
    }

    /// The platforms whose images can run here, best first; this one is the first of them.
    pub fn acceptable(&self) -> Vec<Self> {
        let mut vector = Vec::new();
        match &*self.architecture {
            "amd64" => {
                vector.push(self.clone());
                let level = version(&self.variant).unwrap_or(1);
                vector.extend((1..level).rev().map(|level| self.with("amd64", &format!("v{level}"))));
                vector.push(self.with("386", ""));
            }
            "arm" => vector.extend(self.arm_from(&self.variant)),
            "arm64" => {
                let variant = if self.variant.is_empty() { "v8" } else { &*self.variant };
                vector.extend(arm64_variants(variant).map(|variant| self.with("arm64", &variant)));
                if vector.is_empty() {
                    vector.push(self.clone());
                }
                let arm = if variant.starts_with("v8") || variant.starts_with("v9") { "v8" } else { variant };
                vector.extend(self.arm_from(arm));
            }
            _ => vector.push(self.clone()),
        }
        vector
    }

    /// How good an image for `other` is here: 0 is best, nothing means it does not run.
    pub fn rank(&self, other: &Self) -> Option<usize> {
        self.acceptable()
            .iter()
            .position(|p| p.os == other.os && p.architecture == other.architecture && p.variant == other.variant)
    }

    /// Whether it is `unknown/unknown`, which marks attestations in an index, not an image.
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown" && self.architecture == "unknown"
    }

    fn with(&self, architecture: &str, variant: &str) -> Self {
        let (architecture, variant) = normal_architecture(architecture, variant);
        Self { architecture, variant, ..self.clone() }
    }

    fn arm_from(&self, variant: &str) -> impl Iterator<Item = Self> {
        let first = self.with("arm", variant);
        let level = version(variant).unwrap_or(0);
        let rest: Vec<_> = (5..level).rev().map(|level| self.with("arm", &format!("v{level}"))).collect();
        std::iter::once(first).chain(rest)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.os.is_empty() {
            return f.write_str(UNKNOWN);
        }
        f.write_str(&self.os)?;
        if !self.os_version.is_empty() || !self.os_features.is_empty() {
            write!(f, "({}", encode(&self.os_version))?;
            for feature in &self.os_features {
                write!(f, "+{}", encode(feature))?;
            }
            f.write_str(")")?;
        }
        for part in [&self.architecture, &self.variant] {
            if !part.is_empty() {
                f.write_str("/")?;
                f.write_str(part)?;
            }
        }
        Ok(())
    }
}

impl std::str::FromStr for Platform {
    type Err = PlatformError;

    fn from_str(specifier: &str) -> Result<Self, PlatformError> {
        Self::parse(specifier)
    }
}

impl PlatformError {
    fn new(message: String) -> Self {
        Self { message }
    }
}

impl fmt::Display for PlatformError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PlatformError {}

/// The text of a platform without operating system.
pub(crate) const UNKNOWN: &str = "unknown";

const KNOWN_OS: [&str; 17] = [
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "windows",
    "zos",
];

const KNOWN_ARCHITECTURES: [&str; 24] = [
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "armbe",
    "arm64",
    "arm64be",
    "ppc64",
    "ppc64le",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "ppc",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

const KNOWN_VARIANTS: [&str; 9] = ["", "v5", "v6", "v7", "v8", "v9", "v2", "v3", "v4"];

/// Rust's names of architectures where they differ from Go's.
const HOST_ARCHITECTURE: &str = if cfg!(target_arch = "x86_64") {
    "amd64"
} else if cfg!(target_arch = "x86") {
    "386"
} else if cfg!(target_arch = "aarch64") {
    "arm64"
} else if cfg!(all(target_arch = "powerpc64", target_endian = "little")) {
    "ppc64le"
} else if cfg!(target_arch = "loongarch64") {
    "loong64"
} else {
    std::env::consts::ARCH
};

/// Levels of x86-64 and Arm that are told apart; a larger number in a file is not counted down from.
const VERSION_MAX: u32 = 16;

fn normal_os(os: &str) -> Cow<'static, str> {
    match os.to_lowercase().as_str() {
        "" => Platform::host().os,
        "macos" => "darwin".into(),
        other => known(other),
    }
}

/// A name that is known, or else a copy of it.
fn known(name: &str) -> Cow<'static, str> {
    let mut names = KNOWN_OS.iter().chain(&KNOWN_ARCHITECTURES).chain(&KNOWN_VARIANTS);
    names.find(|known| **known == name).map_or_else(|| name.to_owned().into(), |known| Cow::Borrowed(*known))
}

fn normal_architecture(architecture: &str, variant: &str) -> (Cow<'static, str>, Cow<'static, str>) {
    let (architecture, variant) = (architecture.to_lowercase(), variant.to_lowercase());
    let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64" | "amd64", other) => ("amd64", other),
        ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", ""),
        ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", "v9"),
        ("aarch64" | "arm64", other) => ("arm64", other),
        ("armhf", _) => ("arm", "v7"),
        ("armel", _) => ("arm", "v6"),
        ("arm", "" | "7") => ("arm", "v7"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "6") => ("arm", "v6"),
        ("arm", "8") => ("arm", "v8"),
        other => other,
    };
    (known(architecture), known(variant))
}

/// `os`, `os(version)` or `os(version+feature+…)` → its parts.
fn split_os(part: &str) -> Option<(Cow<'static, str>, String, Vec<String>)> {
    let (name, options) = match part.split_once('(') {
        Some((name, rest)) => (name, rest.strip_suffix(')')?),
        None => (part, ""),
    };
    let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.%-+".contains(&b);
    if !named || !options.bytes().all(allowed) {
        return None;
    }
    let mut parts = options.split('+').map(decode);
    let version = parts.next()??;
    let mut features = parts.collect::<Option<Vec<_>>>()?;
    if features.iter().any(String::is_empty) {
        return None;
    }
    features.sort();
    features.dedup();
    Some((normal_os(name), version, features))
}

fn is_component(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

fn version(variant: &str) -> Option<u32> {
    variant.strip_prefix('v').unwrap_or(variant).parse().ok().filter(|version| *version <= VERSION_MAX)
}

/// The 64-bit Arm variants that code for `variant` runs on, best first; none for an unknown one.
fn arm64_variants(variant: &str) -> impl Iterator<Item = String> + use<> {
    let ladders: Vec<(u32, u32)> = match variant.strip_prefix("v8") {
        Some("") => vec![(8, 0)],
        Some(minor) => minor_of(minor, 9).map(|minor| (8, minor)).into_iter().collect(),
        None => {
            let minor = variant.strip_prefix("v9").and_then(|m| if m.is_empty() { Some(0) } else { minor_of(m, 7) });
            // Armv9.n includes what Armv8.(n+5) has, and nothing beyond 8.9.
            minor.map(|minor| vec![(9, minor), (8, (minor + 5).min(9))]).unwrap_or_default()
        }
    };
    ladders.into_iter().flat_map(|(major, minor)| {
        (0..=minor).rev().map(move |m| if m == 0 { format!("v{major}") } else { format!("v{major}.{m}") })
    })
}

fn minor_of(text: &str, max: u32) -> Option<u32> {
    let digits = text.strip_prefix('.')?;
    digits.parse().ok().filter(|minor: &u32| *minor <= max && minor.to_string() == digits)
}

/// What a specifier may not hold as it is goes byte by byte as `%2F`.
fn encode(option: &str) -> String {
    let mut out = String::with_capacity(option.len());
    for byte in option.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn decode(option: &str) -> Option<String> {
    let mut out = Vec::with_capacity(option.len());
    let mut bytes = option.bytes();
    while let Some(b) = bytes.next() {
        if b == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push((high * 16 + low) as u8);
        } else {
            out.push(b);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(specifier: &str, expect: Result<&str, &str>) {
        let got = Platform::parse(specifier).map(|p| p.to_string()).map_err(|e| e.to_string());
        match (got, expect) {
            (Ok(got), Ok(expect)) => {
                assert_eq!(got, expect, "{specifier}");
                assert_eq!(Platform::parse(&got).map(|p| p.to_string()), Ok(got), "again: {specifier}");
            }
            (Err(got), Err(expect)) => assert!(got.contains(expect), "{specifier}: {got}"),
            (got, _) => panic!("{specifier}: {got:?}"),
        }
    }

    #[test]
    fn normal_forms() {
        check("linux/amd64", Ok("linux/amd64"));
        check("linux/x86_64", Ok("linux/amd64"));
        check("Linux/AMD64/v1", Ok("linux/amd64"));
        check("linux/amd64/v3", Ok("linux/amd64/v3"));
        check("linux/arm64/v8", Ok("linux/arm64"));
        check("linux/aarch64", Ok("linux/arm64"));
        check("linux/arm", Ok("linux/arm/v7"));
        check("linux/armhf", Ok("linux/arm/v7"));
        check("linux/armel", Ok("linux/arm/v6"));
        check("linux/arm/6", Ok("linux/arm/v6"));
        check("linux/i386", Ok("linux/386"));
        check("macos/arm64", Ok("darwin/arm64"));
        check("windows(10.0.17763)/amd64", Ok("windows(10.0.17763)/amd64"));
        check("windows(10.0.17763+win32k)/amd64", Ok("windows(10.0.17763+win32k)/amd64"));
        check("linux(%C3%A4%2f%20+%2B)/amd64", Ok("linux(%C3%A4%2F%20+%2B)/amd64"));
        check("s390x", Ok("linux/s390x"));
        check("unknown/unknown", Ok("unknown/unknown"));
        check("", Err("invalid OS component"));
        check("linux/", Err("\"\" is an invalid component of \"linux/\""));
        check("linux/*", Err("wildcards"));
        check("linux/a/b/c", Err("cannot parse"));
        check("something", Err("unknown operating system"));
    }

    #[test]
    fn stand_ins() {
        let check = |of: &str, expect: &[&str]| {
            let got: Vec<_> = Platform::parse(of).unwrap().acceptable().iter().map(ToString::to_string).collect();
            assert_eq!(got, expect, "{of}");
        };
        check("linux/amd64", &["linux/amd64", "linux/386"]);
        check("linux/amd64/v2", &["linux/amd64/v2", "linux/amd64", "linux/386"]);
        check("linux/arm/v7", &["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]);
        check("linux/arm/v5", &["linux/arm/v5"]);
        check(
            "linux/arm64/v8.01",
            &["linux/arm64/v8.01", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"],
        );
        check("linux/arm64", &["linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]);
        check("linux/s390x", &["linux/s390x"]);
        assert_eq!(Platform::parse("linux/arm64/v9").unwrap().acceptable().len(), 1 + 6 + 4);
        assert_eq!(Platform::parse("linux/arm64/v8.1").unwrap().rank(&Platform::new("linux", "arm64", "")), Some(1));
        assert!(Platform::new("unknown", "unknown", "").is_unknown());
    }
}

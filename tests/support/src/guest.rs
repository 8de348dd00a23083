//! Components that no toolchain would make: core modules as text, with one rule
//! `bad`, encoded against the contract.
//!
//! A [`Guest`] behaves until a test replaces the body of one of its functions.

use std::fmt::Write as _;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::repository_root;

/// The parts of a core module, as WebAssembly text.
#[derive(Clone)]
pub struct Guest {
    /// Packages in WIT that its world imports from besides the contract.
    pub packages: &'static str,
    /// Imports of its world, in WIT, such as `import plimsoll:rules/context@0.2.0;`.
    pub world: &'static str,
    /// Core imports, one for each function it calls.
    pub imports: String,
    /// The minimum of its memory, in pages.
    pub pages: u32,
    /// Further fields: tables, globals, functions, a start function.
    pub fields: String,
    /// Body of `describe`; at [`DESCRIPTION`] lies an honest one.
    pub describe: String,
    /// Body of `validate-options`; at [`NOTHING`] lies an empty list.
    pub validate_options: String,
    /// Body of `check`.
    pub check: String,
    /// Body of `plan`.
    pub plan: String,
    /// Body of `on-success`; at [`NOTHING`] lies `keep`.
    pub on_success: String,
    /// Body of what is called after `check`.
    pub after_check: String,
    /// Body of `cabi_realloc`.
    pub realloc: String,
    /// Where the rule says it is documented: offset and length in memory.
    pub documentation: (u32, u32),
    /// The rule's name, of three bytes.
    pub name: &'static str,
}

/// Where an honest description lies.
pub const DESCRIPTION: u32 = 16;
/// Where zeroes lie: an empty list, and the verdict `keep`.
pub const NOTHING: u32 = 1024;
/// From where on memory is free.
pub const FREE: u32 = 4096;

impl Default for Guest {
    fn default() -> Self {
        let nothing = format!("i32.const {NOTHING}");
        Self {
            packages: "",
            world: "",
            imports: String::new(),
            pages: 2,
            fields: String::new(),
            describe: format!("i32.const {DESCRIPTION}"),
            validate_options: nothing.clone(),
            check: nothing.clone(),
            plan: String::new(),
            on_success: nothing,
            after_check: String::new(),
            realloc: format!("i32.const {FREE}"),
            documentation: (0, 0),
            name: "bad",
        }
    }
}

impl Guest {
    /// The component.
    ///
    /// # Panics
    /// When the text is none that can be encoded.
    #[must_use]
    pub fn component(&self) -> Vec<u8> {
        let text = self.module();
        let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
        let mut resolve = Resolve::default();
        resolve.push_dir(repository_root().join("wit/0.2.0")).expect("the contract is valid");
        let exports = ["plugin", "fast", "slow"].map(|name| format!("export plimsoll:rules/{name}@0.2.0;"));
        let world =
            format!("package test:test; {} world guest {{ {} {} }}", self.packages, self.world, exports.join(" "));
        let package = resolve.push_str("guest.wit", &world).expect("the world is valid");
        let world = resolve.select_world(&[package], None).expect("there is one world");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
            .expect("the module can be told");
        let encoded = ComponentEncoder::default().validate(false).module(&module).and_then(|encoder| encoder.encode());
        encoded.unwrap_or_else(|error| panic!("{error:#} in {text}"))
    }

    fn module(&self) -> String {
        let Self { imports, pages, fields, describe, validate_options, check, plan, on_success, .. } = self;
        let Self { after_check, realloc, .. } = self;
        let export =
            |interface: &str, function: &str| format!("(export \"plimsoll:rules/{interface}@0.2.0#{function}\")");
        let (describes, validates) = (export("plugin", "describe"), export("plugin", "validate-options"));
        let (checks, plans, succeeds) = (export("fast", "check"), export("slow", "plan"), export("slow", "on-success"));
        let after = checks.replace("\"plimsoll", "\"cabi_post_plimsoll");
        format!(
            "(module {imports} (memory (export \"memory\") {pages}) {data} {fields}
               (func {describes} (result i32) {describe})
               (func {validates} (param i32 i32 i32) (result i32) {validate_options})
               (func {checks} (result i32) {check})
               (func {after} (param i32) {after_check})
               (func {plans} {plan})
               (func {succeeds} (param i64 i32 i32 i32 i32 i32) (result i32) {on_success})
               (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) {realloc}))",
            data = self.data(),
        )
    }

    /// Version `1` and one rule, as the canonical ABI lays them out.
    fn data(&self) -> String {
        let (name, rule) = (512_u32, 64_u32);
        let (documentation, length) = self.documentation;
        let description = [name + 3, 1, rule, 1];
        let length_of_name = u32::try_from(self.name.len()).expect("a name is short");
        let words = [name, length_of_name, name, 3, 1, 0, 0, 0, documentation, length, name, 0, 0];
        let text = |bytes: Vec<u8>| {
            bytes.into_iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "\\{byte:02x}");
                text
            })
        };
        let bytes = |words: &[u32]| text(words.iter().flat_map(|word| word.to_le_bytes()).collect());
        format!(
            "(data (i32.const {DESCRIPTION}) \"{}\") (data (i32.const {rule}) \"{}\") (data (i32.const {name}) \"{}1\")",
            bytes(&description),
            bytes(&words),
            text(self.name.into()),
        )
    }
}

//! The reference of the contract, for those who write plugins: `README.md` in
//! the folder of each version, made of the comments in its WIT files.
//! `BLESS=1 cargo test --test contract` writes it anew.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::{env, fs};

use plimsoll::plugin::contract::{CAPABILITIES, VERSION};
use plimsoll_test_support::repository_root;
use wit_parser::{Docs, Function, Interface, InterfaceId, Resolve, Type, TypeDef, TypeDefKind, WorldItem};

/// The interfaces that a plugin needs no leave for.
const OF_THE_FILE: [&str; 6] = ["document", "model", "shell", "settings", "log", "lock"];

#[test]
fn the_reference_says_what_the_contract_says() {
    let folder = repository_root().join("wit").join(VERSION);
    let path = folder.join("README.md");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(&folder).unwrap();
    let reference = reference(&resolve, resolve.packages[package].worlds["everything"]);
    let written = fs::read_to_string(&path).unwrap_or_default();
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &reference).unwrap();
    } else {
        assert!(written == reference, "{} is out of date; BLESS=1 writes it anew", path.display());
    }
}

fn reference(resolve: &Resolve, world: wit_parser::WorldId) -> String {
    let world = &resolve.worlds[world];
    let interfaces = |items: &wit_parser::IndexMap<wit_parser::WorldKey, WorldItem>| -> Vec<InterfaceId> {
        let id = |item: &WorldItem| match item {
            WorldItem::Interface { id, .. } => Some(*id),
            _ => None,
        };
        items.values().filter_map(id).collect()
    };
    let (exports, imports) = (interfaces(&world.exports), interfaces(&world.imports));
    let named = |name: &&str| {
        let is_it = |id: &&InterfaceId| resolve.interfaces[**id].name.as_deref() == Some(*name);
        *imports.iter().find(is_it).unwrap_or_else(|| panic!("the world imports no {name}"))
    };
    let of_the_file: Vec<_> = OF_THE_FILE.iter().map(&named).collect();
    let capabilities: Vec<_> = CAPABILITIES.iter().map(&named).collect();
    let values = vec![named(&"types")];
    let parts = [
        ("What a plugin exports", "`slow` only where rules ask for something.", exports),
        ("What it may import without leave", "The file, and what the user configured.", of_the_file),
        ("What it may ask for", "One interface is one capability: the user grants what is imported.", capabilities),
        ("Values", "What the interfaces above have in common.", values),
    ];
    let known: usize = parts.iter().map(|(_, _, ids)| ids.len()).sum();
    assert_eq!(known, world.exports.len() + world.imports.len(), "an interface belongs to no part");

    let mut text = format!(
        "# The contract: `plimsoll:rules@{VERSION}`\n\n\
         Made of the comments in the WIT files beside it; `BLESS=1 cargo test --test contract` writes it anew.\n"
    );
    for (title, about, ids) in &parts {
        let names: Vec<_> = ids.iter().filter_map(|id| resolve.interfaces[*id].name.as_deref()).collect();
        let links: Vec<_> = names.iter().map(|name| format!("[`{name}`](#{name})")).collect();
        write!(text, "\n- {title}: {}. {about}", links.join(", ")).unwrap();
    }
    text.push('\n');
    for (title, _, ids) in parts {
        write!(text, "\n# {title}\n").unwrap();
        ids.into_iter().for_each(|id| interface(&mut text, resolve, &resolve.interfaces[id]));
    }
    text
}

fn interface(text: &mut String, resolve: &Resolve, interface: &Interface) {
    write!(text, "\n## {}\n\n{}", interface.name.as_deref().unwrap(), paragraph(&interface.docs)).unwrap();
    for function in interface.functions.values() {
        write!(text, "\n### `{}`\n\n{}", signature(resolve, function), paragraph(&function.docs)).unwrap();
    }
    for definition in interface.types.values().map(|id| &resolve.types[*id]) {
        // One that another interface defines is shown there.
        if !matches!(definition.kind, TypeDefKind::Type(Type::Id(_))) {
            type_definition(text, resolve, definition);
        }
    }
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let parameters: Vec<_> = function
        .params
        .iter()
        .map(|parameter| format!("{}: {}", parameter.name, shown(resolve, &parameter.ty)))
        .collect();
    let result = function.result.as_ref().map(|result| format!(" -> {}", shown(resolve, result)));
    format!("{}({}){}", function.name, parameters.join(", "), result.unwrap_or_default())
}

fn type_definition(text: &mut String, resolve: &Resolve, definition: &TypeDef) {
    let (name, docs) = (definition.name.as_deref().unwrap(), paragraph(&definition.docs));
    let typed = |name: &str, ty: &Type| format!("{name}: {}", shown(resolve, ty));
    let (kind, rows): (String, Vec<(String, &Docs)>) = match &definition.kind {
        TypeDefKind::Record(record) => (
            "record".to_owned(),
            record.fields.iter().map(|field| (typed(&field.name, &field.ty), &field.docs)).collect(),
        ),
        TypeDefKind::Variant(variant) => {
            let case = |name: &str, ty: &Option<Type>| match ty {
                Some(ty) => format!("{name}({})", shown(resolve, ty)),
                None => name.to_owned(),
            };
            ("variant".to_owned(), variant.cases.iter().map(|c| (case(&c.name, &c.ty), &c.docs)).collect())
        }
        TypeDefKind::Enum(cases) => {
            ("enum".to_owned(), cases.cases.iter().map(|c| (c.name.clone(), &c.docs)).collect())
        }
        TypeDefKind::Type(ty) => (format!("type = {}", shown(resolve, ty)), Vec::new()),
        other => panic!("{name}: the contract has no {other:?} so far"),
    };
    write!(text, "\n### {kind} `{name}`\n\n{docs}").unwrap();
    if !rows.is_empty() {
        text.push('\n');
    }
    for (row, docs) in rows {
        let docs = paragraph(docs).trim_end().replace('\n', "\n  ");
        writeln!(text, "- `{row}`: {docs}").unwrap();
    }
}

fn shown(resolve: &Resolve, ty: &Type) -> String {
    let Type::Id(id) = ty else {
        return format!("{ty:?}").to_lowercase();
    };
    let definition = &resolve.types[*id];
    if let Some(name) = &definition.name {
        return name.clone();
    }
    let side = |ty: &Option<Type>| ty.as_ref().map_or("_".to_owned(), |ty| shown(resolve, ty));
    match &definition.kind {
        TypeDefKind::Option(ty) => format!("option<{}>", shown(resolve, ty)),
        TypeDefKind::List(ty) => format!("list<{}>", shown(resolve, ty)),
        TypeDefKind::Result(result) => format!("result<{}, {}>", side(&result.ok), side(&result.err)),
        TypeDefKind::Tuple(tuple) => {
            let types: Vec<_> = tuple.types.iter().map(|ty| shown(resolve, ty)).collect();
            format!("tuple<{}>", types.join(", "))
        }
        other => panic!("the contract has no {other:?} so far"),
    }
}

fn paragraph(docs: &Docs) -> String {
    format!("{}\n", docs.contents.as_deref().expect("everything in the contract is explained").trim())
}

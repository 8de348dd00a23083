//! What compiling a component may cost, judged before it is compiled.
//!
//! Input: the bytes of a component. Output: nothing, or what about it is too much.
//! Invariant: what passes is valid, and takes the compiler time and memory in
//! proportion to its size: some kilobytes of nested instances, of blocks over
//! many variables or of values kept for later would take hours and all memory.

use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, ElementItems, FuncToValidate, FuncValidatorAllocations, FunctionBody, Instance, Operator, Parser,
    Payload, ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

use crate::limits::{
    BLOCK_VALUES_MAX, CODE_BYTES_MAX, COMPONENT_DEPTH_MAX, COMPONENT_ITEMS_MAX, ELEMENTS_MAX, FUNCTION_BYTES_MAX,
    FUNCTION_WORK_MAX, FUNCTIONS_MAX, TYPES_MAX, WORK_MAX,
};

/// What an operator that joins or parts the ways weighs in the work of a function:
/// each may have to merge every variable.
const WAY: u64 = 10;

/// Refuses a component that is invalid or too costly.
///
/// # Errors
/// Why.
pub(super) fn check(component: &[u8]) -> Result<(), String> {
    let mut cost = Cost::default();
    let mut validator = Validator::new_with_features(WasmFeatures::default());
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.map_err(invalid)?;
        cost.count(&payload)?;
        if let ValidPayload::Func(function, body) = validator.payload(&payload).map_err(invalid)? {
            cost.count_function(function, &body)?;
        }
    }
    Ok(())
}

#[allow(clippy::needless_pass_by_value)]
fn invalid(error: wasmparser::BinaryReaderError) -> String {
    format!("it is no valid component: {error}")
}

/// What was counted so far.
#[derive(Default)]
struct Cost {
    /// The components and modules around what is being read.
    scopes: Vec<Scope>,
    types: u64,
    functions: u64,
    elements: u64,
    code_bytes: u64,
    work: u64,
    allocations: FuncValidatorAllocations,
}

/// One component or module.
#[derive(Default)]
struct Scope {
    is_module: bool,
    /// What an instance of it comes to, with all instances inside.
    items: u64,
    /// Likewise, of the components that it knows, by index.
    components: Vec<u64>,
}

impl Cost {
    fn count(&mut self, payload: &Payload) -> Result<(), String> {
        match payload {
            Payload::Version { encoding, .. } => {
                let is_module = *encoding == wasmparser::Encoding::Module;
                self.scopes.push(Scope { is_module, ..Scope::default() });
                at_most("components in one another", self.scopes.len() as u64, COMPONENT_DEPTH_MAX)?;
            }
            Payload::End(_) => self.leave(),
            Payload::TypeSection(types) => self.count_types(types.count())?,
            Payload::CoreTypeSection(types) => self.count_types(types.count())?,
            Payload::ComponentTypeSection(types) => self.count_types(types.count())?,
            Payload::FunctionSection(functions) => {
                self.functions += u64::from(functions.count());
                at_most("functions", self.functions, FUNCTIONS_MAX)?;
            }
            Payload::CodeSectionStart { size, .. } => {
                self.code_bytes += u64::from(*size);
                at_most("bytes of code", self.code_bytes, CODE_BYTES_MAX)?;
            }
            Payload::ElementSection(segments) => {
                for segment in segments.clone() {
                    self.elements += u64::from(match segment.map_err(invalid)?.items {
                        ElementItems::Functions(functions) => functions.count(),
                        ElementItems::Expressions(_, expressions) => expressions.count(),
                    });
                }
                at_most("elements of tables", self.elements, ELEMENTS_MAX)?;
            }
            _ => self.count_items(payload)?,
        }
        Ok(())
    }

    fn count_types(&mut self, count: u32) -> Result<(), String> {
        self.types += u64::from(count);
        at_most("types", self.types, TYPES_MAX)
    }

    fn leave(&mut self) {
        let left = self.scopes.pop();
        if let (Some(left), Some(around)) = (left.filter(|left| !left.is_module), self.scopes.last_mut()) {
            around.components.push(left.items);
        }
    }

    /// Counts what happens at each instantiation: the engine writes all of it out.
    fn count_items(&mut self, payload: &Payload) -> Result<(), String> {
        let items = match payload {
            Payload::InstanceSection(instances) => {
                let mut items = 0;
                for instance in instances.clone() {
                    items += 1 + match instance.map_err(invalid)? {
                        Instance::Instantiate { args, .. } => args.len() as u64,
                        Instance::FromExports(exports) => exports.len() as u64,
                    };
                }
                items
            }
            Payload::ComponentInstanceSection(instances) => {
                let mut items = 0_u64;
                for instance in instances.clone() {
                    let within = match instance.map_err(invalid)? {
                        ComponentInstance::Instantiate { component_index, args } => {
                            self.component(0, component_index)?.saturating_add(args.len() as u64)
                        }
                        ComponentInstance::FromExports(exports) => exports.len() as u64,
                    };
                    items = items.saturating_add(within).saturating_add(1);
                }
                items
            }
            Payload::ComponentAliasSection(aliases) => {
                for alias in aliases.clone() {
                    match alias.map_err(invalid)? {
                        ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                            let known = self.component(count, index)?;
                            self.know(known);
                        }
                        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                            return Err(PASSED_ON.to_owned());
                        }
                        _ => {}
                    }
                }
                aliases.count().into()
            }
            Payload::ComponentImportSection(imports) => {
                for import in imports.clone() {
                    if matches!(import.map_err(invalid)?.ty, ComponentTypeRef::Component(_)) {
                        return Err(PASSED_ON.to_owned());
                    }
                }
                imports.count().into()
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports.clone() {
                    let export = export.map_err(invalid)?;
                    if export.kind == ComponentExternalKind::Component {
                        let known = self.component(0, export.index)?;
                        self.know(known);
                    }
                }
                exports.count().into()
            }
            Payload::ComponentCanonicalSection(functions) => {
                let lifted = functions.clone().into_iter().filter_map(Result::ok);
                lifted.filter(|function| !matches!(function, CanonicalFunction::ResourceDrop { .. })).count() as u64
            }
            _ => 0,
        };
        let Some(scope) = self.scopes.last_mut() else { return Ok(()) };
        scope.items = scope.items.saturating_add(items);
        at_most("instances and what they are given", scope.items, COMPONENT_ITEMS_MAX)
    }

    fn component(&self, outwards: u32, index: u32) -> Result<u64, String> {
        let scope = self.scopes.iter().rev().nth(outwards as usize);
        let known = scope.and_then(|scope| scope.components.get(index as usize).copied());
        known.ok_or_else(|| format!("it is no valid component: component {index} is not there"))
    }

    fn know(&mut self, items: u64) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.components.push(items);
        }
    }

    /// Counts what a function may cost the compiler: variables and values that
    /// live, times places where they may change hands.
    fn count_function(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody,
    ) -> Result<(), String> {
        at_most("bytes in one function", body.range().len() as u64, FUNCTION_BYTES_MAX)?;
        let mut validator = function.into_validator(std::mem::take(&mut self.allocations));
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader).map_err(invalid)?;
        reader.set_features(*validator.features());
        let (mut places, mut height) = (0_u64, 0_u64);
        while !reader.eof() {
            let at = reader.original_position();
            let operator = reader.peek_operator(&validator.visitor(at)).map_err(invalid)?;
            reader.visit_operator(&mut validator.visitor(at)).map_err(invalid)?.map_err(invalid)?;
            height = height.max(validator.operand_stack_height().into());
            places += match operator {
                Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
                    let values = values(&validator, blockty);
                    at_most("values of one block", values, BLOCK_VALUES_MAX)?;
                    WAY * (1 + values * values)
                }
                Operator::Else | Operator::Br { .. } | Operator::BrIf { .. } => WAY,
                Operator::BrTable { targets } => WAY * (1 + u64::from(targets.len())),
                _ => 1,
            };
        }
        reader.finish_expression(&validator.visitor(reader.original_position())).map_err(invalid)?;
        let live = u64::from(validator.len_locals()) + height;
        self.allocations = validator.into_allocations();
        let work = places.saturating_mul(live);
        self.work = self.work.saturating_add(work);
        at_most("work for the compiler in one function", work, FUNCTION_WORK_MAX)?;
        at_most("work for the compiler", self.work, WORK_MAX)
    }
}

const PASSED_ON: &str = "it imports or passes on whole components, which rules have no use for";

/// How many values a block takes and leaves.
fn values(validator: &wasmparser::FuncValidator<ValidatorResources>, block: wasmparser::BlockType) -> u64 {
    use wasmparser::{BlockType, WasmModuleResources as _};
    match block {
        BlockType::Empty => 0,
        BlockType::Type(_) => 1,
        BlockType::FuncType(index) => validator.resources().sub_type_at(index).map_or(0, |found| {
            let function = found.unwrap_func();
            (function.params().len() + function.results().len()) as u64
        }),
    }
}

fn at_most(what: &str, count: u64, limit: u64) -> Result<(), String> {
    match count <= limit {
        true => Ok(()),
        false => Err(format!("it would take too long to compile: it has {count} {what}; {limit} are allowed")),
    }
}

//! The model of any tree, under kind and hostile inputs: its indices fit together, its places are in
//! the source.

use plimsoll_dockerfile::model::{Base, Origin, Shell, Site, Stage, Step, Variable, VariableState};
use plimsoll_dockerfile::tree::{Keyword, Tree, WordRole};
use plimsoll_dockerfile::{BaseImage, Inputs, LineIndex, Model, Platform, model};

use super::{is_inside, parse};

/// Checks the models of a tree: with nothing known, and with inputs made of the file itself.
pub fn check(source: &[u8], tree: &Tree) {
    let linux = Platform::new("linux", "amd64", "");
    let plain = Inputs {
        build_args: &[],
        target_platform: linux.clone(),
        build_platform: linux,
        target: None,
        contexts: &[],
        base_images: &[],
    };
    let first = model(source, tree, &plain);
    holds(source, tree, &first);

    let lines: Vec<String> =
        source.split(|b| *b == b'\n').take(LINES_MAX).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let image = hostile_image(&lines);
    let base_images: Vec<(u32, &BaseImage)> = (0..first.stages.len() as u32).map(|stage| (stage, &image)).collect();
    let build_args: Vec<(String, String)> = image.environment.iter().step_by(2).cloned().collect();
    let contexts: Vec<(String, String)> = image.environment.iter().skip(1).step_by(4).cloned().collect();
    let mut names = first.stages.iter().filter_map(|stage| first.stage_name(stage));
    let hostile = Inputs {
        build_args: &build_args,
        target_platform: Platform { os_version: "10.0".to_owned(), ..Platform::new("windows", "arm", "7") },
        build_platform: Platform::new("", "", ""),
        target: names.next().or(Some("nowhere")),
        contexts: &contexts,
        base_images: &base_images,
    };
    holds(source, tree, &model(source, tree, &hostile));
}

/// An image whose configuration is made of lines of the file: as triggers, names and values.
fn hostile_image(lines: &[String]) -> BaseImage {
    let words = lines.iter().flat_map(|line| line.split([' ', '\t']));
    let environment = words.map(|word| {
        let (name, value) = word.split_once('=').unwrap_or((word.trim_start_matches(['$', '{']), word));
        (name.to_owned(), value.to_owned())
    });
    let triggers = lines.iter().map(|line| line.strip_prefix("ONBUILD ").unwrap_or(line).to_owned());
    BaseImage {
        environment: environment.take(WORDS_MAX).collect(),
        working_dir: lines.first().cloned().unwrap_or_default(),
        user: lines.last().cloned().unwrap_or_default(),
        shell: lines.iter().take(2).cloned().collect(),
        onbuild: triggers.collect(),
        platform: None,
    }
}

/// What holds for the model of any file.
fn holds(source: &[u8], tree: &Tree, model: &Model) {
    stages(source, tree, model);
    steps(source, tree, model);
    let lines = LineIndex::new(source);
    for image in &model.images {
        assert!(is_inside(image.span, source) && (image.stage as usize) < model.stages.len(), "{image:?}");
        assert_eq!(model.steps[image.step as usize].stage, Some(image.stage), "{image:?}");
        if let Base::Stage(stage) = image.source {
            assert!((stage as usize) < model.stages.len(), "{image:?}");
        }
    }
    for problem in &model.problems {
        assert!(is_inside(problem.span, source) && (1..=lines.line_count()).contains(&problem.line), "{problem:?}");
        assert!(problem.last_step.is_none_or(|step| (step as usize) < model.steps.len()), "{problem:?}");
        assert!(!problem.message.is_empty());
    }
    for trigger in &model.triggers {
        assert!((trigger.stage as usize) < model.stages.len());
        parse::tokens(trigger.source.as_bytes(), &trigger.tree);
    }
    let own = model.steps.iter().filter(|step| step.origin == Origin::Own).count();
    let found = (0..tree.instructions.len() as u32).filter_map(|index| {
        let step = model.step_of(index)?;
        assert!(step.origin == Origin::Own && step.instruction == index, "{step:?} for {index}");
        Some(())
    });
    assert_eq!(found.count(), own, "each instruction that runs where it stands has one step");
}

fn stages(source: &[u8], tree: &Tree, model: &Model) {
    let froms = (0..).zip(&tree.instructions).filter(|(_, i)| i.keyword == Keyword::From && i.parent.is_none());
    let froms: Vec<u32> = froms.map(|(index, _)| index).collect();
    let got: Vec<u32> = model.stages.iter().map(|stage| stage.from).collect();
    assert_eq!(got, froms, "a stage for each FROM");
    let mut at = froms.first().copied().unwrap_or_default();
    for (index, stage) in model.stages.iter().enumerate() {
        let Stage { instructions, base, base_span, as_span, root, .. } = stage;
        assert_eq!((instructions.start, stage.from), (at, at), "stages cut the file without gap");
        at = instructions.end;
        assert!(is_inside(*base_span, source) && as_span.is_none_or(|span| is_inside(span, source)), "{stage:?}");
        let root_stage = &model.stages[*root as usize];
        assert!(*root as usize <= index && !matches!(root_stage.base, Base::Stage(_)), "{stage:?}");
        match base {
            Base::Stage(parent) => {
                assert!((*parent as usize) < index, "a base stands above: {stage:?}");
                assert_eq!(*root, model.stages[*parent as usize].root);
            }
            _ => assert_eq!(*root as usize, index, "{stage:?}"),
        }
        assert!(model.steps_of(stage).iter().all(|step| step.stage == Some(index as u32)));
        assert_eq!(model.steps_of(stage).len(), stage.steps.len());
    }
    assert!(froms.is_empty() || at as usize == tree.instructions.len());
}

fn steps(source: &[u8], tree: &Tree, model: &Model) {
    let (mut values, mut variables) = (0, 0);
    for (index, step) in model.steps.iter().enumerate() {
        assert!(step.values.start >= values && step.variables.start == variables, "{step:?}");
        (values, variables) = (step.values.end, step.variables.end);
        let (source_of, tree_of) = model.tree_of(step, source, tree);
        let instruction = &tree_of.instructions[step.instruction as usize];
        assert!(step.lines.0 <= step.lines.1 && step.stage.is_none_or(|stage| (stage as usize) < model.stages.len()));
        if let Shell::Set(_) = step.shell {
            assert!(model.shell(step.shell).is_some(), "{step:?}");
        }
        for value in model.values_of(step) {
            let table = match value.site {
                Site::Word(word) => instruction.words.contains(&word),
                Site::Flag(flag) => instruction.flags.contains(&flag),
                Site::Heredoc(heredoc) => instruction.heredocs.contains(&heredoc),
            };
            assert!(table, "{value:?} of {step:?}");
            assert!(!value.exact || model.text(value).is_some(), "{value:?}");
        }
        for variable in model.variables_of(step) {
            assert_eq!(variable.step as usize, index);
            self::variable(source, model, step, (source_of, tree_of), variable);
        }
    }
    assert!(values as usize <= model.values.len());
    assert_eq!(variables as usize, model.variables.len());
    let expansions = model.variables.windows(2);
    expansions.for_each(|pair| assert!(pair[0].expansion <= pair[1].expansion, "{pair:?}"));
    for index in (0..model.variables.len()).step_by(model.variables.len() / LINES_MAX + 1) {
        let variable = &model.variables[index];
        let visible = model.visible_names(index as u32).contains(&model.name(variable));
        let expected = matches!(variable.state, VariableState::Resolved);
        assert!(visible || !expected, "what is set is visible: {variable:?}");
    }
}

fn variable(source: &[u8], model: &Model, step: &Step, (source_of, tree_of): (&[u8], &Tree), variable: &Variable) {
    assert!(is_inside(variable.span, source), "{variable:?}");
    assert_eq!(variable.stage, step.stage);
    if matches!(step.origin, Origin::ImageTrigger(_)) {
        return;
    }
    let exact = match variable.site {
        Site::Word(word) => tree_of.words[word as usize].role != WordRole::Json,
        // Quotes are gone from the value of a flag, and a mount is split once more.
        Site::Flag(_) => false,
        Site::Heredoc(_) => true,
    };
    let written = variable.span.of(source_of);
    if exact {
        assert_eq!(written.first(), Some(&b'$'), "{variable:?}");
        let name = model.name(variable);
        // A name is letters, which may be cut by a continuation.
        if str::from_utf8(written).is_ok_and(|text| !text.contains('\n')) && str::from_utf8(source_of).is_ok() {
            assert!(String::from_utf8_lossy(written).contains(name), "{variable:?} {name}");
        }
    }
}

/// Lines of the file that become triggers and arguments.
const LINES_MAX: usize = 8;

/// Words of the file that become environment.
const WORDS_MAX: usize = 16;

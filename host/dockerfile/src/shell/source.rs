//! What a step gives to a shell, and where each character of it stands in the Dockerfile.
//!
//! A step → [`Origin`]: the text of a script with its [`Text::place`], or the words of an exec form. Which of
//! them, and how heredocs become text, is what BuildKit does before it starts the command.

use super::interpreter::{Interpreter, Program, command_string, shebang};
use super::told::{self, Told};
use super::{Shell, Unknown};
use crate::model::{self, Model, Step};
use crate::parse::heredoc;
use crate::span::{Span, offset};
use crate::tree::{self, Heredoc, Instruction, Keyword, Tree, WordRole};

/// What runs at a step.
pub(super) enum Origin {
    /// A script, and who reads it.
    Script { text: Text, reader: Interpreter },
    /// A program and its arguments.
    Words(Vec<Argument>),
}

/// A word of an exec form.
pub(super) struct Argument {
    pub span: Span,
    pub text: String,
}

/// The text of a script and its places.
#[derive(Default)]
pub(super) struct Text {
    pub text: String,
    /// In order, and without gap.
    runs: Vec<Run>,
}

/// A run of the text and the run of the source it came from. Equal lengths correspond byte by byte.
#[derive(Clone, Copy)]
struct Run {
    text: Span,
    source: Span,
}

/// What a step runs, or that there is nothing to be told.
pub(super) fn origin(source: &[u8], tree: &Tree, model: &Model, told: &Told, step: &Step) -> Result<Origin, Unknown> {
    let (bytes, of) = model.tree_of(step, source, tree);
    let mut number = step.instruction;
    let at = |number: u32| of.instructions.get(number as usize).ok_or(Unknown::NoCommand);
    let mut instruction = at(number)?;
    // Who inherits a trigger may have another shell.
    let mut is_inherited = false;
    while instruction.keyword == Keyword::Onbuild {
        let inner = at(number + 1)?;
        if inner.parent != Some(number) {
            return Err(Unknown::NoCommand);
        }
        (is_inherited, number, instruction) = (true, number + 1, inner);
    }
    let words = of.words_of(instruction);
    let words = match instruction.keyword {
        Keyword::Run | Keyword::Cmd | Keyword::Entrypoint => words,
        Keyword::Healthcheck => words.get(1..).unwrap_or_default(),
        _ => return Err(Unknown::NoCommand),
    };
    // A trigger of a base image stands in no file: all of it is said of FROM.
    let stage = step.stage.and_then(|stage| model.stages.get(stage as usize));
    let from = stage.and_then(|stage| tree.instructions.get(stage.from as usize)).map(|from| from.span);
    let outside = matches!(step.origin, model::Origin::ImageTrigger(_)).then(|| from.unwrap_or_default());
    let reader = Reader { source: bytes, tree: of, outside };
    if instruction.json {
        return reader.exec(words);
    }
    let whole = words.first().filter(|word| word.role == WordRole::Whole).ok_or(Unknown::NoCommand)?;
    let is_windows = stage.is_some_and(|stage| model.platform(stage.platform).os == "windows");
    let (text, is_file) = reader.shell_form(instruction, whole);
    let interpreter = if is_file && !is_windows && text.text.starts_with("#!") {
        shebang(&text.text)
    } else {
        match told.at(step) {
            Some(told::Reader::Known(program)) => Some(program.into()),
            Some(told::Reader::Other) => None,
            None => in_force(model, step.shell, is_windows)
                .map(|reader| if is_inherited { reader.of_heir() } else { reader }),
        }
    };
    Ok(Origin::Script { text, reader: interpreter.ok_or(Unknown::Interpreter)? })
}

/// The shell that reads shell forms.
fn in_force(model: &Model, shell: model::Shell, is_windows: bool) -> Option<Interpreter> {
    let default = |shell| Interpreter { program: Program { shell, ..Program::SH }, options: vec!["-c".to_owned()] };
    match model.shell(shell) {
        Some(words) => {
            let (reader, taken) = command_string(words.iter().map(String::as_str))?;
            (taken == words.len()).then_some(reader)
        }
        None if is_windows => None,
        None if shell == model::Shell::Default => Some(default(Shell::Posix)),
        None => Some(default(Shell::Unknown)),
    }
}

impl Interpreter {
    /// Who reads it where somebody inherits it, who may have set another shell.
    fn of_heir(self) -> Self {
        Self { program: Program { shell: Shell::Unknown, ..self.program }, ..self }
    }
}

struct Reader<'a> {
    source: &'a [u8],
    tree: &'a Tree,
    /// The one place of everything, for what stands in no file.
    outside: Option<Span>,
}

impl Reader<'_> {
    fn exec(&self, words: &[tree::Word]) -> Result<Origin, Unknown> {
        let words: Vec<(&tree::Word, &str)> =
            words.iter().map(|word| (word, self.tree.text(self.source, word.text))).collect();
        if words.is_empty() {
            return Err(Unknown::NoCommand);
        }
        let string = command_string(words.iter().map(|(_, text)| *text));
        if let Some((reader, script)) = string.and_then(|(reader, taken)| Some((reader, words.get(taken)?.0))) {
            let mut text = Text::default();
            self.push(&mut text, script.text);
            return Ok(Origin::Script { text, reader });
        }
        let argument = |(word, text): &(&tree::Word, &str)| Argument {
            span: self.outside.unwrap_or(word.span),
            text: (*text).to_owned(),
        };
        Ok(Origin::Words(words.iter().map(argument).collect()))
    }

    /// The script of a shell form, and whether it is a file that may name its own interpreter.
    fn shell_form(&self, instruction: &Instruction, whole: &tree::Word) -> (Text, bool) {
        let mut text = Text::default();
        let line = self.tree.text(self.source, whole.text);
        let heredocs = self.tree.heredocs_of(instruction);
        match heredocs {
            [first, ..] if matches!(heredoc::marker(line), Ok(Some(_))) => {
                self.push_body(&mut text, first, first.chomp);
                return (text, true);
            }
            _ => self.push(&mut text, whole.text),
        }
        for heredoc in heredocs {
            let end = heredoc.terminator.unwrap_or(Span::new(heredoc.body.end, heredoc.body.end));
            text.push("\n", Span::new(heredoc.body.start, heredoc.body.start));
            self.push_body(&mut text, heredoc, false);
            text.push(self.tree.text(self.source, heredoc.name), self.outside.unwrap_or(end));
        }
        (text, false)
    }

    /// Adds a text of the tree.
    fn push(&self, into: &mut Text, text: tree::Text) {
        let characters = self.tree.text(self.source, text);
        match self.outside {
            Some(place) => into.push(characters, place),
            None => {
                for (range, source) in self.tree.runs(text) {
                    into.push(characters.get(range).unwrap_or_default(), source);
                }
            }
        }
    }

    /// Adds the body of a heredoc. Bytes that are not UTF-8 become U+FFFD, one for each.
    fn push_body(&self, into: &mut Text, heredoc: &Heredoc, chomp: bool) {
        let mut start = heredoc.body.start;
        for line in heredoc.body.of(self.source).split_inclusive(|byte| *byte == b'\n') {
            let tabs = if chomp { line.iter().take_while(|byte| **byte == b'\t').count() } else { 0 };
            let mut at = start + offset(tabs);
            for chunk in line[tabs..].utf8_chunks() {
                let end = at + offset(chunk.valid().len());
                into.push(chunk.valid(), self.outside.unwrap_or(Span::new(at, end)));
                at = end;
                for _ in chunk.invalid() {
                    into.push("\u{FFFD}", self.outside.unwrap_or(Span::new(at, at + 1)));
                    at += 1;
                }
            }
            start += offset(line.len());
        }
    }
}

impl Text {
    /// Adds characters and where they stand.
    fn push(&mut self, characters: &str, source: Span) {
        if characters.is_empty() {
            return;
        }
        let start = offset(self.text.len());
        self.text.push_str(characters);
        let text = Span::new(start, offset(self.text.len()));
        if let Some(last) = self.runs.last_mut()
            && last.is_exact()
            && text.len() == source.len()
            && last.source.end == source.start
        {
            (last.text.end, last.source.end) = (text.end, source.end);
            return;
        }
        self.runs.push(Run { text, source });
    }

    /// Each run of the text, and the run of the source it came from.
    pub(super) fn places(&self) -> impl Iterator<Item = (Span, Span)> {
        self.runs.iter().map(|run| (run.text, run.source))
    }

    /// Where a part of the text stands in the Dockerfile.
    pub(super) fn place(&self, start: usize, end: usize) -> Span {
        let (start, end) = (offset(start), offset(end));
        let from = match self.run(start) {
            Some(run) if run.is_exact() => run.source.start + (start - run.text.start).min(run.source.len()),
            Some(run) => run.source.start,
            None => 0,
        };
        if end <= start {
            return Span::new(from, from);
        }
        Span::new(from, self.run(end - 1).map_or(from, |run| run.end(end)))
    }

    /// A text made of characters of this one, each with the part of this one it stands for.
    pub(super) fn derived(&self, characters: impl Iterator<Item = (char, usize, usize)>) -> Self {
        let mut text = Self::default();
        for (character, start, end) in characters {
            text.push(character.encode_utf8(&mut [0; 4]), self.place(start, end));
        }
        text
    }

    fn run(&self, at: u32) -> Option<&Run> {
        self.runs[..self.runs.partition_point(|run| run.text.start <= at)].last()
    }
}

impl Run {
    fn is_exact(&self) -> bool {
        self.text.len() == self.source.len()
    }

    fn end(&self, end: u32) -> u32 {
        if self.is_exact() {
            self.source.start + (end - self.text.start).min(self.source.len())
        } else {
            self.source.end
        }
    }
}

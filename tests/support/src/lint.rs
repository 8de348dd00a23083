//! Running the program as a user would, in a scratch folder and with an
//! environment of the test's own making.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::scratch_folder;

/// A folder with files, and the program to lint them with.
pub struct Project {
    program: PathBuf,
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run printed, and how it ended.
#[derive(Debug)]
pub struct Linted {
    /// The exit status.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// How long it took, the process's start included.
    pub took: Duration,
}

impl Project {
    /// A folder with nothing in it. `program` is the path of the binary.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), folder: scratch_folder(), variables: Vec::new() }
    }

    /// Writes a file, and the folders above it.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(path, content);
        self
    }

    /// Sets a variable of the environment, which is else empty but for `HOME`.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a file lies in the folder")).expect("the scratch folder is writable");
        fs::write(path, content).expect("the scratch folder is writable");
    }

    /// The command, ready to be run: `plimsoll` with these words.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(self.path()).env_clear().env("HOME", self.path()).stdin(Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).args(arguments.split_whitespace());
        command
    }

    /// Runs `plimsoll` with these words.
    pub fn run(&self, arguments: &str) -> Linted {
        Linted::of(&mut self.command(arguments))
    }

    /// The same, where a variable is otherwise.
    pub fn variable_run(&self, name: &str, value: &str, arguments: &str) -> Linted {
        Linted::of(self.command(arguments).env(name, value))
    }

    /// Runs `plimsoll lint --format json` with these words besides.
    pub fn lint(&self, arguments: &str) -> Linted {
        self.run(&format!("lint --format json {arguments}"))
    }
}

impl Linted {
    fn of(command: &mut Command) -> Self {
        let start = Instant::now();
        let output = command.output().expect("the program starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            took: start.elapsed(),
        }
    }

    /// The JSON it printed.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }

    /// `RULE LINE: MESSAGE` of every finding, in the order of the report.
    pub fn findings(&self) -> Vec<String> {
        self.rows("findings", |finding| {
            let line = &finding["range"]["start"]["line"];
            format!("{} {line}: {}", text(&finding["rule"]), text(&finding["message"]))
        })
    }

    /// `KIND: MESSAGE` of every problem.
    pub fn problems(&self) -> Vec<String> {
        self.rows("problems", |problem| format!("{}: {}", text(&problem["kind"]), text(&problem["message"])))
    }

    /// `RULE REASON` of every skipped question.
    pub fn skipped(&self) -> Vec<String> {
        self.rows("skipped", |skipped| format!("{} {}", text(&skipped["rule"]), text(&skipped["reason"])))
    }

    fn rows(&self, key: &str, show: impl Fn(&Value) -> String) -> Vec<String> {
        let json = self.json();
        let files = json["files"].as_array().cloned().unwrap_or_default();
        files.iter().flat_map(|file| file[key].as_array().cloned().unwrap_or_default()).map(|row| show(&row)).collect()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

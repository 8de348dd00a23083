//! Programs that tests start: found by name, and ended in every case.

use std::env;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

/// A child that is killed on drop, also when a test panics.
pub(crate) struct Running(Child);

const POLL: Duration = Duration::from_millis(10);

/// Looks for a program in `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

impl Running {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let child = command.spawn();
        Self(child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}")))
    }

    pub(crate) fn of(child: Child) -> Self {
        Self(child)
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        // Fails only for a child that has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(Some(_)))
    }

    /// Waits for the end; `None` when it does not come in time.
    pub(crate) fn wait(&mut self, deadline: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + deadline;
        while Instant::now() < until {
            if let Ok(Some(status)) = self.0.try_wait() {
                return Some(status);
            }
            thread::sleep(POLL);
        }
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

//! A line on the terminal that says how far slow checks are, after a second.

use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::limits::PROGRESS_AFTER;
use crate::schedule::{Progress, Watch};

/// Shows progress on standard error.
#[derive(Default)]
struct Line(Mutex<Option<ProgressBar>>);

/// Somebody who shows progress, if there is a terminal that shows it. Its
/// reader is a person: none in CI, and none who asked for quiet.
pub(super) fn watch(is_quiet: bool, is_ci: bool) -> Option<Arc<dyn Watch>> {
    let is_shown = !is_quiet && !is_ci && io::stderr().is_terminal();
    is_shown.then(|| Arc::new(Line::default()) as Arc<dyn Watch>)
}

impl Watch for Line {
    fn waiting(&self, progress: &Progress) {
        if progress.elapsed < PROGRESS_AFTER {
            return;
        }
        let mut bar = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("slow checks: {pos} of {len} answers, {msg}");
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.with_style(style.expect("the template is valid"))
        });
        bar.set_length(progress.asked as u64);
        bar.set_position(progress.answered as u64);
        bar.set_message(format!("{} s", progress.elapsed.as_secs()));
    }

    fn done(&self) {
        if let Some(bar) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

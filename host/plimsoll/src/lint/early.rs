//! Judging files while their answers arrive, so that one whose errors come from
//! an answer waits for no further ones.
//!
//! Input: files that wait, and answers in any order. Output: how far each was
//! judged. Invariant: what a file comes to is the same as if all answers had been
//! there at once ([`Judging`] sees to that); rules run on a thread of their own,
//! beside the one that all connections wait for; a question is given up when no file
//! waits for it any more.

use std::collections::{HashMap, HashSet};
use std::ops::DerefMut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::Job;
use super::judge::Judging;
use super::parallel::STACK_BYTES;
use super::work::{Pending, Work};
use crate::plugin::Runner;
use crate::question::Question;
use crate::schedule::{Flight, Listen, Outcome, Session};

/// Asks what files wait for, and says how far each was judged meanwhile.
pub(super) fn ask<'r, R: DerefMut<Target = Runner>>(
    job: &'r Job,
    session: &mut Session,
    files: &[&'r Work],
    runner: &(impl Fn() -> R + Sync),
) -> Vec<Judging> {
    let asked = files.iter().flat_map(|work| &work.pending).map(Pending::asked);
    let early = Early::new(job, session, files);
    if !job.slow_checks.fail_fast || early.files.iter().all(|file| file.open.len() < 2) {
        // No answer can keep a file from waiting for another.
        session.ask(asked, &mut ());
        return early.judgings();
    }
    let (is_over, (sender, receiver)) = (AtomicBool::new(false), channel());
    thread::scope(|scope| {
        let is_over = &is_over;
        let judging = thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, move || early.run(&mut runner(), &receiver, is_over))
            .expect("the system can start a thread");
        session.ask(asked, &mut Arrivals(Some(sender)));
        // What is left is judged on all cores.
        is_over.store(true, Ordering::Relaxed);
        judging.join().expect("a rule's panic stays in its sandbox")
    })
}

/// Hands what arrives on.
struct Arrivals(Option<Sender<Arrival>>);

enum Arrival {
    Flight(Flight),
    Answer(Box<Question>, Outcome),
}

impl Listen for Arrivals {
    fn begun(&mut self, flight: Flight) {
        self.send(Arrival::Flight(flight));
    }

    fn arrived(&mut self, question: &Question, outcome: &Outcome) {
        self.send(Arrival::Answer(Box::new(question.clone()), outcome.clone()));
    }
}

impl Arrivals {
    fn send(&mut self, arrival: Arrival) {
        // Whoever listens may have nothing left to judge.
        if self.0.as_ref().is_some_and(|sender| sender.send(arrival).is_err()) {
            self.0 = None;
        }
    }
}

/// The files of one round.
struct Early<'r> {
    job: &'r Job,
    files: Vec<File<'r>>,
    waiting: HashMap<&'r Question, Waiting>,
    known: HashMap<Question, Outcome>,
    flight: Flight,
}

struct File<'r> {
    work: &'r Work,
    judging: Judging,
    /// Distinct questions that it waits for.
    open: HashSet<&'r Question>,
}

/// Who waits for a question.
#[derive(Default)]
struct Waiting {
    files: Vec<usize>,
    /// Those of them that still want the answer.
    count: usize,
}

impl<'r> Early<'r> {
    fn new(job: &'r Job, session: &Session, files: &[&'r Work]) -> Self {
        let (mut waiting, mut known) = (HashMap::<_, Waiting>::new(), HashMap::new());
        let mut file = |(index, work): (usize, &&'r Work)| {
            let mut open = HashSet::new();
            for question in work.pending.iter().map(|pending| &pending.request.question) {
                match session.outcome(question) {
                    Some(outcome) => drop(known.insert(question.clone(), outcome)),
                    None => drop(open.insert(question)),
                }
            }
            for question in &open {
                let waiting = waiting.entry(*question).or_default();
                waiting.files.push(index);
                waiting.count += 1;
            }
            File { work, judging: Judging::default(), open }
        };
        let files = files.iter().enumerate().map(&mut file).collect();
        Self { job, files, waiting, known, flight: Flight::default() }
    }

    fn run(mut self, runner: &mut Runner, arrivals: &Receiver<Arrival>, is_over: &AtomicBool) -> Vec<Judging> {
        while let Some(arrival) = arrivals.recv().ok().filter(|_| !is_over.load(Ordering::Relaxed)) {
            match arrival {
                Arrival::Flight(flight) => self.flight = flight,
                Arrival::Answer(question, outcome) => {
                    self.known.insert((*question).clone(), outcome);
                    self.take(&question, runner, is_over);
                }
            }
        }
        self.judgings()
    }

    /// How far each file was judged.
    fn judgings(self) -> Vec<Judging> {
        self.files.into_iter().map(|file| file.judging).collect()
    }

    fn take(&mut self, question: &Question, runner: &mut Runner, is_over: &AtomicBool) {
        let Some(Waiting { files, .. }) = self.waiting.remove(question) else { return };
        for index in files {
            let File { work, judging, open } = &mut self.files[index];
            // Where nothing else is waited for, there is time for that when all files are judged on all cores.
            if !open.remove(question) || open.is_empty() || is_over.load(Ordering::Relaxed) {
                continue;
            }
            judging.go_on(self.job, runner, work, |question| self.known.get(question).cloned());
            if judging.done() < work.pending.len() {
                continue;
            }
            for question in open.drain() {
                let Some(waiting) = self.waiting.get_mut(question) else { continue };
                waiting.count -= 1;
                if waiting.count == 0 {
                    self.flight.give_up(question);
                }
            }
        }
    }
}

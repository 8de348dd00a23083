#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use plimsoll_dockerfile::{Platform, Reference};
use plimsoll_test_support::{best_of, timed};

use super::{Listen, Outcome, Progress, Session, Terms, Watch};
use crate::config::{Pools, TimeoutMode};
use crate::question::{Answer, BuildContext, Ignored, Question, SkipReason, Tool};
use crate::resolve::{Resolve, Resolving};

const SECOND: Duration = Duration::from_secs(1);
/// All hosts together.
const NETWORK: &str = "network";
const FILES: &str = "files";

/// Answers after a while, and watches who is asked at the same time.
#[derive(Default)]
struct Fake {
    latency: Duration,
    asked: Mutex<Vec<Question>>,
    /// In flight now and at most, by host.
    flying: Mutex<HashMap<String, (usize, usize)>>,
    dropped: AtomicUsize,
}

/// Who is flying, and whether they have arrived.
struct Flight<'f>(&'f Fake, [String; 2], bool);

impl Fake {
    fn taking(milliseconds: u64) -> Arc<Self> {
        Arc::new(Self { latency: Duration::from_millis(milliseconds), ..Self::default() })
    }

    fn fly(&self, host: Option<&str>) -> Flight<'_> {
        let whose = [host.map_or(FILES, |_| NETWORK), host.unwrap_or("")].map(str::to_owned);
        let mut flying = self.flying.lock().unwrap();
        for who in &whose {
            let (now, most) = flying.entry(who.clone()).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
        Flight(self, whose, false)
    }

    fn most(&self, who: &str) -> usize {
        self.flying.lock().unwrap().get(who).map_or(0, |(_, most)| *most)
    }

    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        for who in &self.1 {
            self.0.flying.lock().unwrap().get_mut(who).unwrap().0 -= 1;
        }
        if !self.2 {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Resolve for Fake {
    fn resolve<'a>(&'a self, question: &'a Question, _: Instant) -> Resolving<'a> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(question.clone());
            let mut flight = self.fly(question.host());
            match question.host() {
                Some(_) if !self.latency.is_zero() => tokio::time::sleep(self.latency).await,
                Some(_) => {}
                None => std::thread::sleep(self.latency),
            }
            flight.2 = true;
            Ok(Answer::Ignored(Ignored::default()))
        })
    }
}

fn image(host: &str, number: usize) -> Question {
    let reference = Reference::parse(&format!("{host}/app:{number}")).unwrap();
    Question::Image { reference, platform: Platform::parse("linux/amd64").unwrap() }
}

fn file(number: usize) -> Question {
    let context = BuildContext { root: PathBuf::from(format!("/nowhere/{number}")), ..BuildContext::default() };
    Question::Ignored { context: Arc::new(context), paths: vec!["a".to_owned()] }
}

fn ask(session: &mut Session, questions: &[Question]) {
    session.ask(questions.iter().map(|question| (question, None)), &mut ());
}

fn reason(session: &Session, question: &Question) -> Option<(SkipReason, String)> {
    session.outcome(question).unwrap().err().map(|failure| (failure.reason, failure.detail))
}

fn of_hosts(hosts: &[&str], each: usize) -> Vec<Question> {
    (0..each).flat_map(|number| hosts.iter().map(move |host| image(host, number))).collect()
}

#[test]
fn hosts_and_pools_have_so_many_at_once() {
    let check = |pools: Pools, hosts: &[&str], expected: (usize, usize, usize)| {
        let fake = Fake::taking(20);
        let mut session = Session::new(fake.clone(), Terms { pools, ..Terms::default() });
        let mut questions = of_hosts(hosts, 10);
        questions.extend((0..10).map(file));
        ask(&mut session, &questions);
        assert_eq!((fake.count(), session.executed()), (questions.len(), questions.len()));
        assert_eq!((fake.most(hosts[0]), fake.most(NETWORK), fake.most(FILES)), expected);
    };
    let mut pools = Pools::default();
    pools.context.concurrency = 3;
    check(pools, &["one.test"], (4, 4, 3));
    check(pools, &["one.test", "two.test"], (4, 8, 3));
    (pools.network.concurrency, pools.host_concurrency, pools.context.concurrency) = (5, 2, 1);
    check(pools, &["one.test", "two.test", "three.test"], (2, 5, 1));
}

#[test]
fn a_slow_host_holds_up_no_other() {
    struct OneSilent(Arc<Fake>);
    impl Resolve for OneSilent {
        fn resolve<'a>(&'a self, question: &'a Question, due: Instant) -> Resolving<'a> {
            match question.host() {
                Some("silent.test") => Box::pin(std::future::pending()),
                _ => self.0.resolve(question, due),
            }
        }
    }
    let fake = Fake::taking(10);
    let mut session = Session::new(Arc::new(OneSilent(fake.clone())), Terms::within(SECOND / 2));
    let questions = of_hosts(&["silent.test", "quick.test"], 20);
    ask(&mut session, &questions);
    for question in &questions {
        let is_silent = question.host() == Some("silent.test");
        assert_eq!(reason(&session, question).is_some(), is_silent, "{question}");
    }
    let details: Vec<String> = questions.iter().filter_map(|question| Some(reason(&session, question)?.1)).collect();
    let count = |what: &str| details.iter().filter(|detail| detail.contains(what)).count();
    assert_eq!((count("did not answer within 500ms"), count("was not asked within 500ms")), (4, 16), "{details:#?}");
    assert_eq!(session.executed(), 24);
}

#[test]
fn of_equal_questions_the_longest_budget_counts() {
    let fake = Fake::taking(300);
    let mut session = Session::new(fake.clone(), Terms::default());
    let (short, long) = (Some(SECOND / 20), Some(SECOND * 5));
    let [patient, hasty, unbound] = [0, 1, 2].map(|number| image("a.test", number));
    let asked =
        [(&patient, short), (&patient, long), (&patient, short), (&hasty, short), (&unbound, short), (&unbound, None)];
    session.ask(asked.into_iter(), &mut ());
    assert_eq!((reason(&session, &patient), reason(&session, &unbound)), (None, None));
    let detail = "a.test did not answer within 50ms, all that the rule allows".to_owned();
    assert_eq!(reason(&session, &hasty), Some((SkipReason::Timeout, detail)));
    // In a later round nothing is asked again, whatever came of it.
    ask(&mut session, &[patient, hasty, unbound]);
    assert_eq!((fake.count(), session.executed()), (3, 3));
}

#[test]
fn budgets_count_waiting_or_not() {
    // Twelve questions, four at a time, 400 ms each: three waves.
    let check = |mode: TimeoutMode, timeout: u64, pool: Option<u64>, answered: usize| {
        let fake = Fake::taking(400);
        let mut terms = Terms { timeout_mode: mode, ..Terms::within(Duration::from_millis(timeout)) };
        terms.pools.network.timeout = pool.map(Duration::from_millis);
        let mut session = Session::new(fake.clone(), terms);
        let questions = of_hosts(&["a.test"], 12);
        let start = Instant::now();
        ask(&mut session, &questions);
        let took = start.elapsed();
        let got = questions.iter().filter(|question| reason(&session, question).is_none()).count();
        assert_eq!(got, answered, "{mode:?} {timeout} {pool:?}");
        // Whoever was under way when time ran out was dropped.
        assert_eq!(fake.count() - fake.dropped.load(Ordering::Relaxed), answered);
        (took, questions.iter().find_map(|question| reason(&session, question)))
    };
    let took_max = Duration::from_millis(1_050);
    let took = best_of(1, took_max, || check(TimeoutMode::IncludeQueue, 1_000, None, 8).0);
    assert!(took <= took_max, "{took:?}");
    let (took, _) = check(TimeoutMode::ExecutionOnly, 1_000, None, 12);
    assert!(took > Duration::from_millis(1_200), "{took:?}");
    let (_, failure) = check(TimeoutMode::IncludeQueue, 10_000, Some(600), 4);
    assert!(failure.unwrap().1.ends_with("within 600ms, the timeout of [slow-checks.network]"));
    check(TimeoutMode::ExecutionOnly, 10_000, Some(600), 12);
    check(TimeoutMode::ExecutionOnly, 200, None, 0);
}

#[test]
fn files_that_block_do_not_hold_up_the_end() {
    let took_max = SECOND / 2;
    let took = best_of(1, took_max, || {
        timed(|| {
            let mut session = Session::new(Fake::taking(1_500), Terms::within(SECOND / 4));
            ask(&mut session, &[file(0), image("a.test", 0)]);
            let detail = "the file system did not answer within 250ms".to_owned();
            assert_eq!(reason(&session, &file(0)), Some((SkipReason::Timeout, detail)));
        })
    });
    assert!(took <= took_max, "{took:?}");
}

#[test]
fn whoever_watches_is_told() {
    #[derive(Default)]
    struct Seen(Mutex<(Vec<Progress>, usize)>);
    impl Watch for Seen {
        fn waiting(&self, progress: &Progress) {
            self.0.lock().unwrap().0.push(*progress);
        }
        fn done(&self) {
            self.0.lock().unwrap().1 += 1;
        }
    }
    let seen = Arc::new(Seen::default());
    let mut session = Session::new(Fake::taking(300), Terms { watch: Some(seen.clone()), ..Terms::default() });
    ask(&mut session, &of_hosts(&["a.test"], 8));
    let seen = seen.0.lock().unwrap();
    assert!(seen.0.len() >= 3 && seen.0.iter().all(|progress| progress.asked == 8), "{seen:?}");
    assert!(seen.0.iter().any(|progress| progress.answered == 4), "{seen:?}");
    assert_eq!(seen.1, 1);
}

/// Resident pages of this process.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

/// 10,000 requests of 1,000 files, all duplicates of 50: at most 5 µs for one, and memory does not grow.
#[test]
#[cfg(target_os = "linux")]
fn scheduling_costs_little_and_memory_does_not_grow() {
    let requests: Vec<Question> =
        (0..1_000).flat_map(|file| (0..10).map(move |request| image("a.test", (file * 7 + request) % 50))).collect();
    let run = || {
        let fake = Fake::taking(0);
        let start = Instant::now();
        let mut session = Session::new(fake.clone(), Terms::default());
        assert!(requests.iter().all(|question| !session.recalls(question)));
        ask(&mut session, &requests);
        assert!(requests.iter().all(|question| session.outcome(question).unwrap().is_ok()));
        let took = start.elapsed();
        assert_eq!((fake.count(), session.executed()), (50, 50));
        took
    };
    for _ in 0..20 {
        run();
    }
    let before = resident();
    let all_max = Duration::from_micros(5) * 10_000;
    let all = best_of(200, all_max, run);
    let growth = resident() as f64 / before as f64 - 1.0;
    println!("10,000 requests: {all:?}; memory after warm-up: {:+.1} %", growth * 100.0);
    assert!(all <= all_max, "{all:?}");
    assert!(growth < 0.05, "{growth}");
}

fn check(tool: &str, text: &str) -> Question {
    let tool = Tool { name: tool.into(), arguments: Arc::default() };
    Question::Check { tool, suffix: String::new(), text: text.to_owned() }
}

#[test]
fn texts_for_one_tool_are_asked_together_so_many_at_most() {
    let batches = |questions: &[Question]| {
        let wanted = questions.iter().map(|question| (question.clone(), None)).collect();
        super::batches(wanted).iter().map(Vec::len).collect::<Vec<_>>()
    };
    assert_eq!(batches(&[check("a", "1"), image("a.test", 1), check("b", "1"), check("a", "2")]), [2, 1, 1]);
    let many: Vec<_> = (0..601).map(|number| check("a", &number.to_string())).collect();
    assert_eq!(batches(&many), [250, 250, 101]);
}

/// Gives questions up as soon as they are in flight.
struct Fickle(Vec<Question>);

impl Listen for Fickle {
    fn begun(&mut self, flight: super::Flight) {
        self.0.iter().for_each(|question| flight.give_up(question));
    }

    fn arrived(&mut self, _: &Question, _: &Outcome) {}
}

#[test]
fn what_is_asked_together_is_given_up_together() {
    let questions = [check("a", "1"), check("a", "2"), file(1)];
    let ask = |unwanted: &[Question]| {
        let fake = Fake::taking(0);
        let mut session = Session::new(fake.clone(), Terms::within(SECOND));
        session.ask(questions.iter().map(|question| (question, None)), &mut Fickle(unwanted.to_vec()));
        (questions.each_ref().map(|question| session.outcome(question).is_some()), fake.count())
    };
    assert_eq!(ask(&[]), ([true; 3], 3));
    assert_eq!(ask(&questions[..1]), ([true; 3], 3), "the other is wanted");
    assert_eq!(ask(&questions[..2]), ([false, false, true], 1));
}

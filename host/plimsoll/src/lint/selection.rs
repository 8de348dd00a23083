//! Which rules run on a file.
//!
//! Input: the rules, what the command line and the files of configuration say of them.
//! Output: of each rule whether it runs, and who decided that. What says so speaks from
//! the farthest file to the command line, the default first, and for each rule:
//!
//! 1. `select` starts anew: what it does not name does not run, whatever was selected before.
//! 2. What `select` or `extend-select` names runs, and so does a rule that `[rules]` gives a
//!    severity or options; what `ignore` names or `[rules]` says is off does not.
//! 3. Of both in one place the more specific counts: a name before a pattern before a preset
//!    or `*`; of equally specific ones that which switches off.
//! 4. What was switched off stays so until something at least as specific selects it.
//! 5. `per-file-ignores` have the last word.

use super::own;
use super::ruleset::{Misconfigured, hint_of_code, is_own, no_pack_hint};
use super::suppress::rule_of_hadolint;
use crate::config::{File, Files, LintTable, SeverityOrOff, fits, fits_rule, similar};
use crate::plugin::{OWN_PACK, Plugin, Rule};

/// Names for many rules at once.
const PRESETS: [&str; 3] = [RECOMMENDED, STRICT, "all"];

/// What runs where nothing is said.
const RECOMMENDED: &str = "recommended";

/// That, and most of what waits to be asked for.
const STRICT: &str = "strict";

/// The pack whose rules that wait to be asked for are experiments of somebody else.
const EXPERIMENTS: &str = "buildkit";

/// Whether a rule runs, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether it runs.
    pub runs: bool,
    /// Who says so.
    pub reason: Reason,
}

/// Who decided whether a rule runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nobody: it runs by default, or does not.
    Default,
    /// A setting of its own, which has it run.
    Setting,
    /// One of the [`Files`], by its place among [`Files::layers`].
    Said(usize, Said),
}

/// What in a file decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// This entry of `select`, which names the rule, or is `recommended` or `strict` and leaves it as it is by default;
    /// none where `select` does not name it.
    Select(Option<usize>),
    /// This entry of `extend-select`.
    ExtendSelect(usize),
    /// This entry of `ignore`.
    Ignore(usize),
    /// The rule's own table.
    Rules,
    /// `per-file-ignores`, by the place among what they say of the file.
    PerFile(usize),
}

impl Decision {
    /// Whether the rule is to stay off, though something else may have it run: nobody but a `select` that names it not.
    pub(super) fn is_off(self) -> bool {
        !matches!(self.reason, Reason::Default | Reason::Setting | Reason::Said(_, Said::Select(_))) && !self.runs
    }

    /// Whether the rule is not even among those that the file itself may ask for.
    pub(super) fn is_left_out(self) -> bool {
        self.is_off() || !self.runs && matches!(self.reason, Reason::Said(_, Said::Select(None)))
    }
}

/// How specific something is that names rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    Preset,
    Pattern,
    Name,
}

/// A plugin as far as its rules' names are concerned, or the program itself with its own.
#[derive(Clone, Copy)]
struct Pack<'p> {
    name: &'p str,
    rules: &'p [Rule],
    needs_tools: bool,
}

/// All of them; the last is the program's own.
fn packs(plugins: &[Plugin]) -> impl Iterator<Item = Pack<'_>> + Clone {
    let of_plugins = plugins.iter().map(|plugin| Pack {
        name: &plugin.name,
        rules: &plugin.rules,
        needs_tools: plugin.needs_tools(),
    });
    of_plugins.chain([Pack { name: OWN_PACK, rules: own::rules(), needs_tools: false }])
}

/// What names rules: a name with or without its pack, a pattern, a preset.
#[derive(Clone, Copy)]
struct Selector<'t>(&'t str);

impl Selector<'_> {
    fn specificity(self) -> Specificity {
        match self.0 {
            text if PRESETS.contains(&text) || text.bytes().all(|byte| b"*/".contains(&byte)) => Specificity::Preset,
            text if text.contains('*') => Specificity::Pattern,
            _ => Specificity::Name,
        }
    }

    fn names(self, pack: Pack, rule: &Rule) -> bool {
        match self.0 {
            RECOMMENDED => !rule.is_opt_in,
            STRICT => !rule.is_opt_in || pack.name != EXPERIMENTS && !pack.needs_tools,
            "all" => true,
            text => fits_rule(text, &rule.name),
        }
    }
}

/// A rule on the way to its decision.
#[derive(Clone, Copy)]
struct State {
    decision: Decision,
    /// How specific what switched it off was.
    switched_off: Option<Specificity>,
}

/// What some rules are, by plugin; behind them, the program's own.
pub(super) type Decisions = Vec<Vec<Decision>>;

/// Decides of each rule of each plugin. `ignored` is what `per-file-ignores` say of the file, each with its place
/// among the files; `absent` are names or patterns of packs that this run does not load, and of rules that a
/// pack which it loads lacks.
///
/// # Errors
/// When something is named that is no rule.
pub(super) fn decide(
    plugins: &[Plugin],
    files: Files,
    ignored: &[(usize, &str)],
    absent: &[String],
) -> Result<Decisions, Misconfigured> {
    files.layers().try_for_each(|(whose, file)| check(plugins, file, is_own(whose, file), absent))?;
    let layers: Vec<&File> = files.layers().map(|(_, file)| file).collect();
    let decide = |pack: Pack, rule: &Rule| {
        let default = Decision { runs: !rule.is_opt_in, reason: Reason::Default };
        let mut state = State { decision: default, switched_off: None };
        for (place, file) in layers.iter().enumerate().rev() {
            state = hear(state, place, file, pack, rule);
        }
        let of_file = ignored.iter().position(|(_, selector)| Selector(selector).names(pack, rule));
        match of_file {
            Some(index) => Decision { runs: false, reason: Reason::Said(ignored[index].0, Said::PerFile(index)) },
            None => state.decision,
        }
    };
    Ok(packs(plugins).map(|pack| pack.rules.iter().map(|rule| decide(pack, rule)).collect()).collect())
}

/// What one file makes of what those farther away said of a rule.
fn hear(state: State, place: usize, file: &File, pack: Pack, rule: &Rule) -> State {
    let LintTable { select, extend_select, ignore, .. } = &file.lint;
    let most = |list: &[String]| {
        let named = list.iter().enumerate().filter(|(_, text)| Selector(text).names(pack, rule));
        named.map(|(index, text)| (Selector(text).specificity(), index)).max_by_key(|(specificity, _)| *specificity)
    };
    let table = file.rules.get(&*rule.name);
    let is_off = table.is_some_and(|table| table.severity == Some(SeverityOrOff::Off));
    let is_on = table.is_some_and(|table| !is_off && (table.severity.is_some() || table.options.is_some()));
    let own = |is_so: bool| is_so.then_some((Specificity::Name, Said::Rules));
    let of_select = select.as_deref().and_then(most).map(|(most, index)| (most, Said::Select(Some(index))));
    let of_extend = most(extend_select).map(|(most, index)| (most, Said::ExtendSelect(index)));
    // Of what is equally specific the last counts.
    let on = [of_select, of_extend, own(is_on)].into_iter().flatten().max_by_key(|(specificity, _)| *specificity);
    let of_ignore = most(ignore).map(|(most, index)| (most, Said::Ignore(index)));
    let off = [of_ignore, own(is_off)].into_iter().flatten().max_by_key(|(specificity, _)| *specificity);
    let decided = |runs, said| Decision { runs, reason: Reason::Said(place, said) };
    match (on, off) {
        (on, Some((specificity, said))) if on.is_none_or(|(on, _)| specificity >= on) => {
            State { decision: decided(false, said), switched_off: Some(specificity) }
        }
        (Some((specificity, said)), _) if state.switched_off.is_none_or(|off| specificity >= off) => {
            State { decision: decided(true, said), switched_off: None }
        }
        (None, _) if select.is_some() && state.switched_off.is_none() => {
            let by_default = select.iter().flatten().position(|text| [RECOMMENDED, STRICT].contains(&text.as_str()));
            State { decision: decided(false, Said::Select(by_default)), ..state }
        }
        _ => state,
    }
}

/// Refuses what names no rule. Of packs that this run does not load it may speak.
fn check(plugins: &[Plugin], file: &File, is_own: bool, absent: &[String]) -> Result<(), Misconfigured> {
    let LintTable { select, extend_select, ignore, per_file_ignores, .. } = &file.lint;
    let lists = [("select", select.as_deref()), ("extend-select", Some(extend_select)), ("ignore", Some(ignore))];
    let lists = lists.into_iter().filter_map(|(key, list)| Some((vec![key], list?)));
    let of_files = per_file_ignores.iter().map(|(glob, list)| (vec!["per-file-ignores", glob], list.as_slice()));
    for (keys, list) in lists.chain(of_files) {
        for (index, text) in list.iter().enumerate() {
            let Err(why) = means_something(plugins, text, is_own, absent) else { continue };
            let index = index.to_string();
            let path = ["lint"].into_iter().chain(keys.iter().copied()).chain([index.as_str()]);
            return Err(Misconfigured::of(file, path, keys[0], why));
        }
    }
    Ok(())
}

fn means_something(plugins: &[Plugin], text: &str, is_own: bool, absent: &[String]) -> Result<(), String> {
    let rules = packs(plugins).flat_map(|pack| pack.rules.iter().map(move |rule| (pack, rule)));
    let is_absent = |pack: &str| absent.iter().any(|absent| fits(absent, pack) || fits(pack, absent));
    let is_lacking = absent.iter().any(|rule| rule.contains('/') && fits(text, rule));
    if is_lacking || PRESETS.contains(&text) || rules.clone().any(|(pack, rule)| Selector(text).names(pack, rule)) {
        return Ok(());
    }
    let known_packs = || {
        let absent = absent.iter().map(String::as_str).filter(|name| !name.contains('*'));
        packs(plugins).map(|pack| pack.name).chain(absent)
    };
    let names = || rules.clone().map(|(_, rule)| &*rule.name);
    let what = if text.contains('*') { "no rule fits" } else { "there is no rule" };
    let Some((pack, bare)) = text.split_once('/') else {
        let is_code = rule_of_hadolint(text).is_some() || hint_of_code(text).is_some();
        let is_pack_or_code = is_code || known_packs().any(|pack| pack == text);
        if !absent.is_empty() && !is_pack_or_code {
            return Ok(());
        }
        if known_packs().any(|pack| pack == text) {
            return Err(format!("{what} {text}; did you mean {text}/*?"));
        }
        let bare = names().filter_map(|name| Some(name.split_once('/')?.1));
        let near = rule_of_hadolint(text).or_else(|| similar(text, PRESETS.into_iter().chain(bare)));
        return match (near, text.contains('*')) {
            (Some(near), false) => Err(format!("{what} {text}; did you mean {near}?")),
            _ => Err(unlisted(what, text)),
        };
    };
    let is_loaded = packs(plugins).any(|known| known.name == pack);
    if is_absent(pack) && !is_loaded {
        return Ok(());
    }
    let is_known = pack.contains('*') || is_loaded;
    let near = match is_known {
        false => similar(pack, known_packs()).map(|near| format!("{near}/{bare}")),
        true if text.contains('*') => Some(format!("{pack}/*")),
        true => similar(text, names()).map(str::to_owned),
    };
    let near = near.or_else(|| rule_of_hadolint(text).map(str::to_owned));
    match near {
        Some(near) => Err(format!("{what} {text}; did you mean {near}?")),
        None if !is_known && is_own => Ok(()),
        None if !is_known => Err(format!("there is no pack {pack} for {text}; {}", no_pack_hint(known_packs()))),
        None => Err(unlisted(what, text)),
    }
}

/// Nothing is near to what is named.
fn unlisted(what: &str, text: &str) -> String {
    let hint = hint_of_code(text).unwrap_or_else(|| "`plimsoll rules` lists them".to_owned());
    format!("{what} {text}; {hint}")
}

//! Follows up every answer with another question.

use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

#[derive(Default)]
pub struct FollowUps;

impl Rule for FollowUps {
    const NAME: &'static str = "follow-ups";
    const SUMMARY: &'static str = "Follows up every answer with another question.";

    fn plan(&self, document: &Document, plan: &Plan) {
        if is_asked_for(document, Self::NAME) {
            ask(plan, document, Vec::new());
        }
    }

    /// The state holds the numbers of the requests before this one.
    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let before = answered.state.chunks_exact(8).map(|id| u64::from_le_bytes(id.try_into().expect("8 bytes")));
        let chain =
            before.chain([answered.id]).map(|id| registry::Image::of(&Answered { id, ..answered.clone() }).user());
        let users: Vec<String> = chain.collect();
        let mut state = answered.state.clone();
        state.extend(answered.id.to_le_bytes());
        ask(&answered.follow_up(), document, state);
        report.add(Span { start: 0, end: 0 }, format!("users: {}", users.join(", ")));
        Outcome::Add
    }
}

/// Asks for the base image with a tag that counts the questions.
fn ask(plan: &Plan, document: &Document, state: Vec<u8>) {
    let base = document.stage(0).base_text().to_owned();
    let (name, _) = base.rsplit_once(':').expect("the base has a tag");
    let reference = format!("{name}:{}", state.len() / 8 + 1);
    registry::plan_image(&plan.about(Scope::File).with_state(state), &reference, "linux/amd64")
        .expect("a tag was changed");
}

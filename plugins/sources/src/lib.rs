//! Rules about where the parts of a build come from, one a file under `rules/`.

plimsoll_sdk::pack!();

//! The rules are in `rules/`, each in a file of its own with its page beside it.

plimsoll_sdk::pack!();

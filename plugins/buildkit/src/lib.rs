//! BuildKit's own checks, with its messages, lines and URLs, one rule a file
//! under `rules/`.

mod base_image;
mod place;
mod port;
mod text;

plimsoll_sdk::pack!();

//! Gathers the rules of the pack.

fn main() {
    plimsoll_sdk_build::pack();
}

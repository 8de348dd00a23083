#!/usr/bin/env bash
# Builds the Bytecode Alliance's client for packages of Wasm into a folder: wkg.sh [FOLDER], by default target/wkg. What is
# there already is left as it is.
set -euo pipefail

version=0.16.1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$(realpath -m "${1:-$root/target/wkg}")

# Not by the settings of this repository.
cd "${TMPDIR:-/tmp}"
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
export CARGO_PROFILE_DEV_DEBUG=0
"${CARGO:-cargo}" install wkg --version "$version" --locked --no-default-features --debug --root "$folder" --target-dir "$folder/build"

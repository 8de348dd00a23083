#!/usr/bin/env bash
# Unpacks cosign 3 into a folder, for tests of signatures: cosign.sh [FOLDER], by default target/cosign.
#
# The program comes from a package of Debian forky; it needs glibc 2.34 and nothing else.
# shellcheck source=tests/support/debian.sh
. "$(dirname "$0")/debian.sh"

cosign='3.*'

check() { starts "$1/usr/bin/cosign" version; }

unpack "$(realpath -m "${1:-$root/target/cosign}")" "cosign $cosign from $release" "cosign=$cosign"

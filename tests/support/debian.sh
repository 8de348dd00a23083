# Sourced by scripts that unpack programs from packages of Debian into a folder.
#
# Nothing of the system changes: apt works in a folder of its own, with the machine's mirror, settings for downloads and
# archive keys, and trusts only what the signed indices name. A folder that is complete is left as it is.
# shellcheck shell=bash
set -euo pipefail

# Where the packages come from that the machine's own release does not have, or not new enough.
# shellcheck disable=SC2034  # for who sources this
release=forky
keys=/usr/share/keyrings/debian-archive-keyring.gpg
# apt's own limits are for one connection; these are for all that is fetched, and for one program's first word.
fetch_seconds_max=600
start_seconds_max=20

# shellcheck disable=SC2034
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 1
}

# The machine's own release.
own_release() {
    local own
    # shellcheck source=/dev/null
    own=$(. /etc/os-release && [ "$ID" = debian ] && echo "${VERSION_CODENAME:-}") || own=
    [ -n "$own" ] || fail 'this needs a Debian whose /etc/os-release names its release'
    echo "$own"
}

is_complete() { [ -f "$1/packages.txt" ] && [ "$(head -n 1 "$1/packages.txt")" = "$2" ]; }

# unpack FOLDER STAMP PACKAGE…: makes FOLDER hold the packages, as apt names them. STAMP says which they are; the caller's
# function `check` is given the new folder, and fails unless its programs start.
unpack() {
    local folder=$1 stamp=$2 own mirror suites program package
    shift 2
    if is_complete "$folder" "$stamp"; then
        echo "$folder is complete:"
        tail -n +2 "$folder/packages.txt"
        return
    fi
    # Only what these scripts made is replaced.
    if [ -e "$folder" ] && [ ! -f "$folder/packages.txt" ]; then
        rmdir "$folder" 2>/dev/null || fail "$folder holds something else: name another folder"
    fi
    for program in apt-get apt-config dpkg-deb timeout; do
        command -v "$program" >/dev/null || fail "$program is missing: this needs a Debian"
    done
    [ -f "$keys" ] || fail "$keys is missing: install debian-archive-keyring"
    own=$(own_release)
    # The mirror that the machine's own release comes from.
    mirror=${PLIMSOLL_DEBIAN_MIRROR:-$(
        # shellcheck disable=SC2016  # apt fills these in
        apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(SITE)' 'Created-By: Packages' |
            awk -v own="$own" '$1 == own && $2 == "main" { print $3; exit }'
    )}
    [ -n "$mirror" ] || fail "apt has no mirror for $own main: name one in PLIMSOLL_DEBIAN_MIRROR"

    mkdir -p "$(dirname "$folder")"
    work=$(mktemp -d "$folder.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work"/apt/{lists,cache/archives}/partial "$work"/{debs,new}
    touch "$work/apt/status"
    suites=$(printf '%s\n' "$release" "$own" | sort -u | paste -sd ' ')
    cat >"$work/apt/debian.sources" <<END
Types: deb
URIs: $mirror
Suites: $suites
Components: main
Signed-By: $keys
END
    # Proxies, retries and the like as the machine has them, but neither its further indices nor its hooks.
    {
        apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets'
        cat <<END
Acquire::Languages "none";
Acquire::Retries "3";
APT::Update::Error-Mode "any";
APT::Sandbox::User "$(id -un)";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "$work/apt/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$work/apt";
Dir::State::lists "$work/apt/lists";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
Dir::Log "$work/apt";
END
    } >"$work/apt/apt.conf"
    export APT_CONFIG="$work/apt/apt.conf"

    timeout "$fetch_seconds_max" apt-get -q update || fail "$mirror: no indices of $suites, see above"
    (cd "$work/debs" && timeout "$fetch_seconds_max" apt-get -q download "$@") ||
        fail "$mirror: $release does not have all of $*, see above"
    echo "$stamp" >"$work/new/packages.txt"
    for package in "$work"/debs/*.deb; do
        dpkg-deb -x "$package" "$work/new"
        dpkg-deb --show "$package" >>"$work/new/packages.txt"
    done
    check "$work/new"

    rm -rf "$folder"
    mv -T "$work/new" "$folder" || is_complete "$folder" "$stamp" || fail "$folder cannot be written"
    echo "$folder is ready:"
    tail -n +2 "$folder/packages.txt"
}

# starts PROGRAM ARGUMENT…: fails unless a program is there, and has something to say.
starts() {
    [ -x "$1" ] || fail "the packages no longer have ${1##*/}"
    timeout "$start_seconds_max" "$@" >/dev/null || fail "${1##*/} does not start here, see above"
}

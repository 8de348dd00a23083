#!/usr/bin/env bash
# Unpacks a Docker Engine into a folder, for tests: docker-engine.sh [FOLDER], by default target/docker-engine.
#
# The programs come from packages of Debian forky, where Engine 28.5 is; they need glibc 2.34. Only runc is taken from
# this machine's own release: forky's wants a newer glibc. What else they link to (libsystemd0, libseccomp2) every Debian
# has, because apt needs it. There is no docker-init, which only containers use.
#
# Nothing of the system changes: apt works in a folder of its own, with the machine's mirror, settings for downloads and
# archive keys, and trusts only what the signed indices name. A folder that is complete is left as it is.
set -euo pipefail

engine='28.5.*'
release=forky
packages=(docker.io docker-cli docker-buildx containerd)
keys=/usr/share/keyrings/debian-archive-keyring.gpg
# apt's own limits are for one connection; these are for all that is fetched, and for one program's first word.
fetch_seconds_max=600
start_seconds_max=20

root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(realpath -m "${1:-$root/target/docker-engine}")
stamp="docker.io $engine from $release: ${packages[*]} runc"

fail() {
    printf 'docker-engine.sh: %s\n' "$1" >&2
    exit 1
}

is_complete() { [ -f "$folder/packages.txt" ] && [ "$(head -n 1 "$folder/packages.txt")" = "$stamp" ]; }

if is_complete; then
    echo "$folder is complete:"
    tail -n +2 "$folder/packages.txt"
    exit 0
fi

# Only what this script made is replaced.
if [ -e "$folder" ] && [ ! -f "$folder/packages.txt" ]; then
    rmdir "$folder" 2>/dev/null || fail "$folder holds something else: name another folder"
fi

for program in apt-get apt-config dpkg-deb timeout; do
    command -v "$program" >/dev/null || fail "$program is missing: this needs a Debian"
done
[ -f "$keys" ] || fail "$keys is missing: install debian-archive-keyring"
# shellcheck source=/dev/null
own=$(. /etc/os-release && [ "$ID" = debian ] && echo "${VERSION_CODENAME:-}") || own=
[ -n "$own" ] || fail 'this needs a Debian whose /etc/os-release names its release'

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
wanted=("${packages[@]/%//$release}" "runc/$own")
wanted[0]="docker.io=$engine"
(cd "$work/debs" && timeout "$fetch_seconds_max" apt-get -q download "${wanted[@]}") ||
    fail "$mirror: $release does not have all of ${wanted[*]}, see above"

echo "$stamp" >"$work/new/packages.txt"
for package in "$work"/debs/*.deb; do
    dpkg-deb -x "$package" "$work/new"
    dpkg-deb --show "$package" >>"$work/new/packages.txt"
done
for program in usr/sbin/dockerd usr/bin/containerd usr/sbin/runc usr/bin/docker usr/libexec/docker/cli-plugins/docker-buildx; do
    [ -x "$work/new/$program" ] || fail "the packages no longer have $program"
    arguments=(--version)
    [ "${program##*/}" != docker-buildx ] || arguments=(docker-cli-plugin-metadata)
    timeout "$start_seconds_max" "$work/new/$program" "${arguments[@]}" >/dev/null ||
        fail "$program does not start here, see above"
done

rm -rf "$folder"
mv -T "$work/new" "$folder" || is_complete || fail "$folder cannot be written"
echo "$folder is ready:"
tail -n +2 "$folder/packages.txt"

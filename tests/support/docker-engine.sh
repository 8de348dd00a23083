#!/usr/bin/env bash
# Unpacks a Docker Engine into a folder, for tests: docker-engine.sh [FOLDER], by default target/docker-engine.
#
# The programs come from packages of Debian forky, where Engine 28.5 is; they need glibc 2.34. Only runc is taken from
# this machine's own release: forky's wants a newer glibc. What else they link to (libsystemd0, libseccomp2) every Debian
# has, because apt needs it. There is no docker-init, which only containers use.
# shellcheck source=tests/support/debian.sh
. "$(dirname "$0")/debian.sh"

engine='28.5.*'
packages=(docker.io docker-cli docker-buildx containerd)

check() {
    local program
    for program in usr/sbin/dockerd usr/bin/containerd usr/sbin/runc usr/bin/docker; do
        starts "$1/$program" --version
    done
    starts "$1/usr/libexec/docker/cli-plugins/docker-buildx" docker-cli-plugin-metadata
}

own=$(own_release)
wanted=("${packages[@]/%//$release}" "runc/$own")
wanted[0]="docker.io=$engine"
unpack "$(realpath -m "${1:-$root/target/docker-engine}")" "docker.io $engine from $release: ${packages[*]} runc" "${wanted[@]}"

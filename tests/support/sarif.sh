#!/usr/bin/env bash
# Installs what SARIF files are held against into a folder: sarif.sh [FOLDER], by default target/sarif.
#
# Microsoft's SARIF Multitool is a package of npm; it has the standard's JSON Schema inside. A folder that is complete is
# left as it is.
set -euo pipefail

package='@microsoft/sarif-multitool-linux@5.7.0'
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$(realpath -m "${1:-$root/target/sarif}")

if [ "$(cat "$folder/package.txt" 2>/dev/null)" = "$package" ]; then
    echo "$folder is complete"
    exit
fi
mkdir -p "$folder"
timeout 600 npm install --silent --no-save --no-audit --no-fund --ignore-scripts --force --prefix "$folder" "$package"
tool=$folder/node_modules/@microsoft/sarif-multitool-linux
chmod +x "$tool/Sarif.Multitool"
[ -f "$tool/sarif-2.1.0.json" ]
echo "$package" >"$folder/package.txt"

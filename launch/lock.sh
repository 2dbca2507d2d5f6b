#!/usr/bin/env bash
# Resolves pyproject.toml anew into the lock files that launch/setup.sh installs from.
#
#   bash launch/lock.sh              what is locked stays, where it still fits
#   bash launch/lock.sh --upgrade    the newest of everything
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case "${1:-}" in
  "" | --upgrade) ;;
  -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "lock: unknown option '$1'" >&2; exit 2 ;;
esac
command -v uv >/dev/null || { echo "lock: uv is missing: pip install uv" >&2; exit 2; }
compile() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-annotate --no-header "$@"
}
compile pyproject.toml --group build -o launch/requirements.lock "$@"
compile pyproject.toml --group build --extra dev -o launch/requirements-dev.lock "$@"
echo uv | compile - -o launch/installer.lock "$@"

#!/usr/bin/env bash
# Resolves pyproject.toml anew into the two lock files that launch/setup.sh installs from.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v uv >/dev/null || { echo "lock: uv is missing: pip install uv" >&2; exit 2; }
compile() {
  uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 --group build \
    --generate-hashes --no-emit-index-url --no-annotate --no-header "$@"
}
compile -o launch/requirements.lock
compile --extra dev -o launch/requirements-dev.lock

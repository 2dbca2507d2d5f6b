#!/usr/bin/env bash
# Sets up the development environment and passes every check: lint, format, types, tests.
#
#   bash launch/test.sh             all of it
#   bash launch/test.sh -m "not slow"    further arguments go to pytest
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash launch/setup.sh --dev
say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
say "Lint";   .venv/bin/ruff check .
say "Format"; .venv/bin/ruff format --check .
say "Types";  .venv/bin/mypy
say "Tests";  .venv/bin/pytest -n 2 "$@"

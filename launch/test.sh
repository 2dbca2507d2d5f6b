#!/usr/bin/env bash
# Sets up the development environment and passes every check: lint, format, types, imports, tests.
#
#   bash launch/test.sh                  all of it; the tests that need torch come last, by themselves
#   bash launch/test.sh -m "not slow"    arguments go to pytest, which then runs once
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Hundreds of processes start: none shall compile again what another has compiled.
unset PYTHONDONTWRITEBYTECODE
bash launch/setup.sh --dev
say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
# Files stay whole, as many of their tests share a vehicle. Flights mostly wait: three on two cores.
pytest=(.venv/bin/pytest -n 3 --dist loadfile --no-loadscope-reorder)
say "Lint";   .venv/bin/ruff check .
say "Format"; .venv/bin/ruff format --check .
say "Types";  .venv/bin/mypy
say "Imports"; .venv/bin/lint-imports
if [ $# -gt 0 ]; then
  say "Tests"; "${pytest[@]}" "$@"
else
  say "Tests"; "${pytest[@]}" -m "not heavy"
  say "Heavy tests"; .venv/bin/pytest -n 2 tests/heavy
fi

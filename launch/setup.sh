#!/usr/bin/env bash
# Sets cinempc up in .venv inside this checkout, on Debian or Ubuntu with Python 3.11 or newer.
# Installs the system libraries it needs, then the locked Python packages. Can be run again.
#
#   bash launch/setup.sh          the light set-up: film, check, bench
#   bash launch/setup.sh --dev    and what the tests need
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n '2,6s/^# \{0,1\}//p' "$0"; }
lock=launch/requirements.lock
for argument in "$@"; do
  case "$argument" in
    --dev) lock=launch/requirements-dev.lock ;;
    -h|--help) usage; exit 0 ;;
    *) echo "setup: unknown option '$argument'" >&2; usage >&2; exit 2 ;;
  esac
done

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }

python=""
for candidate in python3.11 python3 python3.12 python3.13; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "setup: Python 3.11 or newer is missing (Debian 12: apt-get install python3)" >&2
  exit 2
fi

# Software OpenGL (EGL) renders the simulator's pictures; OpenCV links libGL and GLib.
wanted=(libegl1 libgl1 libgl1-mesa-dri libglib2.0-0)
"$python" -c 'import ensurepip, venv' 2>/dev/null || wanted+=("$(basename "$(readlink -f "$(command -v "$python")")")-venv")
# The tests check worlds for Gazebo with its own parser; Debian 12 has it.
if [ "$lock" = launch/requirements-dev.lock ] && grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then
  wanted+=(libsdformat12-12)
fi
missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' \
    || dpkg-query -W -f='${Status}' "${package}t64" 2>/dev/null | grep -q 'ok installed' \
    || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  say "Installing system packages: ${missing[*]}"
  sudo=""
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

say "Installing Python packages into .venv ($("$python" --version))"
[ -x .venv/bin/python ] || "$python" -m venv .venv
quietly=(--quiet --require-hashes -r)
# Where Python may not keep what it compiled (as in many containers), every start would compile
# all of it again, for 2 s: it is compiled now instead.
compiled=()
[ -z "${PYTHONDONTWRITEBYTECODE:-}" ] || compiled=(--compile-bytecode)
# uv takes a third of pip's time for the same locked files; where it cannot, pip does the work.
.venv/bin/python -m pip install --disable-pip-version-check "${quietly[@]}" launch/installer.lock \
  && .venv/bin/uv pip install --python .venv/bin/python ${compiled[@]+"${compiled[@]}"} "${quietly[@]}" "$lock" \
  || { say "uv could not install them: now with pip"
       .venv/bin/python -m pip install --disable-pip-version-check "${quietly[@]}" "$lock"; }
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .

say "Ready: .venv/bin/cinempc --help"

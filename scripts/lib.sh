# Shared by the scripts of ./dev: messages, privileges, and where PostgreSQL is. Sourced, never run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034  # used by those that source this
deps="$root/.deps"

if [ -t 2 ]; then bold=$'\e[1m' yellow=$'\e[33m' red=$'\e[31m' plain=$'\e[0m'; else bold='' yellow='' red='' plain=''; fi
say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2; }
warn() { printf '%swarning:%s %s\n' "$yellow" "$plain" "$*" >&2; }
die() {
  printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
  exit 1
}

# Runs a command as root: directly, or through sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "this needs root: install sudo, or run as root: $*"
  fi
}

# Runs a command quietly; shows what it printed only if it fails.
quietly() {
  local log
  log=$(mktemp)
  if "$@" >"$log" 2>&1 </dev/null; then
    rm -f "$log"
  else
    local status=$?
    tail -n 40 "$log" >&2
    rm -f "$log"
    return "$status"
  fi
}

# The major version of PostgreSQL to use: EMBEDD_PG_VERSION, or the newest server installed, or nothing.
pg_version() {
  if [ -n "${EMBEDD_PG_VERSION:-}" ]; then
    echo "$EMBEDD_PG_VERSION"
    return
  fi
  local server version newest=''
  for server in /usr/lib/postgresql/*/bin/postgres; do
    [ -x "$server" ] || continue
    version=${server#/usr/lib/postgresql/}
    version=${version%%/*}
    if [ -z "$newest" ] || [ "$version" -gt "$newest" ]; then newest=$version; fi
  done
  echo "$newest"
}

pg_bin() { echo "/usr/lib/postgresql/$(pg_version)/bin"; }

has_pgvector() { [ -n "$1" ] && [ -f "/usr/share/postgresql/$1/extension/vector.control" ]; }

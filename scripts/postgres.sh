# A private PostgreSQL: own data directory, own unprivileged user, a free port on loopback. Sourced by test and demo.
# shellcheck shell=bash

# PostgreSQL refuses to run as root: as root these commands run as the user postgres, else as the caller.
pg_run() {
  if [ "$(id -u)" -eq 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

# A directory that the server's user can own and reach, also when the repository lies in root's home.
pg_make_dir() {
  local dir
  dir=$(mktemp -d "${2:-/var/tmp}/embedd-$1.XXXXXX")
  chmod 700 "$dir"
  if [ "$(id -u)" -eq 0 ]; then chown postgres "$dir"; fi
  echo "$dir"
}

# Creates the cluster of $1. Its superuser is postgres, with a password of its own (left in $1/password).
pg_init() {
  local dir=$1
  od -An -N12 -tx1 /dev/urandom | tr -d ' \n' | pg_run tee "$dir/password" >/dev/null
  pg_run chmod 600 "$dir/password"
  quietly pg_run "$(pg_bin)/initdb" -D "$dir/data" -U postgres -A scram-sha-256 "--pwfile=$dir/password" \
    -E UTF8 --locale=C.UTF-8 --no-sync || die "initdb failed in $dir"
  # The socket is in a directory that only this user enters; on loopback anybody can knock.
  pg_run tee "$dir/data/pg_hba.conf" >/dev/null <<'HBA'
local all all trust
host all all 127.0.0.1/32 scram-sha-256
HBA
}

# A port that nobody listens on at this moment; pg_start takes another one if it is gone by then.
free_port() {
  local port
  for _ in {1..100}; do
    port=$((20000 + RANDOM % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
  die "no free port found"
}

# Starts the server of $1 with the further options given, its socket in $1. The port is left in $1/port.
pg_start() {
  local dir=$1 port
  shift
  for _ in 1 2 3 4 5; do
    port=$(free_port)
    if pg_run "$(pg_bin)/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 start >/dev/null 2>&1 </dev/null \
      -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$dir $*"; then
      echo "$port" | pg_run tee "$dir/port" >/dev/null
      return 0
    fi
    grep -qi 'address already in use' "$dir/log" || break
  done
  tail -n 20 "$dir/log" >&2
  die "the private PostgreSQL in $dir did not start"
}

# How to reach database $2 of the server in $1: by TCP with the password, or by the socket without one.
pg_url() { echo "postgresql://postgres:$(cat "$1/password")@127.0.0.1:$(cat "$1/port")/$2"; }
pg_socket_url() { echo "postgresql:///$2?host=$1&port=$(cat "$1/port")&user=postgres"; }

pg_stop() { [ ! -f "$1/data/postmaster.pid" ] || pg_run "$(pg_bin)/pg_ctl" -D "$1/data" -m immediate -w stop >/dev/null 2>&1 || true; }

pg_running() { [ -d "$1/data" ] && pg_run "$(pg_bin)/pg_ctl" -D "$1/data" status >/dev/null 2>&1; }

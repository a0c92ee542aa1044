# shellcheck shell=bash disable=SC2154
# For sourcing, after lib.sh and postgres.sh: a private PostgreSQL with a table that has vectors and one that has chunks, for
# scripts that try embedd's searches with other people's clients.

embedd="${EMBEDD_BINARY:-$root/build/release/src/embedd}"

# Sets DATABASE_URL, and `work`, a directory that is the current one then. stop_sample undoes it.
start_sample() {
  [ -x "$embedd" ] || die 'build it first: ./dev build release'
  work=$(mktemp -d)
  server=$(pg_make_dir sample)
  pg_init "$server"
  pg_start "$server" -c fsync=off
  cd "$work" || return
  export DATABASE_URL OPENAI_API_KEY='' EMBEDD_CONFIG='' EMBEDD_ENV_FILE='' EMBEDD_LOG_FORMAT=json
  DATABASE_URL=$(pg_socket_url "$server" postgres)
  fill_sample
}

fill_sample() {
  quietly "$embedd" migrate
  psql -X -q -v ON_ERROR_STOP=1 "$DATABASE_URL" >/dev/null <<'SQL'
CREATE TABLE notes (id bigint PRIMARY KEY, title text, stars int, open boolean, tags text[], embedding vector(64));
INSERT INTO notes SELECT i, 'note ' || i, i % 5, i % 2 = 0, ARRAY['a', 'b' || i % 3] FROM generate_series(1, 50) i;
CREATE TABLE articles (id bigint PRIMARY KEY, title text, body text);
INSERT INTO articles SELECT i, 'title ' || i, repeat('A sentence about rivers. ', 20) FROM generate_series(1, 10) i;
SQL
  quietly "$embedd" vectorizer create notes --table notes --text '{title}' --column embedding --endpoint local
  quietly "$embedd" vectorizer create articles --table articles --text '{body}' --store --chunk recursive:32 \
    --dimensions 64 --endpoint local
  local name
  for name in notes articles; do quietly "$embedd" vectorizer text-search $name english; done
  quietly "$embedd" worker --once
}

stop_sample() {
  pg_stop "$server"
  rm -rf "$server" "$work"
}

# use_from_pypi PACKAGE VERSION PROGRAM: installs into $deps/PACKAGE, once; prints the path of PROGRAM there.
use_from_pypi() {
  local venv="$deps/$1"
  if [ ! -e "$venv/$2" ]; then
    say "fetching $1 $2" >&2
    rm -rf "$venv"
    mkdir -p "$deps"
    quietly python3 -m venv "$venv" >&2
    quietly "$venv/bin/pip" install "$1==$2" >&2
    touch "$venv/$2"
  fi
  echo "$venv/bin/$3"
}

# serve_sample: starts `embedd serve` on the sample with EMBEDD_API_TOKEN, and sets `serving`, its process, and `port`.
# stop_serving ends it.
serve_sample() {
  : >"$work/log"
  "$embedd" serve --http 127.0.0.1:0 2>"$work/log" &
  serving=$!
  port=''
  for _ in {1..100}; do
    port=$(sed -n 's/.*"event":"http_listening".*"port":\([0-9]*\).*/\1/p' "$work/log")
    [ -z "$port" ] || return 0
    sleep 0.1
  done
  die "embedd serve did not start: $(cat "$work/log")"
}

stop_serving() {
  [ -z "${serving:-}" ] || kill "$serving" 2>/dev/null || true
  wait 2>/dev/null || true
}

# use_from_npm NAME PACKAGE@VERSION...: installs them into $deps/NAME, once, without running their scripts; prints the directory.
use_from_npm() {
  local directory="$deps/$1"
  shift
  local wanted=$*
  if [ "$(cat "$directory/installed" 2>/dev/null)" != "$wanted" ]; then
    say "fetching $wanted"
    rm -rf "$directory"
    mkdir -p "$directory"
    quietly timeout 100 npm install --prefix "$directory" --save-exact --ignore-scripts --no-audit --no-fund \
      --fetch-retries 1 --fetch-retry-mintimeout 2000 --loglevel error "$@" || return
    echo "$wanted" >"$directory/installed"
  fi
  echo "$directory"
}

# Which Debian and Ubuntu packages the project needs, and how they are installed. Sourced by setup and check.
# shellcheck shell=bash

# shellcheck disable=SC2034  # used by those that source this
build_packages=(
  g++ cmake ninja-build ccache pkg-config ca-certificates
  libpq-dev libcurl4-openssl-dev libssl-dev libhiredis-dev libsimdjson-dev libfmt-dev libcli11-dev libtomlplusplus-dev
  libpcre2-dev libicu-dev prometheus-cpp-dev libboost-dev libgtest-dev libgmock-dev libbenchmark-dev python3
)
# shellcheck disable=SC2034
check_packages=(clang-19 clang-format-19 clang-tidy-19 shellcheck)

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Whether python3 can make virtual environments. Debian has that apart, in python3-venv.
has_venv() { python3 -c 'import ensurepip' 2>/dev/null; }

known_to_apt() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep '^  Candidate: [^(]' >/dev/null; }

# Runs apt-get without questions; waits for another apt to finish.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# Fetches the package lists, once per run.
refresh_lists() {
  [ -z "${lists_refreshed:-}" ] || return 0
  say "fetching package lists (apt-get update)"
  quietly apt_get update || warn "apt-get update failed; going on with the lists that are here"
  lists_refreshed=yes
}

# Installs those of the named packages that are missing. Does nothing, quickly, when none is.
install_packages() {
  local package missing=()
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
  [ "${#missing[@]}" -gt 0 ] || return 0
  refresh_lists
  for package in "${missing[@]}"; do
    known_to_apt "$package" || die "apt does not know the package '$package'. Debian 12, Debian 13 and Ubuntu 24.04 have it" \
      "(on Ubuntu in 'universe': sudo add-apt-repository universe)."
  done
  say "installing ${missing[*]}$(size_of "${missing[@]}")"
  quietly apt_get install --no-install-recommends "${missing[@]}" ||
    die "apt-get could not install: ${missing[*]}. What it said is above; 'apt-get -f install' often mends it."
  # So that ./dev demo --stop can say what stays.
  # shellcheck disable=SC2154  # of lib.sh
  mkdir -p "$deps" && printf '%s\n' "${missing[@]}" >>"$deps/installed-packages"
}

# How much apt-get would fetch and unpack for the named packages, with what they need: " (12 MB to fetch, …)". A
# desktop's line fetches 100 MB in a few seconds to a minute, and unpacking takes about as long.
size_of() {
  as_root env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
    install --assume-no --no-install-recommends "$@" </dev/null 2>/dev/null | awk '
      / newly installed,/ { count = $3 }
      /^Need to get/ { fetch = $0; sub(/^Need to get ([^/]*\/)?/, "", fetch); sub(/ of archives.*/, "", fetch) }
      /^After this operation/ { disk = $4 " " $5 }
      END {
        if (fetch == "") exit
        printf " (%s packages with what they need: %s to fetch, %s on disk", count, fetch, disk
        print (fetch ~ /MB/ && fetch + 0 > 50 ? "; one to five minutes)" : ")")
      }' || true
}

#!/usr/bin/env bash
# Sets this checkout up: system packages when missing, uv, and the locked dependencies in .venv.
#
#   tools/setup.sh run     what `make demo` needs: librrd, rrdtool, .venv/bin/pharmapulse
#   tools/setup.sh test    besides that, what `make test` and `make bench` need; servers among it are not started
#
# Safe to repeat; once everything is there it takes well under a second. Root (or sudo) is asked for only when
# a system package is missing. PYTHON=... chooses the interpreter (3.11 or later).
set -euo pipefail
cd "$(dirname "$0")/.."

readonly stage="${1:-run}"
readonly stamp=.venv/pharmapulse-setup
readonly oldest_uv=0.13

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
    say "$@"
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

case "$stage" in
    run | test) ;;
    *) die "say \"run\" or \"test\", not \"$stage\"" ;;
esac

# ---- what is there ----

# The interpreter's own path, by which a version manager's stand-in is seen through; nothing when it is too old.
interpreter() {
    "$1" -c 'import sys; sys.version_info >= (3, 11) or sys.exit(1); print(sys.executable)' 2>/dev/null
}

find_python() {
    local candidate
    if [[ -n "${PYTHON:-}" ]]; then
        interpreter "$PYTHON" || die "PYTHON=$PYTHON is not a Python 3.11 or later"
        return
    fi
    for candidate in python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11; do
        if interpreter "$candidate"; then return; fi
    done
}

has_headers() {
    "$1" -c 'import pathlib, sys, sysconfig
sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())'
}

has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

has_library() { [[ -e /usr/include/rrd.h || -e /usr/local/include/rrd.h ]] || pkg-config --exists librrd 2>/dev/null; }

has_browser() { have chromium || have chromium-browser || have google-chrome; }

# Debian's own rabbitmq-server insists on the user rabbitmq; the tests start the one behind it.
has_broker() { [[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]] || have rabbitmq-server; }

# What is only in root's path is of use all the same.
has_sbin() { have "$1" || [[ -x "/usr/sbin/$1" || -x "/sbin/$1" ]]; }

find_uv() {
    local candidate version
    for candidate in uv .venv-uv/bin/uv; do
        version="$("$candidate" --version 2>/dev/null | cut -d' ' -f2)" || continue
        if [[ "$(printf '%s\n' "$oldest_uv" "$version" | sort -V | head -n1)" == "$oldest_uv" ]]; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

missing_packages() {
    local python="$1"
    has_library || echo librrd-dev
    have rrdtool || echo rrdtool
    have cc || have gcc || echo gcc libc6-dev
    if [[ -z "$python" ]]; then
        echo python3 python3-dev python3-venv
    else
        # An interpreter from elsewhere brings its headers; Debian's has them in a package of the same version.
        has_headers "$python" || echo "$(system_name "$python")-dev"
        [[ -n "$(find_uv)" ]] || has_venv "$python" || echo "$(system_name "$python")-venv"
    fi
    if [[ "$stage" == test ]]; then
        have rg || echo ripgrep
        have mawk || echo mawk
        have mtail || echo mtail
        have goaccess || echo goaccess
        has_browser || echo chromium
        has_broker || echo rabbitmq-server
        has_sbin nginx || echo nginx-light
        have promtool || echo prometheus
        has_sbin debootstrap || echo debootstrap
        have systemd-nspawn || echo systemd-container
        have ssh || echo openssh-client
        have curl || echo curl
        has_sbin setcap || echo libcap2-bin
    fi
}

system_name() { "$1" -c 'import sys; print("python%d.%d" % sys.version_info[:2])'; }

# ---- done already? ----

# What the environment was made from. The path is in it because an environment cannot be moved.
fingerprint() { { pwd && cat uv.lock pyproject.toml tools/setup.sh; } | sha256sum | cut -d' ' -f1; }

up_to_date() {
    [[ -x .venv/bin/pharmapulse && -r "$stamp" ]] || return 1
    local made_for made_from
    read -r made_for made_from <"$stamp"
    [[ "$made_from" == "$(fingerprint)" ]] || return 1
    [[ "$stage" == run || "$made_for" == test ]] || return 1
    .venv/bin/python -c 'import rrdtool' 2>/dev/null && have rrdtool || return 1
    [[ "$stage" == run ]] || {
        have rg && have mawk && have mtail && have goaccess && has_browser && has_broker && have promtool &&
            has_sbin nginx && has_sbin debootstrap && has_sbin setcap && have systemd-nspawn && have ssh && have curl
    }
}

if up_to_date; then exit 0; fi

# ---- system packages ----

install_packages() {
    local as_root=()
    have apt-get || die "these are missing, and this is no Debian or Ubuntu to install them on: $*"
    if [[ "$(id -u)" != 0 ]]; then
        # Without a terminal sudo could only wait for a password that never comes.
        if have sudo && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
            as_root=(sudo)
        else
            die "these system packages are missing, and installing them needs root: run
    apt-get update && apt-get install --no-install-recommends $*
as root once, then this again"
        fi
    fi
    say "installing $*"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q >&2
    quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >&2
}

# Packages of servers start them where they are installed. The tests start their own, elsewhere, and a port that is
# taken already would stop the installation: so Debian's way to forbid it (policy-rc.d) stands there meanwhile, unless
# somebody has put their own there. What was running before goes on.
quietly() {
    local guard=/usr/sbin/policy-rc.d
    if [[ -e "$guard" ]]; then
        "$@"
        return
    fi
    (
        # However this ends, nothing of ours stays that keeps services from starting.
        trap '"${as_root[@]}" rm -f "$guard"' EXIT
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$guard" >/dev/null
        "${as_root[@]}" chmod 755 "$guard"
        "$@"
    )
}

python="$(find_python)"
mapfile -t missing < <(missing_packages "$python" | tr ' ' '\n')
if ((${#missing[@]})); then install_packages "${missing[@]}"; fi
hash -r
python="$(find_python)"
[[ -n "$python" ]] || die "there is no Python 3.11 or later; install one and name it: PYTHON=/path/to/python make setup"
has_headers "$python" || die "$python has no C headers (Python.h); install them, or name another: PYTHON=... make setup"

# ---- uv and the environment ----

uv="$(find_uv)"
if [[ -z "$uv" ]]; then
    say "installing uv into .venv-uv"
    "$python" -m venv --clear .venv-uv
    .venv-uv/bin/python -m pip install --quiet --disable-pip-version-check "uv>=$oldest_uv"
    uv="$(find_uv)"
    [[ -n "$uv" ]] || die "uv was installed into .venv-uv and does not start there"
fi

say "dependencies of uv.lock into .venv, with $python"
export UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv
# With the tests' tools already there, `run` leaves them: a demo between two tests costs nothing then.
groups=(--no-dev)
if [[ "$stage" == test ]] || { [[ -r "$stamp" ]] && [[ "$(cut -d' ' -f1 "$stamp")" == test ]]; }; then groups=(--dev); fi
rm -f "$stamp"
"$uv" sync --locked --compile-bytecode --python "$python" "${groups[@]}" --quiet
.venv/bin/python -c 'import rrdtool' || die "rrdtool's binding was built and cannot be loaded; is librrd whole?"
made_for="$stage"
if [[ "${groups[0]}" == --dev ]]; then made_for="test"; fi
printf '%s %s\n' "$made_for" "$(fingerprint)" >"$stamp"
say "ready: .venv/bin/pharmapulse"

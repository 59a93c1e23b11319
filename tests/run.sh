#!/bin/sh
# Runs the tests against real clients and the command line: tests/run.sh [clients|cli]
# GAGE_BIN names the binary under test. Packages come from npm and PyPI, at locked versions.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
clients="$here/clients"
part=${1:-all}
: "${GAGE_BIN:?must name the gage binary}"
[ -x "$GAGE_BIN" ] || { echo "GAGE_BIN: $GAGE_BIN cannot be run" >&2; exit 1; }
GAGE_BIN=$(cd "$(dirname "$GAGE_BIN")" && pwd)/$(basename "$GAGE_BIN")
export GAGE_BIN

# Debian's packages, where this is root's machine to add them to.
apt_python() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    echo "installing python3 and python3-venv"
    apt-get update -qq && apt-get install -y -qq python3 python3-venv >/dev/null
}

pip_install() {
    python=$1
    shift
    "$python" -m pip install -q --disable-pip-version-check --root-user-action=ignore \
        --no-deps -r "$clients/requirements.txt" "$@"
}

in_venv() {
    python3 -m venv "$clients/.venv" >/dev/null 2>&1 && pip_install "$clients/.venv/bin/python"
}

# Where Debian has pip and no venv.
beside() {
    rm -rf "$clients/.venv"
    python3 -m pip --version >/dev/null 2>&1 &&
        pip_install python3 --target "$clients/.venv/packages"
}

# Leaves web3.py importable by "$python".
install_web3() {
    command -v python3 >/dev/null 2>&1 || apt_python || {
        echo "the web3.py tests need python3: install python3 and python3-venv" >&2
        exit 1
    }
    stamp="$clients/.venv/requirements.txt"
    if ! cmp -s "$clients/requirements.txt" "$stamp"; then
        rm -rf "$clients/.venv"
        in_venv || beside || { apt_python && in_venv; } || {
            echo "web3.py cannot be installed: is python3-venv there, PyPI in reach?" >&2
            exit 1
        }
        cp "$clients/requirements.txt" "$stamp"
    fi
    if [ -x "$clients/.venv/bin/python" ]; then
        python="$clients/.venv/bin/python"
    else
        python=python3
        PYTHONPATH="$clients/.venv/packages"
        export PYTHONPATH
    fi
}

install_npm() {
    stamp="$clients/node_modules/.package-lock.stamp"
    if ! cmp -s "$clients/package-lock.json" "$stamp"; then
        (cd "$clients" && npm ci --loglevel=error)
        cp "$clients/package-lock.json" "$stamp"
    fi
}

failed=""
run() {
    name=$1
    shift
    echo "== $name"
    "$@" || failed="$failed $name"
}

install_npm
if [ "$part" != cli ]; then
    install_web3
    run "viem, ethers, cast, bad input" node --test --test-reporter=spec "$clients"/*.test.mjs
    run "web3.py" "$python" -B -m unittest discover -v -s "$clients" -p 'test_*.py'
fi
if [ "$part" != clients ]; then
    run "command line" node --test --test-reporter=spec "$here"/cli/*.test.mjs
fi

if [ -n "$failed" ]; then
    echo "failed:$failed" >&2
    exit 1
fi

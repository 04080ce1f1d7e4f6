#!/bin/sh
# Installs what the tests need and no Python package brings: MariaDB for `Databases.MySQL`, a browser for sites, Buildah
# and a registry for images, and jq for the scripts of exports.
#
# Of MariaDB only the server program: the full package would start a server of its own.
#
# Input: none. With apt and as root, what is missing is installed; otherwise the line to type is printed and all goes
# on: the tests that need it then fail and say so. Does nothing, in milliseconds, when everything is there.
set -eu

# Debian keeps servers in sbin, Homebrew links them under its own prefix: neither is on everybody's PATH.
PATH="$PATH:/usr/sbin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/bin:/opt/homebrew/opt/mariadb/bin"

has() {
    for command in "$@"; do
        if command -v "$command" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

debian= homebrew=
if ! has mariadbd mysqld; then
    debian="$debian mariadb-server-core" homebrew="$homebrew mariadb"
fi
# MariaDB's program that makes a data folder asks another one, which Debian keeps with the clients.
if ! has my_print_defaults && has apt-get; then
    debian="$debian mariadb-client-core"
fi
if ! has chromium chromium-browser google-chrome google-chrome-stable \
    && [ ! -e "/Applications/Google Chrome.app" ] && [ ! -e /Applications/Chromium.app ]; then
    debian="$debian chromium" homebrew="$homebrew --cask chromium"
fi
if ! has docker-registry && has apt-get; then
    debian="$debian docker-registry"
fi
if ! has buildah && has apt-get; then
    debian="$debian buildah"
fi
if ! has jq; then
    debian="$debian jq" homebrew="$homebrew jq"
fi
if [ -z "$debian" ]; then exit 0; fi

if has apt-get && [ "$(id -u)" = 0 ]; then
    echo "installing$debian (needed by the tests)"
    export DEBIAN_FRONTEND=noninteractive
    # A failure (no network, say) is told here, and again by the tests that need the package.
    # shellcheck disable=SC2086 # a list of names
    apt-get update -qq && apt-get install -qq -y --no-install-recommends $debian >/dev/null \
        || echo "could not install$debian: tests that need it will fail" >&2
elif has apt-get; then
    echo "the tests need$debian: sudo apt-get install -y$debian" >&2
elif has brew; then
    echo "the tests need$homebrew: brew install$homebrew" >&2
else
    echo "the tests need MariaDB or MySQL (mariadbd or mysqld on the PATH), Chromium, Buildah, docker-registry and jq" >&2
fi

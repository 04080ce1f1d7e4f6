#!/bin/sh
# Writes the Prisma client of the sample in tests/examples/films: `tools/write_prisma_client.sh`.
#
# Input: its schema, and Prisma's command line from npm. Output: src/generated/prisma, without the files that hold only
# types, which nothing needs that runs. The engine that Prisma looks for on the network is not used by `generate`.
set -eu
sample=$(cd "$(dirname "$0")/../tests/examples/films" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -R "$sample/." "$work"
rm -rf "$work/src/generated"
cd "$work"
npm install --no-audit --no-fund --ignore-scripts --loglevel=error prisma@7.10.0
PRISMA_SCHEMA_ENGINE_BINARY=/bin/true npx prisma generate

made=src/generated/prisma
rm -rf "$sample/$made"
mkdir -p "$sample/$made/internal"
for file in client.ts enums.ts internal/class.ts internal/prismaNamespace.ts; do
    cp "$made/$file" "$sample/$made/$file"
done

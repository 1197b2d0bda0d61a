#!/usr/bin/env bash
# Simulates canaries, good ones and bad ones, and writes docs/benchmarks-evidence.md with its plot: how often hikeshi's rule and those of others
# take them back. Takes some minutes of processor time; other work does not disturb it. Nothing is sent or written elsewhere.
#
#   benches/evidence.sh [RUNS]      canaries for each cell, 3000 without
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
dir="$(mktemp -d "${TMPDIR:-/tmp}/hikeshi-evidence.XXXXXX")"
trap 'rm -rf "$dir"' EXIT
mkdir -p docs/images

cargo run --release --locked -p hikeshi-bench -- --dir "$dir" evidence --runs "${1:-3000}" \
    --markdown docs/benchmarks-evidence.md --plot docs/images/benchmarks-evidence.svg
echo "docs/benchmarks-evidence.md is written"

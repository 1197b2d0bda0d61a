#!/usr/bin/env bash
# Measures the way from alerts to pages beside Debian's Alertmanager on this machine, and writes docs/benchmarks-alerts.md with its plot: which
# pages arrive when processes die (about half an hour; other work does not disturb it), and how fast they are (ten minutes; nothing else should
# be running). Load goes to loopback and to the disk of the directory given (or a temporary one) only.
#
#   benches/alerts.sh [DIR] [QUESTION ...]      questions: crash speed; both without
#
# What DIR has already is kept until it is measured again. Needs Debian's packages `prometheus-alertmanager` and `postgresql`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
dir="${1:-$(mktemp -d "${TMPDIR:-/var/tmp}/hikeshi-alerts.XXXXXX")}"
shift || true
mkdir -p "$dir" docs/images
alertmanager="${ALERTMANAGER:-/usr/bin/prometheus-alertmanager}"

cargo build --release --locked -p hikeshi -p hikeshi-bench
target="$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release"

for question in "${@:-crash speed}"; do
    # shellcheck disable=SC2086  # the default is a list
    for one in $question; do
        case "$one" in
        crash)
            # shellcheck source=benches/postgres.sh
            . benches/postgres.sh
            "$target/hikeshi-bench" --dir "$dir" alerts-crash --binary "$target/hikeshi" --postgres "$url" --alertmanager "$alertmanager"
            ;;
        speed)
            "$target/hikeshi-bench" --dir "$dir" alerts-speed --binary "$target/hikeshi" --alertmanager "$alertmanager"
            ;;
        esac
    done
done
"$target/hikeshi-bench" --dir "$dir" report --alerts --markdown docs/benchmarks-alerts.md --plot docs/images/benchmarks-alerts.svg
echo "docs/benchmarks-alerts.md is written; measured in $dir"

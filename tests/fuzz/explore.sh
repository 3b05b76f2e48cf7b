#!/usr/bin/env bash
# One libFuzzer run over a copy of the seed corpus. Usage: explore.sh FUZZER NAME SECONDS
set -u
fuzzer=$1 name=$2 seconds=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "tests/fuzz/corpus/$name/." "$work/" 2>/dev/null
if "$fuzzer" -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="build/crash-$name-" "$work" >"build/fuzz-$name.log" 2>&1; then
    echo "fuzz $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz-$name.log") runs, no finding"
else
    tail -n 40 "build/fuzz-$name.log"
    echo "fuzz $name: a finding; the input is build/crash-$name-*: put it into tests/fuzz/corpus/$name"
    exit 1
fi

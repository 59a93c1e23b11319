#!/usr/bin/env bash
# Fuzzes targets under the guidance of coverage: fuzz.sh MINUTES [TARGET …]. Needs a C++ compiler, for libFuzzer; the
# instrumentation is stable Rust's. Without one it says so; the short form in `make test` needs nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

minutes="$1"
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(dispatch records transaction block rpc proof snapshot config message)
if ! command -v "${CXX:-c++}" >/dev/null; then
    echo "fuzz.sh: libFuzzer needs a C++ compiler (c++, or CXX)" >&2
    exit 1
fi

cargo="${CARGO:-cargo}"
host="$(rustc -vV | sed -n 's/^host: //p')"
folder="${CARGO_TARGET_DIR:-$PWD/target}/fuzz"
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
coverage+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
# With a target named, build scripts and macros are not instrumented.
RUSTFLAGS="$coverage" "$cargo" build --profile fuzz --target "$host" --target-dir "$folder" \
    -p gage-fuzz --features libfuzzer --bin libfuzzer
built="$folder/$host/fuzz"
# What is instrumented has no program of its own without libFuzzer.
"$cargo" run -p gage-fuzz --bin seeds -- "$folder/corpus"

failed=0
for target in "${targets[@]}"; do
    echo "== $target: $minutes min"
    mkdir -p "$folder/crashes"
    GAGE_TARGET="$target" "$built/libfuzzer" "$folder/corpus/$target" -max_total_time=$((minutes * 60)) \
        -max_len=65536 -timeout=60 -print_final_stats=1 -artifact_prefix="$folder/crashes/$target-" \
        2> >(grep -E '^(stat::|SUMMARY|#.*(DONE|REDUCE pulse))|panicked|ERROR' >&2) || failed=1
done
if [ "$failed" = 1 ]; then
    echo "inputs that fail are in $folder/crashes: add each as a line of hex to tests/fuzz/regressions/TARGET.txt" >&2
fi
exit "$failed"

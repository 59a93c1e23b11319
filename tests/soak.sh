#!/usr/bin/env bash
# The random tests in their long form, for about so many hours: soak.sh HOURS
# Each part has a share of the time and runs rounds, each from a seed of its own, until its share is over. SEED names the
# first seed, so that a soak can be repeated. The first failure is told again at the end, and the exit code says so.
set -uo pipefail
cd "$(dirname "$0")/.."

hours="${1:-1}"
seed="${SEED:-$(date +%s)}"
cargo="${CARGO:-cargo}"
logs="${CARGO_TARGET_DIR:-$PWD/target}/soak"
mkdir -p "$logs"
table=""
first_failure=""

# All of the workspace each time, so that what it is built from has the same features and is built once.
test=("$cargo" test --profile soak --workspace)
histories=(stateful sweeps model watch feeds_history exits_history free_value)
peers=(differential)
crash=(crash)
same=(extremes determinism)
fuzz=(short)

echo "soak: $hours h, from seed $seed; logs in $logs"
echo "soak: building"
"${test[@]}" --no-run $(printf -- '--test %s ' "${histories[@]}" "${peers[@]}" "${crash[@]}" "${same[@]}" "${fuzz[@]}") || exit 1

# part NAME PERCENT WORK COMMAND …: rounds of a command until a share of the time is over, at least one. Words of the
# command are settings (NAME=VALUE) first; @ in them is the round's seed. WORK says what one round is.
part() {
    local name="$1" percent="$2" work="$3" rounds=0 failures=0 began end from="$seed"
    shift 3
    began=$(date +%s)
    end=$(awk "BEGIN { print int($began + $hours * 36 * $percent) }")
    while :; do
        local command=("${@//@/$seed}") log="$logs/$name-$seed.log" started
        started=$(date +%s)
        rounds=$((rounds + 1))
        if env "${command[@]}" >"$log" 2>&1; then
            echo "soak: $(date +%T) $name, round $rounds, seed $seed: ok in $(($(date +%s) - started)) s"
            rm "$log"
        else
            failures=1
            echo "soak: $(date +%T) $name, round $rounds, seed $seed: FAILED, see $log" >&2
            tail -n 20 "$log" >&2
            first_failure="${first_failure:-$name failed; to repeat it: ${command[*]}}"
        fi
        seed=$((seed + 1000))
        # After a failure more rounds would find the same.
        if [ "$failures" = 1 ] || [ "$(date +%s)" -ge "$end" ]; then break; fi
    done
    table+="$(printf '%-13s %6d  %-38s %-26s %7d s %8d' \
        "$name" "$rounds" "$work" "$from to $((seed - 1000))" $(($(date +%s) - began)) "$failures")"$'\n'
}

# run NAME PERCENT WORK SETTINGS TEST …: rounds of tests, by their names.
run() {
    local settings names
    read -ra settings <<<"$4"
    names=("${@:5}")
    # shellcheck disable=SC2046 # words
    part "$1" "$2" "$3" "${settings[@]}" "${test[@]}" $(printf -- '--test %s ' "${names[@]}") -- --nocapture
}

run histories 35 "7 tests, 8 seeds of 2000 steps" \
    "GAGE_SEED=@ GAGE_SEEDS=8 GAGE_STEPS=2000" "${histories[@]}"
run differential 15 "2 peers, 4 seeds of 1000 steps" \
    "GAGE_SEED=@ GAGE_SEEDS=4 GAGE_STEPS=1000" "${peers[@]}"
run kills 10 "50 kills of a store and of a chain" "GAGE_SEED=@ GAGE_KILLS=50" "${crash[@]}"
run determinism 0 "each test once" "" "${same[@]}"
if command -v "${CXX:-c++}" >/dev/null; then
    guided=20
    targets=$(grep -c 'seeds: [a-z]*::' tests/fuzz/src/lib.rs)
    minutes=$(awk "BEGIN { m = int($hours * 60 * $guided / 100 / $targets); print (m > 1 ? m : 1) }")
    part libfuzzer 0 "each target for $minutes min" tests/fuzz/fuzz.sh "$minutes"
else
    guided=0
    echo "soak: no C++ compiler, so libFuzzer's time goes to the short form"
fi
run fuzz $((40 - guided)) "20000 mutations at pace 1000" "GAGE_SEED=@ GAGE_RUNS=20000" "${fuzz[@]}"

printf '\n%-13s %6s  %-38s %-26s %9s %8s\n%s' part rounds "a round" seeds time failures "$table"
if [ -n "$first_failure" ]; then
    printf '\n%s\n' "$first_failure" >&2
    exit 1
fi

# shellcheck shell=bash
# Part of ./dev: libFuzzer over the fuzzers of tests/fuzz.
#
# What it meets on its way stays beside the other caches, and the next time goes on from there:
# NAME/corpus has the inputs that reached new code, NAME/found those that did not hold. The corpus
# of the tree is read, never written.

fuzz_usage() {
  cat <<'END_OF_USAGE'
usage: ./dev fuzz [NAME...] [--seconds=N] [--replay=FILE]

  NAME           fuzzers of tests/fuzz (default: all), one after the other
  --seconds=N    for each, 30 unless told
  --replay=FILE  one input only, with the one NAME given: what a finding is mended against
  --list         the names
END_OF_USAGE
}

fuzzers() {
  bazel query "attr(tags, '\\bfuzzer\\b', //tests/fuzz:all)" 2>/dev/null |
    sed 's/.*://; s/_fuzzer$//' | sort
}

# run_fuzzer NAME ARGS...: quiet libraries of Debian, which are not instrumented; a call of 10 s is
# a finding.
run_fuzzer() {
  ASAN_OPTIONS=detect_container_overflow=0:detect_stack_use_after_return=1 \
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    "$fuzz_bin/$1_fuzzer" -timeout=10 -print_final_stats=1 "${@:2}"
}

stat_of() { sed -n "s/^stat::$1: *//p" "$2" | tail -n 1; }

# fuzz_one NAME SECONDS: a line at its end; false if it found something.
fuzz_one() {
  local name=$1 seconds=$2 place=$fuzz_cache/$1 code=0 dictionary=() before after found
  mkdir -p "$place/corpus" "$place/found"
  [[ ! -f tests/fuzz/dict/$name.dict ]] || dictionary=("-dict=tests/fuzz/dict/$name.dict")
  before=$(find "$place/corpus" -type f | wc -l)
  run_fuzzer "$name" "-max_total_time=$seconds" "-artifact_prefix=$place/found/" "${dictionary[@]}" \
    "$place/corpus" "tests/fuzz/corpus/$name" >"$place/log" 2>&1 </dev/null || code=$?
  ((code < 128)) || exit "$code"
  after=$(find "$place/corpus" -type f | wc -l)
  if ((code == 0)); then
    echo "ok    $name: $(stat_of number_of_executed_units "$place/log") executions," \
      "$((after - before)) new inputs, $after with those of before"
    return
  fi
  found=$(sed -n 's/.*Test unit written to //p' "$place/log" | tail -n 1)
  grep -E 'does not hold|runtime error|^SUMMARY|ERROR:' "$place/log" | head -n 5
  echo "FAIL  $name: $((after - before)) new inputs before ${found:-it ended; see $place/log}"
  [[ -n $found ]] || return 1
  echo "      once more:  ./dev fuzz $name --replay=$found"
  echo "      first of all it becomes a test:  cp $found tests/fuzz/corpus/$name/WHAT_IT_IS"
  return 1
}

verb_fuzz() {
  local names=() targets=() seconds=30 replay='' known name failed=() fuzz_bin fuzz_cache
  while (($#)); do
    case $1 in
      -h | --help) fuzz_usage && return ;;
      --list) fuzzers && return ;;
      --seconds=*) seconds=${1#*=} ;;
      --seconds) seconds=${2:?--seconds needs a number} && shift ;;
      --replay=*) replay=${1#*=} ;;
      -*) say "fuzz: $1 is not known" && fuzz_usage >&2 && exit 2 ;;
      *) names+=("$1") ;;
    esac
    shift
  done
  [[ $seconds =~ ^[1-9][0-9]*$ ]] || die "fuzz: --seconds takes a number above 0, not $seconds"
  known=$(fuzzers)
  for name in "${names[@]}"; do
    grep -qxF -- "$name" <<<"$known" || die "fuzz: there is no $name; there are: ${known//$'\n'/ }"
  done
  ((${#names[@]})) || mapfile -t names <<<"$known"
  [[ -z $replay ]] || ((${#names[@]} == 1)) || die "fuzz: --replay needs the one NAME that it is for"
  # shellcheck disable=SC2154  # caller: of ./dev
  [[ -z $replay || $replay == /* ]] || replay=$caller/$replay

  install_missing_packages third_party/fuzz_packages.txt
  mapfile -t targets < <(printf '//tests/fuzz:%s_fuzzer\n' "${names[@]}")
  say "building ${#names[@]} fuzzers with clang"
  bazel_quietly build --config=fuzz --show_result=0 -- "${targets[@]}" >&2
  # The link points to the configuration that was built last.
  fuzz_bin=$(readlink -f bazel-bin/tests/fuzz)
  fuzz_cache=${DMAHEAPD_CACHE:-$HOME/.cache/dmaheapd}/fuzz
  if [[ -n $replay ]]; then
    run_fuzzer "${names[0]}" "$replay" && return
    exit 1
  fi

  for name in "${names[@]}"; do
    say "fuzz: $name for $seconds s"
    fuzz_one "$name" "$seconds" || failed+=("$name")
  done
  ((${#failed[@]} == 0)) || die "fuzz: ${#failed[@]} of ${#names[@]} found something: ${failed[*]}"
}

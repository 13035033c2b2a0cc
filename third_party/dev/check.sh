# shellcheck shell=bash
# Part of ./dev: what every change has to keep to. One line for each check.

# Of the changed sources, those with the most changed lines: two minutes on two cores, as one that
# knows gRPC takes 20 to 30 s.
max_tidy_files=10

# In an unknown owner's tree (a container's) git would refuse.
git() { command git -c safe.directory="$PWD" "$@"; }

# Tracked, or new and not ignored.
tree_files() { git ls-files --cached --others --exclude-standard -- "$@" | sort -u | existing; }
existing() { while IFS= read -r file; do [[ ! -f $file ]] || echo "$file"; done; }
cxx_files() { tree_files '*.cc' '*.h' '*.c'; }

check_format() {
  local files
  mapfile -t files < <(cxx_files)
  # The places are of no use: format mends them.
  clang-format --dry-run -Werror "${files[@]}" 2>&1 | sed -n 's/:[0-9]*:[0-9]*: error:.*//p' | uniq
}

# What the change is measured against: where it left main, or on main itself the commit before.
base_commit() {
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null) || base=
  if [[ -z $base || $base == "$(git rev-parse HEAD)" ]]; then
    base=$(git rev-parse --verify --quiet HEAD~1) || base=$(git hash-object -t tree /dev/null)
  fi
  echo "$base"
}

# Tests are proven by running them, and gtest's macros take clang-tidy longest.
without_tests() { grep -vE '^tests/|_test\.cc$|/testing/' || true; }

# Changed sources, and the sources beside changed headers; those with the most changed lines first.
changed_sources() {
  {
    git diff --numstat --no-renames --diff-filter=d "$(base_commit)" -- '*.cc' '*.h'
    git ls-files --others --exclude-standard -- '*.cc' '*.h' | sed 's/^/1000\t0\t/'
  } | sort -k1,1nr -k3 | cut -f3 | sed 's/\.h$/.cc/' | awk '!seen[$0]++' | existing | without_tests
}

tidy_flags() {
  printf '%s\n' -std=c++20 -I. -isystem bazel-bin/proto -isystem bazel-bin/third_party/protos
  pkg-config --cflags-only-I libdrm | tr ' ' '\n' | sed -n 's/^-I/-isystem/p'
}

check_tidy() {
  local files flags generated
  mapfile -t files
  ((${#files[@]})) || return 0
  mapfile -t flags < <(tidy_flags)
  # The headers that protoc makes.
  mapfile -t generated < <(bazel query 'kind(_generate, //...)' 2>/dev/null)
  bazel_quietly build --show_result=0 "${generated[@]}" || return 1
  # Its standard error counts the warnings that were not shown.
  printf '%s\n' "${files[@]}" | xargs -d '\n' -P "$(nproc)" -I{} \
    timeout 300 clang-tidy --quiet {} -- "${flags[@]}" 2>/dev/null
}

# room_keeps_off ROOM OTHERS...: nothing in ROOM depends on OTHERS; prints a way if something does.
room_keeps_off() {
  local room=$1 other code=0
  [[ -f $room/BUILD.bazel ]] || return 0
  for other in "${@:2}"; do
    [[ -d $other && -n $(find "$other" -name BUILD.bazel -print -quit) ]] || continue
    way=$(bazel query --noimplicit_deps "somepath(//$room/..., //$other/...)" 2>"$scratch") ||
      { cat "$scratch" && return 1; }
    [[ -z $way ]] || { echo "$room depends on $other:" && echo "$way" && code=1; }
  done
  return "$code"
}

check_layering() {
  local scratch way code=0
  scratch=$(mktemp)
  room_keeps_off proto heaps daemon client tests || code=1
  room_keeps_off heaps daemon client tests || code=1
  room_keeps_off daemon client tests || code=1
  room_keeps_off client heaps daemon tests || code=1
  room_keeps_off third_party heaps daemon client tests || code=1
  rm -f "$scratch"
  return "$code"
}

# code_has WORD PATHS...: lines of C++ with WORD outside a // comment.
code_has() {
  git grep --untracked -nE "$1" -- '*.cc' '*.h' '*.c' "${@:2}" |
    awk -v word="$1" '{ code = $0; sub(/\/\/.*/, "", code) } code ~ word'
}

check_fd_passing() { ! code_has 'SCM_RIGHTS' ':!proto/fd_socket.cc' ':!tests/' ':!*_test.cc' | grep .; }

check_ioctls() {
  # client/mapping.cc: DMA_BUF_IOCTL_SYNC, which only the process that maps a buffer can do.
  ! code_has '(^|[^a-z_])ioctl *\(' ':!heaps/' ':!client/mapping.cc' ':!tests/' ':!*_test.cc' | grep .
}

check_build_files() {
  local files
  mapfile -t files < <(tree_files '*BUILD.bazel')
  third_party/dev/check_build_files.py "${files[@]}"
}

check_scripts() {
  local file first code=0
  while IFS= read -r file; do
    IFS= read -r first <"$file" || [[ -n $first ]] || continue
    case $first in
      '#!'*bash* | '# shellcheck shell=bash') bash -n "$file" || code=1 ;;
      '#!'*/sh*) sh -n "$file" || code=1 ;;
      '#!'*python*)
        /usr/bin/python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' \
          "$file" || code=1
        ;;
    esac
  done < <(tree_files | xargs -d '\n' grep -lIE -m1 '^#(!| shellcheck)')
  return "$code"
}

check_top_level() {
  local name code=0
  while IFS= read -r name; do
    case $name in
      .* | BUILD.bazel | WORKSPACE | README.md | dev | daemon | proto | client | heaps | tests | \
        sepolicy | third_party) ;;
      *) echo "$name does not belong at the top" && code=1 ;;
    esac
  done < <(tree_files | cut -d/ -f1 | sort -u)
  return "$code"
}

# Written so that it does not find itself.
check_leftovers() { ! git grep --untracked -nIwE 'TO''DO|FIX''ME|X''XX'; }

# check NAME REMEDY COMMAND...: one line; what is wrong below it.
check() {
  local name=$1 remedy=$2 output
  if output=$("${@:3}" 2>&1); then
    echo "ok    $name"
  else
    printf '%s\n' "$output"
    echo "FAIL  $name: $remedy"
    failed_checks+=("$name")
  fi
}

verb_check() {
  local failed_checks=() all_files files what
  case ${1:-} in
    '') mapfile -t all_files < <(changed_sources) && what='changed sources' ;;
    --all) mapfile -t all_files < <(tree_files '*.cc' | without_tests) && what=sources && max_tidy_files=1000 ;;
    *) say "check: $1 is not known" && usage >&2 && exit 2 ;;
  esac
  check 'format' 'run ./dev format' check_format
  check 'top level: only the agreed names' 'move it into a room' check_top_level
  check 'no leftovers' 'do it, or file an issue' check_leftovers
  check 'scripts can be parsed' 'mend the lines named above' check_scripts
  check 'fds are passed in proto/fd_socket.cc alone' 'use SendDatagram' check_fd_passing
  check 'ioctls are in heaps/ and client/mapping.cc alone' 'move it behind the Kernel seam' check_ioctls
  check 'BUILD files: order, one idea to a library' 'run ./dev format, then mend the lines named above' \
    check_build_files
  check 'layering: proto <- heaps <- daemon, proto <- client' 'cut the way shown above' check_layering
  files=("${all_files[@]:0:max_tidy_files}")
  say "clang-tidy on ${#files[@]} of ${#all_files[@]} $what"
  check "clang-tidy on ${#files[@]} of ${#all_files[@]} $what" 'mend the lines named above' \
    check_tidy < <(((${#files[@]})) && printf '%s\n' "${files[@]}")
  ((${#failed_checks[@]} == 0)) || die "${#failed_checks[@]} checks failed"
}

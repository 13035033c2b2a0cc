#!/usr/bin/env bash
# Tests of check.sh: in a small tree of its own, each check passes what is right and names what is wrong.
set -euo pipefail

here=$PWD/third_party/dev
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree"
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a \
  GIT_COMMITTER_EMAIL=a@b
command git init --quiet .
mkdir -p proto heaps client daemon tests third_party
cp -r "$here" third_party/dev
# shellcheck source=third_party/dev/check.sh
source third_party/dev/check.sh

# write_report CASES FAILURES: for Bazel.
write_report() {
  [[ -n ${XML_OUTPUT_FILE:-} ]] || return 0
  local i
  {
    echo '<testsuites><testsuite name="check_test">'
    for ((i = 1; i <= $1; ++i)); do
      if ((i <= $2)); then
        echo "<testcase name=\"$i\"><failure/></testcase>"
      else
        echo "<testcase name=\"$i\"/>"
      fi
    done
    echo '</testsuite></testsuites>'
  } >"$XML_OUTPUT_FILE"
}

# ./dev test --filter: all or nothing.
if [[ check_test != *"${TESTBRIDGE_TEST_ONLY:-}"* ]]; then
  write_report 0 0
  exit
fi

cases=0
failures=0
fail() {
  echo "FAIL: $*"
  failures=$((failures + 1))
}

# passes FUNCTION: finds nothing wrong.
passes() {
  cases=$((cases + 1))
  local output
  output=$("$1" 2>&1) || fail "$1 found: $output"
}

# names FUNCTION TEXT: finds something wrong and says TEXT.
names() {
  cases=$((cases + 1))
  local output
  if output=$("$1" 2>&1); then
    fail "$1 found nothing, expected: $2"
  elif [[ $output != *"$2"* ]]; then
    fail "$1 said '$output', expected: $2"
  fi
}

# equals ACTUAL EXPECTED
equals() {
  cases=$((cases + 1))
  [[ $1 == "$2" ]] || fail "is '$1', expected '$2'"
}

commit() { git add -A && git commit --quiet --message "$1"; }

# The top level.
passes check_top_level
touch stray
names check_top_level 'stray does not belong at the top'
rm stray
echo /bazel-out >.gitignore && touch bazel-out && passes check_top_level

# Leftovers: whole words, in new files too; the XXXXXX of mktemp is none.
echo 'char folder[] = "/tmp/a.XXXXXX";' >proto/a.cc
passes check_leftovers
printf '// %s: later\n' 'TO''DO' >heaps/b.cc
names check_leftovers heaps/b.cc:1
rm heaps/b.cc

# SCM_RIGHTS and ioctl, each in its own place, in comments and in tests.
echo 'int x = SCM_RIGHTS;' | tee proto/fd_socket.cc tests/hostile.cc proto/fd_socket_test.cc >/dev/null
echo '// by SCM_RIGHTS and ioctl(2)' >daemon/c.cc
echo 'int y = ioctl(fd, 1);' | tee heaps/linux_kernel.cc client/mapping.cc >/dev/null
echo 'int z = my_ioctl(fd, 1);' >client/other.cc
passes check_fd_passing
passes check_ioctls
echo 'int x = SCM_RIGHTS;  // why' >client/send.h
names check_fd_passing client/send.h:1
echo 'int x = ::ioctl (fd, 1);' >daemon/d.cc
names check_ioctls daemon/d.cc:1
rm client/send.h daemon/d.cc

# The format: names the file, once.
echo '{ BasedOnStyle: Google }' >.clang-format
clang-format -i ./*/*.cc
passes check_format
printf 'int  a;\nint  b;\n' >proto/ugly.h
names check_format proto/ugly.h
equals "$(check_format || true)" proto/ugly.h
rm proto/ugly.h

# Scripts that can not be parsed.
passes check_scripts
printf '#!/usr/bin/env bash\nif true\n' >dev
names check_scripts 'syntax error'
printf '#!/usr/bin/python3\nprint(\n' >dev
names check_scripts SyntaxError
rm dev

# BUILD files.
echo 'cc_library(name = "a", hdrs = ["a.h"])' >proto/BUILD.bazel
passes check_build_files
echo 'cc_library(name = "a", hdrs = ["a.h", "b.h"])' >proto/BUILD.bazel
names check_build_files 'proto/BUILD.bazel:1: hdrs has 2 files'
rm proto/BUILD.bazel

# What clang-tidy gets: the first commit is measured against nothing.
commit first
equals "$(base_commit)" "$(git hash-object -t tree /dev/null)"
# On main itself, the commit before; the most changed first, sources for headers, nothing deleted.
printf 'int a;\n' >proto/small.cc
printf 'int a;\nint b;\nint c;\n' >proto/large.cc
printf 'int a;\nint b;\n' | tee heaps/linux_kernel.h tests/a.cc heaps/heap_test.cc >/dev/null
rm client/other.cc
commit second
equals "$(base_commit)" "$(git rev-parse HEAD~1)"
equals "$(changed_sources | tr '\n' ' ')" 'proto/large.cc heaps/linux_kernel.cc proto/small.cc '
# On a branch, where it left main; what is not committed counts.
git update-ref refs/remotes/origin/main HEAD~1
git commit --quiet --allow-empty --message third
echo 'int d;' >daemon/new.cc
equals "$(base_commit)" "$(git rev-parse HEAD~2)"
equals "$(changed_sources | head -n 1)" daemon/new.cc

echo "$cases cases, $failures failed"
write_report "$cases" "$failures"
((failures == 0))

#include "tests/bench/process_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace dmaheap::bench {
namespace {

std::string ReadFile(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The names in a folder that are numbers, ascending.
std::vector<pid_t> NumbersIn(const std::string& folder) {
  std::vector<pid_t> numbers;
  std::error_code ended;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ended)) {
    pid_t number = 0;
    if (absl::SimpleAtoi(entry.path().filename().string(), &number)) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// "PID (NAME) STATE PARENT ...", where NAME may hold anything; -1: there is none. (The file
// "children" is not in every kernel.)
pid_t ParentIn(const std::string& stat) {
  pid_t parent = -1;
  char state = 0;
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return -1;
  std::istringstream rest(stat.substr(name_end + 1));
  return rest >> state >> parent ? parent : -1;
}

bool WasStartedWith(const std::string& place, absl::string_view word) {
  return absl::StrContains(ReadFile(place + "/cmdline"), word);
}

// place: a folder /proc/PID.
pid_t Find(absl::FunctionRef<bool(const std::string& place)> is_it) {
  for (const pid_t pid : NumbersIn("/proc")) {
    if (is_it(absl::StrCat("/proc/", pid))) return pid;
  }
  return -1;
}

}  // namespace

pid_t ChildWith(pid_t parent, absl::string_view word) {
  return Find([&](const std::string& place) {
    return ParentIn(ReadFile(place + "/stat")) == parent && WasStartedWith(place, word);
  });
}

pid_t ProcessWith(absl::string_view word) {
  return Find([&](const std::string& place) { return WasStartedWith(place, word); });
}

std::vector<pid_t> ThreadsOf(pid_t pid) { return NumbersIn(absl::StrCat("/proc/", pid, "/task")); }

}  // namespace dmaheap::bench

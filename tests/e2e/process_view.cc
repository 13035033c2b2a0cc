#include "tests/e2e/process_view.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace dmaheap {

std::set<int> OpenFdsOf(pid_t pid) {
  std::set<int> fds;
  DIR* folder = opendir(absl::StrCat("/proc/", pid, "/fd").c_str());
  if (folder == nullptr) return fds;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') fds.insert(atoi(entry->d_name));
  }
  closedir(folder);
  return fds;
}

absl::Duration CpuTimeOf(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string text;
  std::getline(file, text);
  // The second field, the name, may have spaces; utime and stime are 14th and 15th (proc(5)).
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  int64_t user = 0, system = 0;
  fields >> user >> system;
  return absl::Seconds(user + system) / sysconf(_SC_CLK_TCK);
}

int FdLimitOf(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/limits"));
  std::string line;
  while (std::getline(file, line)) {
    absl::string_view rest = line;
    int soft = 0;
    if (!absl::ConsumePrefix(&rest, "Max open files")) continue;
    rest = absl::StripLeadingAsciiWhitespace(rest);
    if (absl::SimpleAtoi(rest.substr(0, rest.find(' ')), &soft)) return soft;
  }
  return -1;
}

}  // namespace dmaheap

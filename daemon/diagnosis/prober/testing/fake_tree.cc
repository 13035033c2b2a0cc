#include "daemon/diagnosis/prober/testing/fake_tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace dmaheap {

FakeTree::FakeTree() {
  char path[] = "/tmp/dmaheap-prober-XXXXXX";
  EXPECT_NE(mkdtemp(path), nullptr);
  path_ = path;
  for (const char* root : {"proc", "sys", "debugfs"}) {
    std::filesystem::create_directory(absl::StrCat(path_, "/", root));
  }
}

FakeTree::~FakeTree() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

ProberRoots FakeTree::roots() const {
  return {.proc = path_ + "/proc",
          .sys = path_ + "/sys",
          .debugfs = path_ + "/debugfs",
          .kernel_log = path_ + "/kmsg"};
}

void FakeTree::File(absl::string_view path, absl::string_view text) const {
  const std::filesystem::path full = absl::StrCat(path_, "/", path);
  std::filesystem::create_directories(full.parent_path());
  std::ofstream(full) << text;
}

void FakeTree::Link(absl::string_view path, absl::string_view target) const {
  const std::filesystem::path full = absl::StrCat(path_, "/", path);
  std::filesystem::create_directories(full.parent_path());
  EXPECT_EQ(symlink(std::string(target).c_str(), full.c_str()), 0);
}

void FakeTree::Process(int pid) const {
  const std::string process = absl::StrCat(path_, "/proc/", pid);
  std::filesystem::create_directories(process + "/fd");
  std::filesystem::create_directories(process + "/fdinfo");
  File(absl::StrCat("proc/", pid, "/maps"), "");
}

void FakeTree::Fd(int pid, int number, absl::string_view target, absl::string_view fdinfo) const {
  Link(absl::StrCat("proc/", pid, "/fd/", number), target);
  File(absl::StrCat("proc/", pid, "/fdinfo/", number), fdinfo);
}

// The link of an fd leads to its pipe by the words "pipe:[INODE]"; here a FIFO of that name is
// there.
std::string FakeTree::Pipe(int pid, int number) const {
  const std::string process = absl::StrCat(path_, "/proc/", pid);
  std::filesystem::create_directories(process + "/fd");
  std::error_code ignored;
  std::filesystem::create_symlink("/bin/true", process + "/exe", ignored);
  const std::string place = absl::StrCat(process, "/fd/fifo");
  struct stat status = {};
  EXPECT_EQ(mkfifo(place.c_str(), 0600), 0);
  EXPECT_EQ(stat(place.c_str(), &status), 0);
  const std::string name = absl::StrCat("pipe:[", status.st_ino, "]");
  std::filesystem::rename(place, absl::StrCat(process, "/fd/", name));
  Link(absl::StrCat("proc/", pid, "/fd/", number), name);
  return absl::StrCat(process, "/fd/", name);
}

}  // namespace dmaheap

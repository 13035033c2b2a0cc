#include "daemon/keeper/testing/real_cgroup.h"

#include <linux/magic.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

// Alone, or beside the controllers of version 1.
constexpr const char* kRoots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

std::string Read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

std::unique_ptr<RealCgroup> RealCgroup::Make() {
  static int made = 0;
  for (const char* root : kRoots) {
    struct statfs status;
    if (statfs(root, &status) != 0 || status.f_type != CGROUP2_SUPER_MAGIC) continue;
    std::string path = absl::StrCat(root, "/dmaheap-test-", getpid(), "-", made++);
    if (mkdir(path.c_str(), 0755) != 0) continue;
    if (access((path + "/cgroup.freeze").c_str(), W_OK) == 0) {
      return std::unique_ptr<RealCgroup>(new RealCgroup(root, std::move(path)));
    }
    rmdir(path.c_str());
  }
  return nullptr;
}

RealCgroup::RealCgroup(std::string root, std::string path)
    : root_(std::move(root)), path_(std::move(path)) {}

RealCgroup::~RealCgroup() {
  // Also of what stands still, and of children that we do not know.
  std::ofstream(path_ + "/cgroup.kill") << "1";
  for (const pid_t pid : processes_) {
    kill(pid, SIGKILL);
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  for (auto path = below_.rbegin(); path != below_.rend(); ++path) rmdir(path->c_str());
  EXPECT_EQ(rmdir(path_.c_str()), 0) << path_;
}

std::string RealCgroup::MakeBelow(absl::string_view name) {
  below_.push_back(absl::StrCat(path_, "/", name));
  EXPECT_EQ(mkdir(below_.back().c_str(), 0755), 0) << below_.back();
  return below_.back();
}

pid_t RealCgroup::AddProcess(const std::string& path) { return Add(path, /*busy=*/false); }

pid_t RealCgroup::AddBusyProcess(const std::string& path) { return Add(path, /*busy=*/true); }

pid_t RealCgroup::Add(const std::string& path, bool busy) {
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    volatile unsigned spins = 0;
    while (true) {
      spins = spins + 1;
      if (!busy) pause();
    }
  }
  EXPECT_GT(pid, 0);
  processes_.push_back(pid);
  Move(pid, path);
  return pid;
}

void RealCgroup::Move(pid_t pid, const std::string& path) {
  std::ofstream file(path + "/cgroup.procs");
  file << pid << std::flush;
  EXPECT_TRUE(file.good()) << pid << " into " << path;
}

bool RealCgroup::IsFrozen() const {
  return absl::StrContains(Read(path_ + "/cgroup.events"), "frozen 1");
}

bool RealCgroup::IsAskedToFreeze() const {
  return absl::StartsWith(Read(path_ + "/cgroup.freeze"), "1");
}

void RealCgroup::Freeze(bool freeze) const {
  std::ofstream file(path_ + "/cgroup.freeze");
  file << (freeze ? "1" : "0") << std::flush;
  EXPECT_TRUE(file.good());
}

}  // namespace dmaheap

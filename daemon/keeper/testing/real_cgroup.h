// A cgroup of the kernel's (v2), made by a test, with processes in it.

#ifndef DAEMON_KEEPER_TESTING_REAL_CGROUP_H_
#define DAEMON_KEEPER_TESTING_REAL_CGROUP_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace dmaheap {

class RealCgroup {
 public:
  // nullptr where this machine has no cgroup file system that we may write to.
  static std::unique_ptr<RealCgroup> Make();
  // Ends the processes, and removes it with those below.
  ~RealCgroup();
  RealCgroup(const RealCgroup&) = delete;
  RealCgroup& operator=(const RealCgroup&) = delete;

  const std::string& path() const { return path_; }

  // Makes one below it; its path.
  std::string MakeBelow(absl::string_view name);
  // Puts a process into the cgroup at path that sleeps, or spins, for ever; its pid. One that spins
  // stands still only when it gets its turn on a processor.
  pid_t AddProcess(const std::string& path);
  pid_t AddBusyProcess(const std::string& path);
  // Moves a process into the cgroup at path.
  static void Move(pid_t pid, const std::string& path);
  // Moves a process out, into the root.
  void MoveOut(pid_t pid) const { Move(pid, root_); }

  // Whether everything in it stands still, or is to.
  bool IsFrozen() const;
  bool IsAskedToFreeze() const;
  // As somebody else would do it.
  void Freeze(bool freeze) const;

 private:
  RealCgroup(std::string root, std::string path);
  pid_t Add(const std::string& path, bool busy);

  const std::string root_;
  const std::string path_;
  std::vector<std::string> below_;
  std::vector<pid_t> processes_;
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_TESTING_REAL_CGROUP_H_

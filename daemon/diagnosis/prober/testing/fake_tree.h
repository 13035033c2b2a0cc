// A folder that looks like /proc, /sys and debugfs, for tests of the prober.

#ifndef DAEMON_DIAGNOSIS_PROBER_TESTING_FAKE_TREE_H_
#define DAEMON_DIAGNOSIS_PROBER_TESTING_FAKE_TREE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "daemon/diagnosis/prober/roots.h"

namespace dmaheap {

class FakeTree {
 public:
  // With empty folders for the three roots.
  FakeTree();
  ~FakeTree();
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;

  ProberRoots roots() const;
  const std::string& path() const { return path_; }

  // Writes a file, or makes a link, and the folders above it. path is relative: "proc/7/maps".
  void File(absl::string_view path, absl::string_view text) const;
  void Link(absl::string_view path, absl::string_view target) const;

  // A process without fds and mappings.
  void Process(int pid) const;
  // An fd of a process: the target of its link and its fdinfo.
  void Fd(int pid, int number, absl::string_view target, absl::string_view fdinfo) const;

  // An fd of a process that runs a program, of a pipe of its own: the path of the latter.
  std::string Pipe(int pid, int number) const;

 private:
  std::string path_;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_TESTING_FAKE_TREE_H_

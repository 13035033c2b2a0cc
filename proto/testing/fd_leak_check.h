// A test fixture that fails a test which leaves an fd open or closes one that it did not open.

#ifndef PROTO_TESTING_FD_LEAK_CHECK_H_
#define PROTO_TESTING_FD_LEAK_CHECK_H_

#include <dirent.h>
#include <stdlib.h>

#include <set>

#include "gtest/gtest.h"

namespace dmaheap {

// The numbers of the fds that this process has open.
inline std::set<int> OpenFds() {
  std::set<int> fds;
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return fds;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    const int fd = atoi(entry->d_name);
    if (fd != dirfd(folder)) fds.insert(fd);
  }
  closedir(folder);
  return fds;
}

// Members of a test class must own their fds in a way that the body of the test ends: what is still
// open in TearDown counts as leaked.
class FdLeakCheck : public testing::Test {
 protected:
  void SetUp() override { before_ = OpenFds(); }
  void TearDown() override { EXPECT_EQ(OpenFds(), before_) << "the set of open fds changed"; }

 private:
  std::set<int> before_;
};

}  // namespace dmaheap

#endif  // PROTO_TESTING_FD_LEAK_CHECK_H_

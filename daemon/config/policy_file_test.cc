#include "daemon/config/policy_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

constexpr char kValid[] = "access { who { uids: 1000 } rights: ADMIN }\n";

std::set<std::string> OpenFds() {
  std::set<std::string> fds;
  DIR* dir = opendir("/proc/self/fd");
  const std::string own = std::to_string(dirfd(dir));
  while (const dirent* entry = readdir(dir)) {
    if (entry->d_name != own) fds.insert(entry->d_name);
  }
  closedir(dir);
  return fds;
}

class PolicyFile : public testing::Test {
 protected:
  PolicyFile() {
    char folder[] = "/tmp/policy_file_test.XXXXXX";
    folder_ = mkdtemp(folder);
    path_ = folder_ + "/policy.textproto";
  }
  ~PolicyFile() override {
    unlink(path_.c_str());
    unlink((folder_ + "/link").c_str());
    rmdir(folder_.c_str());
    EXPECT_EQ(OpenFds(), fds_before_);
  }

  void Write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }

  void ExpectRefused(const std::string& path, const std::string& why) {
    const auto policy = ReadPolicyFile(path);
    ASSERT_FALSE(policy.ok());
    EXPECT_EQ(GetReason(policy.status()), ErrorReason::INVALID_POLICY);
    EXPECT_EQ(policy.status().message(), path + ": " + why);
    EXPECT_EQ(GetErrorValue(policy.status(), "file"), path);
  }

  const std::set<std::string> fds_before_ = OpenFds();
  std::string folder_;
  std::string path_;
};

TEST_F(PolicyFile, AValidFileBecomesThePolicy) {
  Write(kValid);
  const auto policy = ReadPolicyFile(path_);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_TRUE(policy->RightsOf({.uid = 1000, .gid = 1}, {}).admin);
  EXPECT_FALSE(policy->RightsOf({.uid = 1001, .gid = 1}, {}).admin);
}

TEST_F(PolicyFile, AWrongFileIsRefusedWithItsPathAndLine) {
  Write("\n\naccess { who { uids: 1000 } rights: ADMN }\n");
  const auto policy = ReadPolicyFile(path_);
  EXPECT_EQ(policy.status().message(),
            path_ + ":3:37: access[0].rights[0]: there is no Right \"ADMN\"; did you mean ADMIN?");
  EXPECT_EQ(policy.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PolicyFile, AMissingFileKeepsItsErrno) {
  ExpectRefused(path_, "open: No such file or directory (ENOENT)");
  EXPECT_EQ(GetErrno(ReadPolicyFile(path_).status()), ENOENT);
}

TEST_F(PolicyFile, AFifoIsRefusedWithoutWaitingForAWriter) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  ExpectRefused(path_, "is a FIFO; a policy is a file");
}

TEST_F(PolicyFile, ADirectoryIsRefused) {
  ExpectRefused(folder_, "is a directory; a policy is a file");
}

TEST_F(PolicyFile, ADeviceIsRefusedAndNotRead) {
  ExpectRefused("/dev/zero", "is a device; a policy is a file");
}

TEST_F(PolicyFile, ASocketIsRefused) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  close(fd);
  ExpectRefused(path_, "open: No such device or address (ENXIO)");
}

TEST_F(PolicyFile, ASymbolicLinkIsRefusedAlsoToAValidFile) {
  Write(kValid);
  const std::string link = folder_ + "/link";
  ASSERT_EQ(symlink(path_.c_str(), link.c_str()), 0);
  ExpectRefused(link,
                "open: Too many levels of symbolic links (ELOOP); name the file itself, not a "
                "symbolic link to it");
}

TEST_F(PolicyFile, ASparseFileOfFourGigabytesIsRefusedByItsSize) {
  Write("");
  ASSERT_EQ(truncate(path_.c_str(), off_t{4} << 30), 0);
  ExpectRefused(path_, "has 4294967296 bytes; a policy has at most 1048576");
}

TEST_F(PolicyFile, TheLargestSizeIsReadTheNextIsRefused) {
  std::string text = kValid;
  text += "#" + std::string(kMaxPolicyFileBytes - text.size() - 2, 'x') + "\n";
  ASSERT_EQ(text.size(), kMaxPolicyFileBytes);
  Write(text);
  EXPECT_TRUE(ReadPolicyFile(path_).ok());
  Write(text + "\n");
  ExpectRefused(path_, "has 1048577 bytes; a policy has at most 1048576");
}

TEST_F(PolicyFile, NulBytesAreReportedWhereTheyStand) {
  Write(std::string("access { \0 }", 12));
  const auto policy = ReadPolicyFile(path_);
  ASSERT_FALSE(policy.ok());
  EXPECT_TRUE(absl::StartsWith(policy.status().message(), path_ + ":1:10: "))
      << policy.status().message();
}

TEST_F(PolicyFile, AFileThatIsReplacedAfterOpeningIsReadAsItWas) {
  Write(kValid);
  auto fd = OpenPolicyFile(path_);
  ASSERT_TRUE(fd.ok()) << fd.status();
  const std::string other = folder_ + "/link";
  std::ofstream(other) << "nonsense";
  ASSERT_EQ(rename(other.c_str(), path_.c_str()), 0);

  EXPECT_TRUE(ReadPolicyFd(fd->get(), path_).ok());
  EXPECT_FALSE(ReadPolicyFile(path_).ok());
}

TEST_F(PolicyFile, AnOpenedFileIsClosedOnExecAndReadFromItsStartEachTime) {
  Write(kValid);
  auto fd = OpenPolicyFile(path_);
  ASSERT_TRUE(fd.ok()) << fd.status();
  EXPECT_EQ(fcntl(fd->get(), F_GETFD), FD_CLOEXEC);
  EXPECT_TRUE(ReadPolicyFd(fd->get(), path_).ok());
  EXPECT_TRUE(ReadPolicyFd(fd->get(), path_).ok());
}

TEST_F(PolicyFile, AnFdThatIsNoneKeepsItsErrno) {
  EXPECT_EQ(GetErrno(ReadPolicyFd(-1, "x").status()), EBADF);
}

TEST(ParsePolicy, ErrorsNameTheFileAsItWasGiven) {
  EXPECT_EQ(ParsePolicy("access {", "some file").status().message().substr(0, 13), "some file:1:9");
}

TEST(BuiltinPolicyOfADaemon, LetsItsOperatorIn) {
  EXPECT_TRUE(BuiltinPolicy(1234).RightsOf({.uid = 1234, .gid = 1}, {}).admin);
  EXPECT_FALSE(BuiltinPolicy(0).RightsOf({.uid = 1234, .gid = 1}, {}).admin);
}

}  // namespace
}  // namespace dmaheap

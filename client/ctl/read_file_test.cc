#include "client/ctl/read_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "client/testing/fd_leak_check.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"

namespace dmaheap::ctl {
namespace {

class ReadFileTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/read_file_XXXXXX";
    close(mkstemp(path));
    path_ = path;
  }
  void TearDown() override {
    unlink(path_.c_str());
    EXPECT_EQ(leaks_.Leaked(), "");
  }
  absl::StatusOr<std::string> Read(const std::string& path, size_t max_bytes) {
    return ReadFile(path, in_, max_bytes);
  }

  const FdLeakCheck leaks_;
  std::string path_;
  std::istringstream in_{"from in"};
};

TEST_F(ReadFileTest, AFileIsReadWhole) {
  const std::string text("a\0b\n", 4);
  std::ofstream(path_) << text;
  EXPECT_EQ(Read(path_, 4).value(), text);
}

TEST_F(ReadFileTest, ADashIsStandardInput) { EXPECT_EQ(Read("-", 7).value(), "from in"); }

TEST_F(ReadFileTest, MoreThanTheMostIsRefused) {
  std::ofstream(path_) << "12345";
  EXPECT_EQ(Read(path_, 4).status().message(),
            path_ + " has more than 4 bytes, the most that are taken");
  EXPECT_EQ(Read("-", 6).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(Read("/dev/zero", 100).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(ReadFileTest, WhatCanNotBeReadIsNamedWithItsErrno) {
  const absl::Status missing = Read("/nonexistent/policy", 4).status();
  EXPECT_EQ(GetErrno(missing), ENOENT);
  EXPECT_NE(missing.message().find("can not open /nonexistent/policy: "), absl::string_view::npos);
  EXPECT_EQ(GetErrno(Read("/tmp", 4).status()), EISDIR);
}

}  // namespace
}  // namespace dmaheap::ctl

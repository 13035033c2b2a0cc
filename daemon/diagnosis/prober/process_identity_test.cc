#include "daemon/diagnosis/prober/process_identity.h"

#include <fcntl.h>

#include <string>

#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "gtest/gtest.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

std::string Put(absl::string_view text, size_t bytes) {
  std::string place(bytes, 'x');
  PutText(text, place.data(), bytes);
  EXPECT_NE(place.find('\0'), std::string::npos);
  return place.c_str();
}

TEST(PutTextTest, KeepsTheEndOfWhatDoesNotFit) {
  EXPECT_EQ(Put("", 8), "");
  EXPECT_EQ(Put("/a/b/c7", 8), "/a/b/c7");
  EXPECT_EQ(Put("/a/b/cde", 8), ".../cde");
}

TEST(CgroupPathTest, IsThatOfTheUnifiedHierarchy) {
  EXPECT_EQ(CgroupPathOf("0::/apps\n"), "/apps");
  EXPECT_EQ(CgroupPathOf("12:cpu,cpuacct:/old\n1:name=systemd:/init\n0::/apps:1\n"), "/apps:1");
  EXPECT_EQ(CgroupPathOf("12:cpu,cpuacct:/old\n1:name=systemd:/init\n"), "/old");
  EXPECT_EQ(CgroupPathOf("garbage\n0:x"), "");
  EXPECT_EQ(CgroupPathOf(""), "");
}

TEST(DescribeProcessTest, WhatCanNotBeReadIsEmpty) {
  const FakeTree tree;
  tree.File("proc/7/comm", "a name that is longer than any\n");
  const UniqueFd process(open((tree.path() + "/proc/7").c_str(), O_RDONLY | O_DIRECTORY));
  ASSERT_TRUE(process.valid());

  const ProcessRecord record = DescribeProcess(process.get(), 7);

  EXPECT_EQ(record.pid, 7);
  EXPECT_STREQ(record.name, "a name that is ");
  EXPECT_STREQ(record.cgroup, "");
  EXPECT_STREQ(record.executable, "");
}

}  // namespace
}  // namespace dmaheap

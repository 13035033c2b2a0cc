#include "daemon/diagnosis/prober/cgroup_members.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST(ParseCgroupProcsTest, TakesNumbersAndNothingElse) {
  EXPECT_TRUE(ParseCgroupProcs("")->empty());
  EXPECT_THAT(*ParseCgroupProcs("1\n4711\n2147483647\n"), ElementsAre(1, 4711, 2147483647));
  EXPECT_THAT(*ParseCgroupProcs("0\n"), ElementsAre(0)) << "of another namespace";
  for (const char* text :
       {"1", "\n", "1\n\n2\n", "x\n", "1 2\n", "-1\n", "2147483648\n", " 1\n", "+1\n", "01\n"}) {
    EXPECT_FALSE(ParseCgroupProcs(text).has_value()) << text;
  }
}

class CgroupMembersTest : public ::testing::Test {
 protected:
  void Cgroup(absl::string_view path, absl::string_view procs) {
    tree_.File(absl::StrCat("sys/fs/cgroup/", path, "/cgroup.procs"), procs);
    tree_.File(absl::StrCat("sys/fs/cgroup/", path, "/cgroup.freeze"), "0\n");
  }
  absl::StatusOr<CgroupMembers> Read(absl::string_view path,
                                     const TimeBox& box = TimeBox(absl::InfiniteDuration())) {
    return ReadCgroupMembers(absl::StrCat(tree_.path(), "/sys/fs/cgroup/", path), box);
  }

  FakeTree tree_;
};

TEST_F(CgroupMembersTest, AreFoundAtAnyDepth) {
  Cgroup("apps", "10\n11\n");
  Cgroup("apps/camera.slice", "");
  Cgroup("apps/camera.slice/hal.scope", "12\n");
  Cgroup("apps/codec", "13\n");
  Cgroup("other", "14\n");

  const auto members = Read("apps");

  ASSERT_TRUE(members.ok()) << members.status();
  EXPECT_TRUE(members->complete);
  EXPECT_THAT(members->pids, UnorderedElementsAre(10, 11, 12, 13));
}

TEST_F(CgroupMembersTest, AnEmptyOneHasNone) {
  Cgroup("apps", "");
  EXPECT_TRUE(Read("apps")->pids.empty());
  EXPECT_TRUE(Read("apps")->complete);
}

TEST_F(CgroupMembersTest, OneThatIsMissingIsEnoent) {
  EXPECT_EQ(GetErrno(Read("apps").status()), ENOENT);
  // A folder that is no cgroup.
  tree_.File("sys/fs/cgroup/apps/file", "");
  EXPECT_EQ(GetErrno(Read("apps").status()), ENOENT);
}

TEST_F(CgroupMembersTest, OneThatIsRemovedMeanwhileIsEmpty) {
  Cgroup("apps", "10\n");
  // Its files go first.
  tree_.File("sys/fs/cgroup/apps/going/cgroup.freeze", "0\n");
  EXPECT_THAT(Read("apps")->pids, ElementsAre(10));
}

TEST_F(CgroupMembersTest, LinksLeadNowhere) {
  Cgroup("apps", "10\n");
  Cgroup("other", "11\n");
  tree_.Link("sys/fs/cgroup/apps/link", "../other");
  EXPECT_THAT(Read("apps")->pids, ElementsAre(10));
}

TEST_F(CgroupMembersTest, ATextThatIsNoListIsAnError) {
  Cgroup("apps", "10\n");
  Cgroup("apps/below", "many\n");
  EXPECT_EQ(GetErrno(Read("apps").status()), EBADMSG);
}

TEST_F(CgroupMembersTest, AfterTheBoxTheyAreNotComplete) {
  Cgroup("apps", "10\n");
  const auto members = Read("apps", TimeBox(absl::ZeroDuration()));
  ASSERT_TRUE(members.ok()) << members.status();
  EXPECT_FALSE(members->complete);
}

TEST_F(CgroupMembersTest, NestingHasAnEnd) {
  std::string path = "apps";
  for (int i = 0; i < 40; ++i) {
    Cgroup(path, absl::StrCat(100 + i, "\n"));
    path += "/d";
  }
  EXPECT_EQ(GetErrno(Read("apps").status()), ELOOP);
}

}  // namespace
}  // namespace dmaheap

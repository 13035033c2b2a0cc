#include "daemon/keeper/account.h"

#include <pwd.h>
#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// An account of every Linux machine, and one of none.
constexpr char kKnown[] = "nobody";
constexpr uid_t kUnknownUid = 3000000001;

TEST(AccountTest, ANameIsLookedUp) {
  const passwd* entry = getpwnam(kKnown);
  ASSERT_NE(entry, nullptr);
  const uid_t uid = entry->pw_uid;
  const gid_t gid = entry->pw_gid;

  const auto account = ResolveAccount(kKnown, 0);

  ASSERT_TRUE(account.ok()) << account.status();
  EXPECT_EQ(account->name, kKnown);
  EXPECT_EQ(account->uid, uid);
  EXPECT_EQ(account->gid, gid);
  EXPECT_TRUE(account->change);
}

TEST(AccountTest, ANumberWithoutAnAccountHasTheGroupOfThatNumber) {
  const auto account = ResolveAccount("3000000001", 0);

  ASSERT_TRUE(account.ok()) << account.status();
  EXPECT_EQ(account->uid, kUnknownUid);
  EXPECT_EQ(account->gid, kUnknownUid);
}

TEST(AccountTest, AnUnknownNameIsRefusedWithTheRemedy) {
  for (const char* user : {"no-such-account", "-1", "4294967295", "4294967296", "1x"}) {
    const auto account = ResolveAccount(user, 0);

    EXPECT_EQ(account.status().code(), absl::StatusCode::kNotFound) << user;
    EXPECT_THAT(std::string(account.status().message()),
                AllOf(HasSubstr(user), HasSubstr("useradd")));
  }
}

TEST(AccountTest, OnlyRootCanChangeToAnother) {
  const auto account = ResolveAccount("3000000001", 1000);

  EXPECT_EQ(account.status().code(), absl::StatusCode::kPermissionDenied);
}

TEST(AccountTest, OnesOwnNumberIsNoChange) {
  const auto account = ResolveAccount("3000000001", kUnknownUid);

  ASSERT_TRUE(account.ok()) << account.status();
  EXPECT_FALSE(account->change);
  EXPECT_EQ(account->gid, getegid());
}

TEST(AccountTest, WithoutPrivilegesNothingChanges) {
  const auto account = ResolveAccount("", kUnknownUid);

  ASSERT_TRUE(account.ok()) << account.status();
  EXPECT_EQ(account->uid, kUnknownUid);
  EXPECT_FALSE(account->change);
}

TEST(AccountTest, RootLooksForTheAccountOfTheDaemon) {
  const auto account = ResolveAccount("", 0);

  const passwd* entry = getpwnam("dmaheapd");
  if (entry != nullptr) {
    ASSERT_TRUE(account.ok()) << account.status();
    EXPECT_EQ(account->uid, entry->pw_uid);
  } else {
    EXPECT_EQ(account.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(account.status().message()),
                AllOf(HasSubstr("useradd --system"), HasSubstr("--user")));
  }
}

}  // namespace
}  // namespace dmaheap

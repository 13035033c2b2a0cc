#include "daemon/core/secret.h"

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

TEST(SecretTest, SecretsAreOfTheirLengthInHexAndNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string secret = NewSecret();
    EXPECT_EQ(secret.size(), kSecretHexDigits);
    EXPECT_EQ(secret.find_first_not_of("0123456789abcdef"), std::string::npos) << secret;
    EXPECT_TRUE(seen.insert(secret).second);
  }
}

TEST(SecretTest, OnlyTheSameIsEqual) {
  EXPECT_TRUE(SecretsEqual("", ""));
  EXPECT_TRUE(SecretsEqual("abc", "abc"));
  EXPECT_FALSE(SecretsEqual("abc", "abd"));
  EXPECT_FALSE(SecretsEqual("abc", "Abc"));
  EXPECT_FALSE(SecretsEqual("abc", "ab"));
  EXPECT_FALSE(SecretsEqual("", "a"));
}

}  // namespace
}  // namespace dmaheap

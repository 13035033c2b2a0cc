#include "daemon/core/replay_cache.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

v1::AllocateBuffersResponse Answer(int64_t batch) {
  v1::AllocateBuffersResponse response;
  response.set_batch_id(batch);
  return response;
}

// The batch of the remembered answer; 0 for none.
int64_t Find(ReplayCache& cache, uint32_t uid, const std::string& id) {
  const auto found = cache.Find(uid, id, "print");
  EXPECT_TRUE(found.ok()) << found.status();
  return found.ok() && found->has_value() ? (*found)->batch_id() : 0;
}

TEST(ReplayCacheTest, TheSameRequestGetsTheFirstAnswer) {
  ReplayCache cache(2, 2);
  EXPECT_EQ(Find(cache, 1, "a"), 0);
  cache.Remember(1, "a", "print", Answer(7));
  EXPECT_EQ(Find(cache, 1, "a"), 7);
  EXPECT_EQ(Find(cache, 1, "a"), 7);
}

TEST(ReplayCacheTest, AnIdBelongsToItsUid) {
  ReplayCache cache(2, 2);
  cache.Remember(1, "a", "print", Answer(7));
  EXPECT_EQ(Find(cache, 2, "a"), 0);
}

TEST(ReplayCacheTest, AnotherRequestUnderTheIdIsRefused) {
  ReplayCache cache(2, 2);
  cache.Remember(1, "a", "print", Answer(7));
  const absl::Status status = cache.Find(1, "a", "other").status();
  EXPECT_EQ(GetReason(status), ErrorReason::REQUEST_ID_REUSED);
  EXPECT_EQ(GetErrorValue(status, "request_id"), "a");
  google::rpc::BadRequest bad_request;
  ASSERT_TRUE(GetDetail(status, bad_request));
  EXPECT_EQ(bad_request.field_violations(0).field(), "request_id");
}

TEST(ReplayCacheTest, TheOldestAnswerOfAUidGoesFirst) {
  ReplayCache cache(2, 2);
  cache.Remember(1, "a", "print", Answer(1));
  cache.Remember(1, "b", "print", Answer(2));
  cache.Remember(1, "c", "print", Answer(3));
  EXPECT_EQ(Find(cache, 1, "a"), 0);
  EXPECT_EQ(Find(cache, 1, "b"), 2);
  EXPECT_EQ(Find(cache, 1, "c"), 3);
}

TEST(ReplayCacheTest, AnAnswerThatIsReplacedCostsNoOther) {
  ReplayCache cache(2, 2);
  cache.Remember(1, "a", "print", Answer(1));
  cache.Remember(1, "b", "print", Answer(2));
  cache.Remember(1, "b", "print", Answer(3));
  EXPECT_EQ(Find(cache, 1, "a"), 1);
  EXPECT_EQ(Find(cache, 1, "b"), 3);
}

TEST(ReplayCacheTest, AnAnswerThatIsReplacedIsTheNewest) {
  ReplayCache cache(2, 2);
  cache.Remember(1, "a", "print", Answer(1));
  cache.Remember(1, "b", "print", Answer(2));
  cache.Remember(1, "a", "print", Answer(3));
  cache.Remember(1, "c", "print", Answer(4));
  EXPECT_EQ(Find(cache, 1, "a"), 3);
  EXPECT_EQ(Find(cache, 1, "b"), 0);
}

TEST(ReplayCacheTest, TheUidThatWasQuietForLongestGoesFirst) {
  ReplayCache cache(2, 2);
  cache.Remember(1, "a", "print", Answer(1));
  cache.Remember(2, "a", "print", Answer(2));
  cache.Remember(1, "b", "print", Answer(3));
  cache.Remember(3, "a", "print", Answer(4));
  EXPECT_EQ(Find(cache, 1, "a"), 1);
  EXPECT_EQ(Find(cache, 2, "a"), 0);
  EXPECT_EQ(Find(cache, 3, "a"), 4);
}

TEST(ReplayCacheTest, ManyUidsAndIdsStayWithinTheBounds) {
  ReplayCache cache(4, 4);
  for (int i = 0; i < 1000; ++i) {
    cache.Remember(static_cast<uint32_t>(i % 37), absl::StrCat(i), "print", Answer(i + 1));
  }
  int found = 0;
  for (int i = 0; i < 1000; ++i) {
    found += Find(cache, static_cast<uint32_t>(i % 37), absl::StrCat(i)) != 0 ? 1 : 0;
  }
  EXPECT_LE(found, 16);
  EXPECT_EQ(Find(cache, 999 % 37, "999"), 1000);
}

}  // namespace
}  // namespace dmaheap

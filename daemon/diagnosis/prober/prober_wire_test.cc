#include "daemon/diagnosis/prober/prober_wire.h"

#include <cstring>
#include <random>
#include <string>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

ProberReply ReplyWith(size_t buffers, size_t holders) {
  ProberReply reply;
  reply.sequence = 77;
  reply.source = ProberSource::kDebugfs;
  for (size_t i = 0; i < buffers; ++i) {
    BufferRecord record;
    record.inode = i + 1;
    reply.buffers.push_back(record);
  }
  for (size_t i = 0; i < holders; ++i) {
    HolderRecord record;
    record.inode = i + 1;
    record.pid = static_cast<int32_t>(i);
    reply.holders.push_back(record);
  }
  return reply;
}

TEST(ProberRequestTest, ComesBackAsItWent) {
  const auto bytes = EncodeProberRequest(ProberOp::kFreeRuns, 0xfedcba9876543210, "linux,cma");
  ASSERT_TRUE(bytes.ok()) << bytes.status();

  const auto request = DecodeProberRequest(*bytes);

  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->op, static_cast<uint32_t>(ProberOp::kFreeRuns));
  EXPECT_EQ(request->sequence, 0xfedcba9876543210);
  EXPECT_STREQ(request->name, "linux,cma");
}

TEST(ProberRequestTest, TakesNamesThatFitWithTheirEnd) {
  EXPECT_TRUE(EncodeProberRequest(ProberOp::kFreeRuns, 1, std::string(63, 'a')).ok());
  EXPECT_FALSE(EncodeProberRequest(ProberOp::kFreeRuns, 1, std::string(64, 'a')).ok());
  EXPECT_FALSE(EncodeProberRequest(ProberOp::kFreeRuns, 1, absl::string_view("a\0b", 3)).ok());
}

TEST(ProberRequestTest, OtherSizesVersionsAndOpenNamesAreRefused) {
  const std::string good = EncodeProberRequest(ProberOp::kListDmabufs, 1, "a").value();
  ASSERT_TRUE(DecodeProberRequest(good).ok());

  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeProberRequest(good.substr(0, size)).ok());
  }
  EXPECT_FALSE(DecodeProberRequest(good + "x").ok());
  std::string version = good;
  version[0] = kProberWireVersion + 1;
  EXPECT_FALSE(DecodeProberRequest(version).ok());
  std::string open_end = good;
  memset(open_end.data() + offsetof(ProberRequest, name), 'a', sizeof(ProberRequest::name));
  EXPECT_FALSE(DecodeProberRequest(open_end).ok());
  std::string behind_end = good;
  behind_end.back() = 'x';
  EXPECT_FALSE(DecodeProberRequest(behind_end).ok());
}

TEST(ProberReplyTest, AnEmptyReplyIsOneLastPart) {
  const auto parts = EncodeProberReply(ReplyWith(0, 0));

  ASSERT_EQ(parts.size(), 1u);
  const auto part = DecodeProberReply(parts[0]);
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_EQ(part->header.sequence, 77u);
  EXPECT_EQ(part->header.flags, kProberLast);
  EXPECT_EQ(part->header.source, static_cast<uint32_t>(ProberSource::kDebugfs));
}

TEST(ProberReplyTest, ManyRecordsGoInNumberedPartsOfWhichOneIsTheLast) {
  const auto parts = EncodeProberReply(ReplyWith(1000, 3000));

  ASSERT_GT(parts.size(), 2u);
  size_t buffers = 0;
  size_t holders = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    EXPECT_LE(parts[i].size(), kMaxProberDatagramBytes);
    const auto part = DecodeProberReply(parts[i]);
    ASSERT_TRUE(part.ok()) << part.status();
    EXPECT_EQ(part->header.part, i);
    EXPECT_EQ((part->header.flags & kProberLast) != 0, i + 1 == parts.size());
    for (const BufferRecord& record : part->buffers) EXPECT_EQ(record.inode, ++buffers);
    for (const HolderRecord& record : part->holders) EXPECT_EQ(record.inode, ++holders);
  }
  EXPECT_EQ(buffers, 1000u);
  EXPECT_EQ(holders, 3000u);
}

TEST(ProberReplyTest, AFailedReplyHasNoRecords) {
  ProberReply reply = ReplyWith(10, 10);
  reply.error_number = 22;

  const auto parts = EncodeProberReply(reply);

  ASSERT_EQ(parts.size(), 1u);
  const auto part = DecodeProberReply(parts[0]);
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_EQ(part->header.error_number, 22);
  EXPECT_TRUE(part->buffers.empty());
}

TEST(ProberReplyTest, TextsThatDoNotEndAreEnded) {
  ProberReply reply = ReplyWith(1, 0);
  memset(reply.buffers[0].name, 'n', sizeof(reply.buffers[0].name));
  memset(reply.buffers[0].exporter, 'e', sizeof(reply.buffers[0].exporter));

  const auto part = DecodeProberReply(EncodeProberReply(reply)[0]);

  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_EQ(std::string(part->buffers[0].name), std::string(31, 'n'));
  EXPECT_EQ(std::string(part->buffers[0].exporter), std::string(31, 'e'));
}

TEST(ProberReplyTest, TheNameOfAnAreaIsEndedToo) {
  ProberReply reply;
  memset(reply.logged_failures.emplace_back().area, 'a', kAreaNameBytes);

  const auto part = DecodeProberReply(EncodeProberReply(reply)[0]);

  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_EQ(std::string(part->logged_failures.at(0).area), std::string(kAreaNameBytes - 1, 'a'));
}

TEST(ProberReplyTest, BytesThatAreCutOrAddedAreRefused) {
  for (const std::string& good :
       {EncodeProberReply(ReplyWith(2, 0))[0], EncodeProberReply(ReplyWith(0, 2))[0],
        EncodeProberReply(ReplyWith(0, 0))[0]}) {
    ASSERT_TRUE(DecodeProberReply(good).ok());
    for (size_t size = 0; size < good.size(); ++size) {
      EXPECT_FALSE(DecodeProberReply(good.substr(0, size)).ok()) << size;
    }
    EXPECT_FALSE(DecodeProberReply(good + "x").ok());
  }
  EXPECT_FALSE(DecodeProberReply(std::string(kMaxProberDatagramBytes + 1, '\0')).ok());
}

TEST(ProberReplyTest, ARequestThatFailedHasNoRecords) {
  std::string bytes = EncodeProberReply(ReplyWith(1, 0))[0];
  ASSERT_TRUE(DecodeProberReply(bytes).ok());
  const int32_t error_number = 13;
  memcpy(bytes.data() + offsetof(ProberReplyHeader, error_number), &error_number,
         sizeof(error_number));
  EXPECT_FALSE(DecodeProberReply(bytes).ok());
}

TEST(ProberReplyTest, NoErrnoIsBelowZero) {
  std::string bytes = EncodeProberReply(ReplyWith(0, 0))[0];
  const int32_t error_number = -13;
  memcpy(bytes.data() + offsetof(ProberReplyHeader, error_number), &error_number,
         sizeof(error_number));
  EXPECT_FALSE(DecodeProberReply(bytes).ok());
}

TEST(ProberReplyTest, ACountThatDoesNotFitTheBytesIsRefused) {
  const std::string good = EncodeProberReply(ReplyWith(2, 0))[0];
  for (const uint32_t count : {0u, 1u, 3u, 0x7fffffffu, 0xffffffffu, 0x2aaaaaabu}) {
    std::string bytes = good;
    memcpy(bytes.data() + offsetof(ProberReplyHeader, count), &count, sizeof(count));
    EXPECT_FALSE(DecodeProberReply(bytes).ok()) << count;
  }
}

TEST(ProberReplyTest, RandomBytesAreSurvived) {
  std::mt19937 random(1);
  const std::string good = EncodeProberReply(ReplyWith(3, 0))[0];
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good;
    for (int i = 0; i < 4; ++i) bytes[random() % 48] = static_cast<char>(random());
    bytes.resize(random() % (bytes.size() + 1));
    refused += DecodeProberReply(bytes).ok() ? 0 : 1;
    refused += DecodeProberRequest(bytes).ok() ? 0 : 1;
  }
  EXPECT_GT(refused, 30000);
}

}  // namespace
}  // namespace dmaheap

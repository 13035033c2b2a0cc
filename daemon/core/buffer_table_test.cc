#include "daemon/core/buffer_table.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

class BufferTableTest : public testing::Test {
 protected:
  static BufferKey Key(uint64_t inode) { return {BufferKey::Backing::kDmaBuf, inode}; }
  LiveBuffer& Insert(uint64_t inode, const std::string& heap, int64_t bytes, uint64_t client) {
    LiveBuffer record;
    record.key = Key(inode);
    record.heap = heap;
    record.size_bytes = bytes;
    record.state = client == 0 ? v1::Buffer::HELD : v1::Buffer::DELIVERED;
    record.client_id = client;
    record.charge = ledger_.Record(7, {bytes, 1});
    return table_.Insert(std::move(record));
  }

  Ledger ledger_;
  BufferTable table_;
};

TEST_F(BufferTableTest, ARecordIsFoundUntilItIsErasedAndSoIsItsCharge) {
  Insert(1, "a", 100, 5);
  ASSERT_NE(table_.Find(Key(1)), nullptr);
  EXPECT_EQ(table_.Find(Key(1))->size_bytes, 100);
  EXPECT_EQ(ledger_.Of(7), (Charged{100, 1}));

  EXPECT_TRUE(table_.Erase(Key(1)));

  EXPECT_EQ(table_.Find(Key(1)), nullptr);
  EXPECT_FALSE(table_.Erase(Key(1)));
  EXPECT_EQ(ledger_.Of(7), Charged{});
}

TEST_F(BufferTableTest, ADmaBufAndAMemfdOfOneNumberAreTwo) {
  Insert(1, "a", 100, 5);
  EXPECT_EQ(table_.Find({BufferKey::Backing::kMemfd, 1}), nullptr);
}

TEST_F(BufferTableTest, ANumberThatComesBackIsNewMemory) {
  Insert(1, "a", 100, 5);
  Insert(1, "b", 200, 6);
  EXPECT_EQ(table_.records().size(), 1u);
  EXPECT_EQ(table_.Find(Key(1))->heap, "b");
  EXPECT_EQ(ledger_.Of(7), (Charged{200, 1}));
}

TEST_F(BufferTableTest, TheOrderIsThatOfTheirMaking) {
  Insert(9, "a", 1, 5);
  Insert(3, "a", 1, 5);
  Insert(5, "a", 1, 5);
  table_.Erase(Key(3));
  Insert(3, "a", 1, 5);
  std::string order;
  for (const auto& [number, record] : table_.records()) order += record.key.ToString() + " ";
  EXPECT_EQ(order, "9 5 3 ");
}

TEST_F(BufferTableTest, TotalsAreOfTheHeapAndOfTheSession) {
  Insert(1, "a", 100, 5);
  Insert(2, "a", 200, 6);
  Insert(3, "b", 400, 5);
  EXPECT_EQ(table_.OfHeap("a").bytes, 300);
  EXPECT_EQ(table_.OfHeap("a").buffers, 2);
  EXPECT_EQ(table_.OfHeap("c").buffers, 0);
  EXPECT_EQ(table_.OfClient(5).bytes, 500);
  EXPECT_EQ(table_.OfClient(5).buffers, 2);
}

TEST_F(BufferTableTest, TheTotalsOfAHeapFollowWhatEndsAndWhatComesInItsPlace) {
  Insert(1, "a", 100, 5);
  Insert(2, "a", 200, 5);
  table_.Erase(Key(1));
  EXPECT_EQ(table_.OfHeap("a").bytes, 200);
  EXPECT_EQ(table_.OfHeap("a").buffers, 1);

  Insert(2, "b", 400, 5);
  EXPECT_EQ(table_.OfHeap("a").bytes, 0);
  EXPECT_EQ(table_.OfHeap("a").buffers, 0);
  EXPECT_EQ(table_.OfHeap("b").bytes, 400);
  EXPECT_EQ(table_.OfHeap("b").buffers, 1);
}

TEST_F(BufferTableTest, OnlyWhatASessionGotIsOrphanedWithIt) {
  Insert(1, "a", 100, 5);
  Insert(2, "a", 100, 6);
  Insert(3, "a", 100, 0);
  EXPECT_EQ(table_.OrphanClient(5), 1);
  EXPECT_EQ(table_.OrphanClient(5), 0);
  EXPECT_EQ(table_.Find(Key(1))->state, v1::Buffer::ORPHANED);
  EXPECT_EQ(table_.Find(Key(2))->state, v1::Buffer::DELIVERED);
  EXPECT_EQ(table_.Find(Key(3))->state, v1::Buffer::HELD);
  EXPECT_EQ(ledger_.Of(7), (Charged{300, 3}));
}

TEST_F(BufferTableTest, AsAResource) {
  LiveBuffer& record = Insert(1, "reserved", 4096, 5);
  record.label = "camera";
  record.request_id = "id";
  record.contiguity = v1::PHYSICAL;
  record.create_time = absl::FromUnixSeconds(100);
  const v1::Buffer buffer = ToProto(record);
  EXPECT_EQ(buffer.name(), "buffers/1");
  EXPECT_EQ(buffer.heap(), "heaps/reserved");
  EXPECT_EQ(buffer.size_bytes(), 4096);
  EXPECT_EQ(buffer.contiguity(), v1::PHYSICAL);
  EXPECT_EQ(buffer.label(), "camera");
  EXPECT_EQ(buffer.state(), v1::Buffer::DELIVERED);
  EXPECT_EQ(buffer.owner_uid(), 7);
  EXPECT_EQ(buffer.client(), "clients/5");
  EXPECT_EQ(buffer.create_time().seconds(), 100);
  EXPECT_FALSE(buffer.has_expire_time());
  EXPECT_EQ(buffer.request_id(), "id");

  record.client_id = 0;
  record.expire_time = absl::FromUnixSeconds(160);
  EXPECT_EQ(ToProto(record).client(), "");
  EXPECT_EQ(ToProto(record).expire_time().seconds(), 160);
}

}  // namespace
}  // namespace dmaheap

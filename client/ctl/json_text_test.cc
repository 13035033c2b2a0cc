#include "client/ctl/json_text.h"

#include "dmaheap/v1/allocator.pb.h"
#include "gtest/gtest.h"

namespace dmaheap::ctl {
namespace {

TEST(JsonTextTest, FieldsKeepTheNamesOfTheProto) {
  v1::Heap heap;
  heap.set_name("heaps/reserved");
  heap.set_kind(v1::CMA);
  heap.set_size_bytes(268435456);

  EXPECT_EQ(*JsonText(heap, JsonFields::kKnown),
            "{\n"
            " \"name\": \"heaps/reserved\",\n"
            " \"kind\": \"CMA\",\n"
            " \"size_bytes\": \"268435456\"\n"
            "}\n");
}

TEST(JsonTextTest, AWholeMessageShowsZerosAndEmptyListsButNotWhatIsAbsent) {
  EXPECT_EQ(*JsonText(v1::ListBuffersResponse(), JsonFields::kWhole),
            "{\n"
            " \"buffers\": [],\n"
            " \"next_page_token\": \"\",\n"
            " \"accounting\": \"ACCOUNTING_SOURCE_UNSPECIFIED\"\n"
            "}\n");
  // optional int64 size_bytes
  EXPECT_EQ(JsonText(v1::Heap(), JsonFields::kWhole)->find("\"size_bytes\""), std::string::npos);
}

TEST(JsonTextTest, AMessageOfManyIsOneLineWithAllFields) {
  v1::GetHeapRequest request;
  EXPECT_EQ(*JsonLine(request), "{\"name\":\"\"}\n");
}

}  // namespace
}  // namespace dmaheap::ctl

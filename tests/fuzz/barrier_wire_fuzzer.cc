// The messages about a barrier: what is taken is what would be sent, and nothing of another size.

#include <cstddef>
#include <cstdint>

#include "daemon/handover/barrier_wire.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"

namespace dmaheap::fuzz {
namespace {

template <typename Message>
void Check(absl::string_view bytes) {
  const auto message = DecodeBarrierMessage<Message>(bytes);
  DEMAND(!message.has_value() || EncodeBarrierMessage(*message) == bytes);
  // The same numbers, in a message of the right size and version.
  auto whole = Input(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()).Take<Message>();
  whole.version = kBarrierWireVersion;
  const std::string encoded = EncodeBarrierMessage(whole);
  const auto again = DecodeBarrierMessage<Message>(encoded);
  DEMAND(again.has_value() && EncodeBarrierMessage(*again) == encoded);
  DEMAND(!DecodeBarrierMessage<Message>(absl::string_view(encoded).substr(1)).has_value());
  DEMAND(!DecodeBarrierMessage<Message>(encoded + '\0').has_value());
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes = dmaheap::fuzz::AsText(data, size);
  dmaheap::fuzz::Check<dmaheap::BarrierRequest>(bytes);
  dmaheap::fuzz::Check<dmaheap::BarrierReply>(bytes);
  dmaheap::fuzz::Check<dmaheap::GuardRequest>(bytes);
  dmaheap::fuzz::Check<dmaheap::GuardReply>(bytes);
  return 0;
}

#include "heaps/buffer.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proto/decimal.h"

namespace dmaheap {
namespace {

constexpr absl::string_view kMemfdPrefix = "memfd-";

}  // namespace

std::string BufferKey::ToString() const {
  return absl::StrCat(backing == Backing::kMemfd ? kMemfdPrefix : "", inode);
}

absl::optional<BufferKey> BufferKey::Parse(absl::string_view text) {
  BufferKey key;
  key.backing = absl::ConsumePrefix(&text, kMemfdPrefix) ? Backing::kMemfd : Backing::kDmaBuf;
  if (!ParseDecimal(text, key.inode)) return absl::nullopt;
  return key;
}

}  // namespace dmaheap

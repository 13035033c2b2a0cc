#include "heaps/buffer.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

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
  // SimpleAtoi forgives signs, spaces and leading zeros: one buffer would have many names.
  if (text.empty() || !absl::ascii_isdigit(text[0]) || (text[0] == '0' && text.size() > 1) ||
      !absl::ascii_isdigit(text.back()) || !absl::SimpleAtoi(text, &key.inode)) {
    return absl::nullopt;
  }
  return key;
}

}  // namespace dmaheap

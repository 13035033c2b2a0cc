// An input of a fuzzer as text, and as numbers and texts that it is cut into.

#ifndef TESTS_FUZZ_INPUT_H_
#define TESTS_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "absl/strings/string_view.h"

namespace dmaheap::fuzz {

inline absl::string_view AsText(const uint8_t* data, size_t size) {
  return absl::string_view(reinterpret_cast<const char*>(data), size);
}

// Takes values off the front of the bytes; what is missing is 0.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(AsText(data, size)) {}

  bool empty() const { return rest_.empty(); }

  // Any value of a type that is nothing but its bytes.
  template <typename Value>
  Value Take() {
    static_assert(std::is_trivially_copyable_v<Value>);
    Value value{};
    const absl::string_view bytes = TakeBytes(sizeof(value));
    memcpy(static_cast<void*>(&value), bytes.data(), bytes.size());
    return value;
  }

  absl::string_view TakeBytes(size_t most) {
    const absl::string_view bytes = rest_.substr(0, std::min(most, rest_.size()));
    rest_.remove_prefix(bytes.size());
    return bytes;
  }

  // Up to a byte that is 0, which is taken too, or to the end.
  absl::string_view TakeText() {
    const absl::string_view text = rest_.substr(0, rest_.find('\0'));
    rest_.remove_prefix(std::min(text.size() + 1, rest_.size()));
    return text;
  }

  absl::string_view TakeRest() { return TakeBytes(rest_.size()); }

 private:
  absl::string_view rest_;
};

}  // namespace dmaheap::fuzz

#endif  // TESTS_FUZZ_INPUT_H_

#include "daemon/diagnosis/prober/page_owner_text.h"

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "proto/decimal.h"

namespace dmaheap {
namespace {

constexpr uint32_t kMaxOrder = 30;

// What is before end, which goes with it. Absent, and nothing taken, where there is no end.
absl::optional<absl::string_view> TakeUntil(absl::string_view& text, absl::string_view end) {
  const size_t at = text.find(end);
  if (at == absl::string_view::npos) return absl::nullopt;
  const absl::string_view taken = text.substr(0, at);
  text.remove_prefix(at + end.size());
  return taken;
}

template <typename Number>
bool TakeNumber(absl::string_view& text, absl::string_view end, Number& number) {
  const auto digits = TakeUntil(text, end);
  return digits.has_value() && ParseDecimal(*digits, number);
}

bool ParseFrame(absl::string_view number, uint64_t& frame) {
  return absl::ConsumePrefix(&number, "0x") ? absl::SimpleHexAtoi(number, &frame)
                                            : ParseDecimal(number, frame);
}

// Behind "tgid ": "T (NAME), ts N ns\nPFN F type". A name may hold any of that, but what is behind
// it has the kernel's numbers in every place.
bool TakeProcess(absl::string_view text, PageOwner& owner) {
  if (!TakeNumber(text, " (", owner.pid)) return false;
  for (size_t end = text.find("), ts "); end != absl::string_view::npos;
       end = text.find("), ts ", end + 1)) {
    absl::string_view rest = text.substr(end);
    absl::ConsumePrefix(&rest, "), ts ");
    uint64_t nanoseconds = 0;
    if (!TakeNumber(rest, " ns\nPFN ", nanoseconds)) continue;
    const auto frame = TakeUntil(rest, " type ");
    if (!frame.has_value() || !ParseFrame(*frame, owner.frame)) continue;
    owner.name = std::string(text.substr(0, end));
    owner.allocated = absl::Nanoseconds(nanoseconds);
    return true;
  }
  return false;
}

}  // namespace

absl::optional<PageOwner> ParsePageOwner(absl::string_view text) {
  PageOwner owner;
  if (!absl::ConsumePrefix(&text, "Page allocated via order ") ||
      !TakeNumber(text, ", mask ", owner.order) || owner.order > kMaxOrder ||
      !TakeUntil(text, "), pid ").has_value() || !TakeUntil(text, ", tgid ").has_value() ||
      !TakeProcess(text, owner) || owner.pid < 0) {
    return absl::nullopt;
  }
  return owner;
}

}  // namespace dmaheap

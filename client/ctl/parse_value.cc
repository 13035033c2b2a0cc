#include "client/ctl/parse_value.h"

#include <algorithm>
#include <limits>
#include <string>

#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace dmaheap::ctl {
namespace {

// google.protobuf.Duration ends at 10,000 years.
constexpr absl::Duration kLongest = absl::Seconds(315576000000);

// The fraction of a size has so few digits that all arithmetic is exact.
constexpr size_t kMostFractionDigits = 9;

absl::Status SizeError(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("size \"", text, "\" ", why,
                                                 "; write bytes, or a number with k, M, G or T "
                                                 "(units of 1024) such as 4096, 4k, 4KiB, 1.5G"));
}

// Bits to shift by for a unit; -1 for none that is known.
int ShiftOf(absl::string_view unit) {
  if (unit.empty() || unit == "B") return 0;
  const std::string tail = absl::AsciiStrToLower(unit.substr(1));
  if (!tail.empty() && tail != "i" && tail != "ib") return -1;
  switch (absl::ascii_tolower(static_cast<unsigned char>(unit[0]))) {
    case 'k':
      return 10;
    case 'm':
      return 20;
    case 'g':
      return 30;
    case 't':
      return 40;
    default:
      return -1;
  }
}

}  // namespace

absl::StatusOr<int64_t> ParseSize(absl::string_view text) {
  const size_t number_end = std::min(text.find_first_not_of("0123456789."), text.size());
  const absl::string_view number = text.substr(0, number_end);
  const int shift = ShiftOf(text.substr(number_end));
  const size_t point = std::min(number.find('.'), number.size());
  const absl::string_view whole_digits = number.substr(0, point);
  const absl::string_view fraction_digits =
      point < number.size() ? number.substr(point + 1) : absl::string_view();
  if (shift < 0) return SizeError(text, "has an unknown unit");
  if (whole_digits.empty() || fraction_digits.find('.') != absl::string_view::npos ||
      (point < number.size() && fraction_digits.empty())) {
    return SizeError(text, "is no number");
  }
  if (fraction_digits.size() > kMostFractionDigits) {
    return SizeError(text, "has more than 9 digits after the point");
  }
  uint64_t whole = 0;
  if (!absl::SimpleAtoi(whole_digits, &whole)) return SizeError(text, "is above 2^63-1");
  uint64_t fraction = 0;
  uint64_t divisor = 1;
  for (const char digit : fraction_digits) {
    fraction = fraction * 10 + static_cast<uint64_t>(digit - '0');
    divisor *= 10;
  }
  const absl::uint128 scaled = (absl::uint128(whole) * divisor + fraction) << shift;
  if (scaled % divisor != 0) return SizeError(text, "is not a whole number of bytes");
  const absl::uint128 bytes = scaled / divisor;
  if (bytes == 0) return SizeError(text, "is not above zero");
  if (bytes > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return SizeError(text, "is above 2^63-1");
  }
  return static_cast<int64_t>(bytes);
}

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  absl::Duration duration;
  const bool bare = !text.empty() && text.find_first_not_of("0123456789.") == text.npos;
  const std::string with_unit = bare ? absl::StrCat(text, "s") : std::string(text);
  if (!absl::ParseDuration(with_unit, &duration)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "duration \"", text, "\" is not of the form 5s, 250ms, 1m30s or a number of seconds"));
  }
  if (duration <= absl::ZeroDuration() || duration > kLongest) {
    return absl::InvalidArgumentError(
        absl::StrCat("duration \"", text, "\" is not above zero and below 10,000 years"));
  }
  return duration;
}

}  // namespace dmaheap::ctl

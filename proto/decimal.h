// Numbers in names, questions and files of ours, as absl::StrCat writes them.
//
// absl::SimpleAtoi also takes spaces, signs and leading zeros: one thing would have many names, and
// what was cut or forged would pass for what was written.

#ifndef PROTO_DECIMAL_H_
#define PROTO_DECIMAL_H_

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace dmaheap {

// False, with number untouched, for anything but digits of a number that fits.
template <typename Number>
bool ParseDecimal(absl::string_view text, Number& number) {
  Number parsed = 0;
  if (text.empty() || (text[0] == '0' && text.size() > 1) ||
      !absl::c_all_of(text, [](unsigned char c) { return absl::ascii_isdigit(c); }) ||
      !absl::SimpleAtoi(text, &parsed)) {
    return false;
  }
  number = parsed;
  return true;
}

}  // namespace dmaheap

#endif  // PROTO_DECIMAL_H_

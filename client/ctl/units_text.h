// Numbers as people read them. Pure functions.

#ifndef CLIENT_CTL_UNITS_TEXT_H_
#define CLIENT_CTL_UNITS_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace dmaheap::ctl {

// "4KiB", "11.9MiB": the largest unit of 1024 with at most one digit after the point, rounded down,
// so that free space never looks larger than it is. Exact numbers are in -o json.
std::string SizeText(int64_t bytes);

// "95s", "12m", "5h", "3d": one unit, rounded down; below zero (two clocks differ) "0s".
std::string AgeText(absl::Duration age);

// text with every byte that is not printable ASCII as "?": what comes from elsewhere must not drive
// a terminal.
std::string Printable(absl::string_view text);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_UNITS_TEXT_H_

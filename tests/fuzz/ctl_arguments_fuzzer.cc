// The command line of dmaheapctl, and the sizes and times in it.

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/ctl/arguments.h"
#include "client/ctl/parse_value.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/words.h"

namespace dmaheap::fuzz {
namespace {

void CheckValues(absl::string_view text) {
  if (const auto size = ctl::ParseSize(text); size.ok()) {
    DEMAND(*size > 0);
    DEMAND(ctl::ParseSize(absl::StrCat(*size)) == size);
  }
  if (const auto duration = ctl::ParseDuration(text); duration.ok()) {
    DEMAND(*duration > absl::ZeroDuration());
    // google.protobuf.Duration ends there.
    DEMAND(*duration <= absl::Seconds(315576000000));
    DEMAND(absl::ToInt64Seconds(*duration) >= 0);
  }
}

void CheckArguments(const ctl::Arguments& arguments) {
  DEMAND(arguments.timeout > absl::ZeroDuration());
  DEMAND(arguments.size_bytes >= 0);
  DEMAND(arguments.lease >= absl::ZeroDuration());
  DEMAND(arguments.count >= 1);
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  const fuzz::Words words("dmaheapctl", fuzz::Input(data, size));
  const ctl::CommandLine line = ctl::ParseCommandLine(words.count(), words.pointers());
  if (line.arguments.has_value()) {
    fuzz::CheckArguments(*line.arguments);
  } else {
    DEMAND(!line.text.empty());
    DEMAND(line.exit_code == 0 || line.exit_code == 2);
  }
  fuzz::CheckValues(fuzz::AsText(data, size));
  return 0;
}

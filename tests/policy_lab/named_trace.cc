#include "tests/policy_lab/named_trace.h"

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/bench/runfile.h"
#include "tests/policy_lab/made_up_traces.h"

namespace dmaheap::policy_lab {
namespace {

PinTrace StormOf(Storm storm, uint64_t seed) {
  storm.seed = seed;
  return MakeStorm(storm);
}

struct MadeUp {
  const char* name;
  PinTrace (*make)(uint64_t seed);
};
constexpr MadeUp kMadeUp[] = {
    {"fork_storm", [](uint64_t seed) { return StormOf(ForkStorm(), seed); }},
    {"exit_storm", [](uint64_t seed) { return StormOf(ExitStorm(), seed); }},
    {"mixed", MakeMixedTrace},
};
// Files NAME.trace of traces/.
constexpr const char* kRecorded[] = {"recorded_fork_storm", "recorded_exit_storm"};

absl::StatusOr<PinTrace> ReadFile(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) {
    return absl::NotFoundError(
        absl::StrCat("--trace ", name, ": no file that can be read, and none of ", TraceNames()));
  }
  auto trace = ReadTrace(text.str());
  if (trace.ok()) return trace;
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", trace.status().message()));
}

}  // namespace

std::string TraceNames() {
  return absl::StrCat(
      absl::StrJoin(kMadeUp, ", ",
                    [](std::string* out, const MadeUp& trace) { *out += trace.name; }),
      ", ", absl::StrJoin(kRecorded, ", "));
}

absl::StatusOr<PinTrace> NamedTrace(const std::string& name, uint64_t seed) {
  for (const MadeUp& trace : kMadeUp) {
    if (name == trace.name) return trace.make(seed);
  }
  for (const char* recorded : kRecorded) {
    if (name != recorded) continue;
    return ReadFile(bench::Runfile(absl::StrCat("tests/policy_lab/traces/", name, ".trace")), name);
  }
  return ReadFile(name, name);
}

}  // namespace dmaheap::policy_lab

// Records which pages of the CMA area of the running kernel are pinned when and for how long, while
// something goes on that pins them, as a trace for policy_lab. Root; in the virtual machine:
//
//   bazel build --config=release //tests/policy_lab/recording:record_pins
//   ./dev vm --no-daemon --out=. --file=bazel-bin/tests/policy_lab/recording/record_pins
//       -- record_pins fork_storm                              (all in one line)
//   bazel run //tests/policy_lab -- --trace $PWD/fork_storm.trace
//
// pin_assembly.h says how pins are seen, and which are not.

#include <sys/utsname.h>

#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "tests/policy_lab/recording/recorder.h"
#include "tests/policy_lab/recording/recording_text.h"
#include "tests/vm/tools/oom_kills.h"
#include "tests/vm/tools/settings.h"
#include "tests/vm/tools/trouble_kinds.h"

namespace dmaheap::policy_lab {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

struct Wishes {
  std::string kind;
  std::vector<std::string> settings;
  double seconds = 5;
  std::string out;
  RecorderOptions recorder;
};

std::string Machine() {
  utsname name = {};
  if (uname(&name) != 0) return "an unknown machine";
  return absl::StrCat(name.sysname, " ", name.release, " ", name.machine);
}

absl::Status Record(const Wishes& wishes) {
  const TroubleKind& kind = TroubleKinds().at(wishes.kind);
  std::vector<std::string> words = wishes.settings;
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  const auto settings = ParseSettings(pointers, kind.defaults);
  if (!settings.ok()) return settings.status();
  const auto trouble = kind.make(*settings);

  const int64_t oom_kills = OomKills();
  auto recorded = RecordPins(*trouble, absl::Seconds(wishes.seconds), wishes.recorder);
  if (!recorded.ok()) return recorded.status();
  if (OomKills() > oom_kills) {
    return absl::ResourceExhaustedError(
        "memory ended, and processes of the storm with it: void; give the machine more, or the "
        "storm fewer processes");
  }
  RecordedOf about;
  about.kind = absl::StrCat(wishes.kind, " ", FormatSettings(*settings));
  about.outcome = absl::StrCat(recorded->begun, " ", recorded->ended);
  about.machine = Machine();
  about.pages_per_unmapping = wishes.recorder.pages_per_unmapping;
  const std::string comment = RecordingComment(about, recorded->recording);
  const std::string path =
      wishes.out.empty() ? absl::StrCat("/out/", wishes.kind, ".trace") : wishes.out;
  std::ofstream file(path);
  file << WriteTrace(TraceOf(recorded->recording, recorded->area_pages), comment) << std::flush;
  if (!file) return absl::UnavailableError(absl::StrCat(path, " can not be written"));
  std::cerr << comment << "\n" << path << " has " << recorded->recording.pins.size() << " pins\n";
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Records which pages of the CMA area are pinned when and for how long, for policy_lab, while "
      "a storm goes on and this program asks for the whole area again and again. Needs root, "
      "tracefs, and a kernel with CONFIG_DEBUG_PAGE_REF and CONFIG_KPROBE_EVENTS.");
  Wishes wishes;
  double pause_ms = absl::ToDoubleMilliseconds(wishes.recorder.pause);
  const std::string kinds =
      absl::StrJoin(TroubleKinds(), ", ",
                    [](std::string* out, const auto& kind) { absl::StrAppend(out, kind.first); });
  app.add_option("KIND", wishes.kind, absl::StrCat("what goes on: ", kinds))
      ->required()
      ->check(CLI::IsMember(TroubleKinds()));
  app.add_option("KEY=VALUE", wishes.settings,
                 "of that trouble; trouble_maker without arguments lists them");
  app.add_option("--seconds", wishes.seconds, "how long it is recorded")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 600.0));
  app.add_option("--pages", wishes.recorder.pages_per_unmapping,
                 "of the pages that a process lets go at once, keep so many: with fewer the file "
                 "is smaller, and requests for less than the area meet fewer pins than they would")
      ->capture_default_str()
      ->check(CLI::Range(2, 1'000'000));
  app.add_option("--pause-ms", pause_ms, "between a buffer that was got and the next attempt")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--buffer-mib", wishes.recorder.buffer_mib, "of the trace, for each processor")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  app.add_option("--out", wishes.out, "file to write; default: /out/KIND.trace");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  wishes.recorder.pause = absl::Milliseconds(pause_ms);
  if (absl::Status status = Record(wishes); !status.ok()) {
    std::cerr << "record_pins: " << status.message() << "\n";
    return kExitFailed;
  }
  return 0;
}

}  // namespace
}  // namespace dmaheap::policy_lab

int main(int argc, char** argv) { return dmaheap::policy_lab::Main(argc, argv); }

#include "tests/bench/command_line.h"

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace dmaheap::bench {
namespace {

// Below, a phase is too short to be repeated; above, somebody mistyped.
constexpr double kMinSeconds = 0.1;
constexpr double kMaxSeconds = 3600;
constexpr int kMaxAttempts = 100'000;

}  // namespace

CommandLine ParseCommandLine(const About& about, int argc, const char* const* argv) {
  Wish wish;
  double seconds = absl::ToDoubleSeconds(about.default_time);
  CLI::App app(about.text, absl::StrCat("./dev bench ", about.name));
  app.set_help_flag("-h,--help", "Print this text and exit");
  app.add_flag("--json", wish.json, "Print one JSON object in place of the table");
  wish.attempts = about.default_attempts;
  if (about.default_attempts > 0) {
    app.add_option("--attempts", wish.attempts,
                   "How many of each kind to measure; figures of few\nscatter")
        ->type_name("N")
        ->check(CLI::Range(1, kMaxAttempts).description(""))
        ->capture_default_str();
  } else {
    app.add_option("--seconds", seconds,
                   "How long to measure, in all; figures of a short\nrun scatter")
        ->type_name("S")
        ->check(CLI::Range(kMinSeconds, kMaxSeconds).description(""))
        ->capture_default_str();
  }
  if (!about.parts.empty()) {
    app.add_option("--only", wish.only,
                   absl::StrCat("Measure this part alone:\n", absl::StrJoin(about.parts, ", ")))
        ->type_name("PART")
        ->check(CLI::IsMember(about.parts).description(""));
  }
  app.footer(absl::StrCat("Progress goes to standard error. Exit code: ", kExitMeasured,
                          " measured, also where a bound was\nmissed (ok in the report), ",
                          kExitFailed, " the run failed, ", kExitUsage, " usage."));
  CommandLine result;
  // CLI11 reports by exceptions; they end here.
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    result.text = app.help();
    return result;
  } catch (const CLI::Error& error) {
    result.text = absl::StrCat(about.name, ": ", error.what(), "\nTry ./dev bench ", about.name,
                               " --help.\n");
    result.exit_code = kExitUsage;
    return result;
  }
  wish.time = absl::Seconds(seconds);
  result.wish = wish;
  return result;
}

}  // namespace dmaheap::bench

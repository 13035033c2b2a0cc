// trouble_maker: makes one kind of trouble for who wants contiguous memory, until it is told to
// stop.
//
//   trouble_maker KIND [KEY=VALUE...]
//
// Says `begun kind=... verdict=... cause=... ` and what it did, waits for a line (or the end) on
// standard input, undoes it, and says `ended kind=...` and what came of it. The verdict and the
// cause are the truth, for tests to compare with. Exit code: 0, or 1 with the reason on standard
// error, or 2 for wrong words.

#include <stdio.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tests/vm/tools/settings.h"
#include "tests/vm/tools/trouble.h"
#include "tests/vm/tools/trouble_kinds.h"

namespace dmaheap {
namespace {

constexpr int kExitUsage = 2;

int ShowUsage() {
  fprintf(stderr, "usage: trouble_maker KIND [KEY=VALUE...]\n");
  for (const auto& [name, kind] : TroubleKinds()) {
    fprintf(stderr, "  %-20s %s\n", name.c_str(), FormatSettings(kind.defaults).c_str());
  }
  return kExitUsage;
}

int Fail(const std::string& name, const absl::Status& status) {
  fprintf(stderr, "trouble_maker: %s: %s\n", name.c_str(), std::string(status.message()).c_str());
  return 1;
}

void WaitForLine() {
  int c = 0;
  do c = getchar();
  while (c != EOF && c != '\n');
}

int Main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  if (argc < 2) return ShowUsage();
  const auto kind = TroubleKinds().find(argv[1]);
  if (kind == TroubleKinds().end()) return ShowUsage();
  const std::string& name = kind->first;
  const absl::StatusOr<Settings> settings = ParseSettings(
      absl::MakeConstSpan(argv + 2, static_cast<size_t>(argc - 2)), kind->second.defaults);
  if (!settings.ok()) {
    Fail(name, settings.status());
    return kExitUsage;
  }
  const std::unique_ptr<Trouble> trouble = kind->second.make(*settings);
  const absl::StatusOr<std::string> begun = trouble->Begin();
  if (!begun.ok()) return Fail(name, begun.status());
  const TroubleLabel label = trouble->label();
  printf("begun kind=%s verdict=%s cause=%s %s\n", name.c_str(), label.verdict.c_str(),
         label.cause.c_str(), begun->c_str());
  WaitForLine();
  const absl::StatusOr<std::string> ended = trouble->End();
  if (!ended.ok()) return Fail(name, ended.status());
  printf("ended kind=%s %s\n", name.c_str(), ended->c_str());
  return 0;
}

}  // namespace
}  // namespace dmaheap

int main(int argc, char** argv) { return dmaheap::Main(argc, argv); }

// The folder of one run, which is gone when the run ends, however it ends.

#ifndef TESTS_BENCH_RUN_FOLDER_H_
#define TESTS_BENCH_RUN_FOLDER_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "proto/unique_fd.h"

namespace dmaheap::bench {

// Below /tmp, where socket paths are short; others may enter and read. Destroying it removes all
// that is in it. SIGINT, SIGTERM and the end of limit do so too, and end the process (with 128 and
// the signal, or kExitFailed): a benchmark that hangs ends all the same.
class RunFolder {
 public:
  // Before this process has any other thread: the signals are blocked in all that come after.
  static absl::StatusOr<std::unique_ptr<RunFolder>> Create(absl::Duration limit);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  std::string Below(absl::string_view name) const;

 private:
  RunFolder(std::string path, UniqueFd signals, UniqueFd done);
  void Guard(absl::Duration limit);

  const std::string path_;
  const UniqueFd signals_;
  const UniqueFd done_;
  std::thread guard_;
};

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_RUN_FOLDER_H_

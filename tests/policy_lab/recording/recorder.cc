#include "tests/policy_lab/recording/recorder.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"
#include "tests/bench/guest/trace_instance.h"
#include "tests/policy_lab/recording/kernel_probes.h"
#include "tests/policy_lab/recording/pin_events.h"
#include "tests/vm/tools/area_pages.h"
#include "tests/vm/tools/heap_buffers.h"

namespace dmaheap::policy_lab {
namespace {

constexpr char kName[] = "record_pins";
constexpr int64_t kPageBytes = 4096;
// The first allocations move out what a boot and the trouble's begin left in the area.
constexpr absl::Duration kWarmUp = absl::Seconds(1);
constexpr absl::Duration kAfterFailure = absl::Milliseconds(1);

// As the trace's clock.
absl::Duration Monotonic() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

// Asks for the whole area, on a thread of its own, whose references to pages are not recorded: they
// are of the migration.
class Attempts {
 public:
  Attempts(HeapBuffers area, int64_t bytes, absl::Duration pause)
      : area_(std::move(area)), bytes_(bytes), pause_(pause) {
    thread_ = std::thread([this] { Run(); });
    id_ = told_.get_future().get();
  }
  ~Attempts() { Stop(); }
  Attempts(const Attempts&) = delete;
  Attempts& operator=(const Attempts&) = delete;

  pid_t id() const { return id_; }
  void Begin() { begin_.set_value(); }
  void Stop() {
    if (!thread_.joinable()) return;
    if (!stop_.exchange(true)) stopped_.set_value();
    thread_.join();
  }

 private:
  void Run() {
    told_.set_value(gettid());
    const std::shared_future<void> stopped = stopped_.get_future().share();
    std::future<void> begin = begin_.get_future();
    while (begin.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready) {
      if (stop_) return;
    }
    while (!stop_) {
      const bool got = area_.Allocate(bytes_).ok();
      stopped.wait_for(absl::ToChronoMicroseconds(got ? pause_ : kAfterFailure));
    }
  }

  const HeapBuffers area_;
  const int64_t bytes_;
  const absl::Duration pause_;
  std::promise<pid_t> told_;
  std::promise<void> begin_;
  std::promise<void> stopped_;
  std::atomic<bool> stop_{false};
  pid_t id_ = 0;
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<bench::TraceInstance>> StartTrace(
    const AreaFrames& area, pid_t attempts, const std::vector<std::string>& probes,
    const RecorderOptions& options) {
  const std::string of_area = absl::StrFormat("pfn >= 0x%x && pfn <= 0x%x && common_pid != %d",
                                              area.first, area.first + area.pages - 1, attempts);
  bench::TraceOptions trace;
  trace.buffer_kib = options.buffer_mib << 10;
  trace.filters = {{"page_ref/page_ref_mod_and_test", of_area},
                   {"page_ref/page_ref_mod_unless", of_area}};
  std::vector<std::string> events = {
      "page_ref/page_ref_mod_and_test", "page_ref/page_ref_mod_unless",
      "page_isolation/test_pages_isolated", "cma/cma_alloc_start", "cma/cma_alloc_finish"};
  events.insert(events.end(), probes.begin(), probes.end());
  return bench::TraceInstance::Start(kName, events, trace);
}

}  // namespace

absl::StatusOr<Recorded> RecordPins(Trouble& trouble, absl::Duration length,
                                    const RecorderOptions& options) {
  const absl::StatusOr<AreaFrames> area = ReadAreaFrames();
  if (!area.ok()) return area.status();
  absl::StatusOr<HeapBuffers> heap = HeapBuffers::Open("reserved");
  if (!heap.ok()) return heap.status();
  const auto probes = KernelProbes::Make(UnmappingProbes(kName));
  if (!probes.ok()) return probes.status();
  Attempts attempts(*std::move(heap), static_cast<int64_t>(area->pages) * kPageBytes,
                    options.pause);
  const auto trace = StartTrace(*area, attempts.id(), (*probes)->events(), options);
  if (!trace.ok()) return trace.status();

  const auto begun = trouble.Begin();
  if (!begun.ok()) return begun.status();
  attempts.Begin();
  absl::SleepFor(kWarmUp);
  PinAssembly::Options of;
  of.first_frame = area->first;
  of.pages = static_cast<int64_t>(area->pages);
  of.pages_per_unmapping = options.pages_per_unmapping;
  of.begin = Monotonic();
  absl::SleepFor(length);
  of.end = Monotonic();
  if (absl::Status status = (*trace)->Stop(); !status.ok()) return status;
  attempts.Stop();
  const auto ended = trouble.End();
  if (!ended.ok()) return ended.status();

  const absl::StatusOr<int64_t> lost = (*trace)->LostEvents();
  if (!lost.ok()) return lost.status();
  if (*lost > 0) {
    return absl::DataLossError(absl::StrCat("the kernel lost ", *lost,
                                            " events, so the record is void: record for a "
                                            "shorter time, or with a larger buffer"));
  }
  const absl::StatusOr<std::string> text = (*trace)->Take();
  if (!text.ok()) return text.status();
  PinAssembly assembly(of);
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    if (const auto event = ParsePinEvent(line); event.has_value()) assembly.Take(*event);
  }
  return Recorded{assembly.Finish(), *begun, *ended, of.pages};
}

}  // namespace dmaheap::policy_lab

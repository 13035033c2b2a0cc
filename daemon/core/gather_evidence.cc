#include "daemon/core/gather_evidence.h"

#include <algorithm>
#include <cerrno>

#include "heaps/simulated_heap.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// Beyond these, whose buffers would have to be released is not worked out: each of one size may be
// at each place of that size.
constexpr size_t kMostBuffers = 1024;
// Sizes of requests for which it is worked out by one list: it takes milliseconds, and whoever
// likes can ask for many sizes in a second.
constexpr size_t kMostFits = 8;

absl::optional<Fit> FitOf(AreaSight& sight, const BufferTable& table, int64_t page_bytes,
                          int64_t pages) {
  const auto known = sight.fits.find(pages);
  if (known != sight.fits.end()) return known->second;
  if (sight.fits.size() >= kMostFits) return absl::nullopt;
  std::vector<BufferInArea> buffers;
  for (const uint64_t number : sight.buffers) {
    const auto record = table.records().find(number);
    // One that is gone since was there when the list was read.
    const int64_t bytes = record == table.records().end() ? 0 : record->second.size_bytes;
    buffers.push_back({.pages = bytes / page_bytes});
  }
  return sight.fits.emplace(pages, FitInto(*sight.free_list, buffers, pages)).first->second;
}

// The simulated area tells what no kernel does.
void AddSimulated(const SimulatedArea::Attempt& attempt, Evidence& evidence) {
  const bool pinned = attempt.cause == SimulatedArea::Cause::kPinned;
  evidence.inner_error_number = pinned ? EBUSY : ENOMEM;
  evidence.windows_refused = pinned ? static_cast<int>(attempt.windows) : 0;
}

// What the page was found to be: at the last look at who pins it, else right after the failure.
RefusingFrame FrameOf(const PinnedPage& page) {
  RefusingFrame frame{.stuck_for = page.StuckFor()};
  if (page.told.has_value()) {
    frame.kind = page.told->kind;
    frame.mappings = page.told->mappings;
  }
  if (!page.pinners.has_value()) return frame;
  const PagePinners& found = *page.pinners;
  frame.in_a_pipe = !found.pipe_holders.empty();
  frame.in_a_transfer = !found.transferers.empty();
  // What was seen before its last failure says nothing of the time after it.
  if (page.pinners_found < page.last_seen) return frame;
  frame.kind = found.kind;
  frame.mappings = found.mappings;
  frame.references = found.references;
  frame.most_mapped = found.most_mapped;
  frame.was_free = found.was_free;
  frame.of_forker = found.of_forker;
  return frame;
}

}  // namespace

std::vector<HeapHolder> HoldersOf(const BufferTable& table, const HolderTrends& trends,
                                  const std::string& heap, absl::Time now) {
  std::map<uint32_t, HeapHolder> by_uid;
  for (const auto& [number, record] : table.records()) {
    if (record.heap != heap) continue;
    const uint32_t uid = record.charge.uid();
    HeapHolder& holder = by_uid[uid];
    if (holder.totals.buffers == 0) {
      holder.uid = uid;
      holder.oldest = record.create_time;
      holder.change = trends.Of(heap, uid, now);
    }
    ++holder.totals.buffers;
    holder.totals.bytes += record.size_bytes;
    holder.oldest = std::min(holder.oldest, record.create_time);
  }
  std::vector<HeapHolder> holders;
  for (auto& [uid, holder] : by_uid) holders.push_back(holder);
  std::stable_sort(holders.begin(), holders.end(), [](const HeapHolder& a, const HeapHolder& b) {
    return a.totals.bytes > b.totals.bytes;
  });
  return holders;
}

std::vector<uint64_t> BuffersInArea(const BufferTable& table, const HeapRegistry& heaps,
                                    const std::string& area) {
  std::vector<uint64_t> numbers;
  for (const auto& [number, record] : table.records()) {
    const absl::StatusOr<Heap*> heap = heaps.Find(record.heap);
    if (heap.ok() && (*heap)->description().area == area) numbers.push_back(number);
  }
  if (numbers.size() > kMostBuffers) numbers.clear();
  return numbers;
}

Evidence GatherEvidence(const Allocation& allocation, const BufferTable& table,
                        const std::vector<HeapHolder>& holders, AreaSight* sight) {
  const int64_t page_bytes = allocation.heap->description().page_size_bytes;
  const HeapUsage& usage = allocation.usage_at_failure;
  Evidence evidence;
  evidence.pages = allocation.rounded_bytes / page_bytes;
  evidence.error_number = GetErrno(allocation.last_error);
  evidence.attempts = allocation.attempts_on_heap;
  if (usage.free_bytes) evidence.free_pages = *usage.free_bytes / page_bytes;
  if (usage.largest_free_bytes) {
    evidence.largest_run_pages = *usage.largest_free_bytes / page_bytes;
  }
  if (sight != nullptr && sight->free_list.has_value()) {
    evidence.fit = FitOf(*sight, table, page_bytes, evidence.pages);
    evidence.fit_age = std::max(allocation.last_failure - sight->read_at, absl::ZeroDuration());
    evidence.fit_source = sight->source;
  }
  if (const auto simulated = FailedAttempt(allocation.last_error); simulated.has_value()) {
    AddSimulated(*simulated, evidence);
  }
  if (const auto& told = allocation.page.told;
      told.has_value() && evidence.inner_error_number == 0) {
    evidence.inner_error_number = told->inner_error_number;
    evidence.inner_error_source = v1::EvidenceSource::TRACE;
    evidence.windows_refused = told->windows_refused;
  }
  if (allocation.logged.has_value() && evidence.inner_error_number == 0) {
    evidence.inner_error_number = allocation.logged->error_number;
    evidence.inner_error_source = v1::EvidenceSource::KERNEL_LOG;
    evidence.inner_error_age = allocation.last_failure - allocation.logged->failure;
  }
  if (allocation.page.frame != 0) {
    evidence.frame = FrameOf(allocation.page);
  }
  int64_t booked_bytes = 0;
  for (const HeapHolder& holder : holders) {
    booked_bytes += holder.totals.bytes;
    evidence.holders.push_back(
        {.bytes = holder.totals.bytes, .came = holder.change.came, .went = holder.change.went});
  }
  if (const auto bytes = allocation.heap->description().size_bytes; bytes.has_value()) {
    evidence.unbooked_pages = (*bytes - booked_bytes) / page_bytes;
  }
  return evidence;
}

}  // namespace dmaheap

#include "heaps/simulated_heap.h"

#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "heaps/memfd_name.h"
#include "heaps/page_math.h"
#include "proto/errno_status.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

using Cause = SimulatedArea::Cause;

constexpr absl::string_view kAttemptPayload = "dmaheap.simulated_attempt";

HeapDescription DescriptionOf(const SimulatedHeapOptions& options) {
  HeapDescription description;
  description.name = options.name;
  description.aliases = options.aliases;
  description.kind = v1::SIMULATED_CMA;
  description.contiguity = v1::SIMULATED;
  description.area = options.name;
  description.size_bytes = options.size_bytes;
  description.page_size_bytes = options.kernel->page_size_bytes();
  return description;
}

std::string Explain(absl::string_view heap, const SimulatedArea::Attempt& attempt) {
  std::string text =
      absl::StrCat("simulated heap ", heap, " is ", CauseName(attempt.cause), ": ", attempt.pages,
                   " pages asked, ", attempt.free_pages, " free, largest run ",
                   attempt.largest_free_pages, ", alignment ", attempt.alignment_pages);
  if (attempt.windows > 0) absl::StrAppend(&text, ", windows tried ", attempt.windows);
  if (attempt.cause == Cause::kPinned) {
    absl::StrAppend(&text, ", blocked by PFN ", attempt.blocking_pfn);
  }
  return text;
}

absl::Status Refusal(absl::string_view heap, const SimulatedArea::Attempt& attempt) {
  absl::Status status = ErrnoStatus(ENOMEM, Explain(heap, attempt));
  status.SetPayload(kAttemptPayload,
                    absl::Cord(absl::StrCat(
                        static_cast<int>(attempt.cause), " ", attempt.pages, " ", attempt.windows,
                        " ", attempt.blocking_pfn, " ", absl::ToInt64Nanoseconds(attempt.elapsed),
                        " ", attempt.migrated_pages, " ", attempt.alignment_pages, " ",
                        attempt.free_pages, " ", attempt.largest_free_pages)));
  return status;
}

}  // namespace

absl::optional<SimulatedArea::Attempt> FailedAttempt(const absl::Status& status) {
  const auto payload = status.GetPayload(kAttemptPayload);
  if (!payload.has_value()) return absl::nullopt;
  std::array<int64_t, 9> numbers;
  const std::string text(*payload);
  const std::vector<absl::string_view> words = absl::StrSplit(text, ' ');
  if (words.size() != numbers.size()) return absl::nullopt;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (!absl::SimpleAtoi(words[i], &numbers[i])) return absl::nullopt;
  }
  SimulatedArea::Attempt attempt;
  attempt.cause = static_cast<Cause>(numbers[0]);
  attempt.pages = numbers[1];
  attempt.windows = numbers[2];
  attempt.blocking_pfn = numbers[3];
  attempt.elapsed = absl::Nanoseconds(numbers[4]);
  attempt.migrated_pages = numbers[5];
  attempt.alignment_pages = numbers[6];
  attempt.free_pages = numbers[7];
  attempt.largest_free_pages = numbers[8];
  return attempt;
}

absl::StatusOr<std::unique_ptr<SimulatedHeap>> SimulatedHeap::Create(SimulatedHeapOptions options) {
  const int64_t page = options.kernel->page_size_bytes();
  const int64_t max = kMaxSimulatedPages * page;
  if (options.size_bytes <= 0 || options.size_bytes > max || options.size_bytes % page != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "simulated heap ", options.name, ": size_bytes ", options.size_bytes,
        " is not a multiple of the page size ", page, " between ", page, " and ", max));
  }
  options.area.pages = options.size_bytes / page;
  auto area = SimulatedArea::Create(options.area);
  if (!area.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("simulated heap ", options.name, ": ", area.status().message()));
  }
  return std::unique_ptr<SimulatedHeap>(new SimulatedHeap(std::move(options), *std::move(area)));
}

SimulatedHeap::SimulatedHeap(SimulatedHeapOptions options, SimulatedArea area)
    : description_(DescriptionOf(options)),
      udmabuf_(std::move(options.udmabuf)),
      kernel_(options.kernel),
      clock_(options.clock),
      area_(std::move(area)) {}

absl::StatusOr<Buffer> SimulatedHeap::Allocate(const AllocationSpec& spec) {
  if (spec.size_bytes <= 0 || spec.label.size() > kMaxLabelBytes) {
    return ErrnoStatus(EINVAL, absl::StrCat("heap ", description_.name, ": ", spec.size_bytes,
                                            " bytes, label of ", spec.label.size(), " bytes"));
  }
  const int64_t page = description_.page_size_bytes;
  const auto rounded = RoundUpToPages(spec.size_bytes, page);
  if (!rounded.has_value()) {
    return ErrnoStatus(ENOMEM, absl::StrCat("heap ", description_.name, ": ", spec.size_bytes,
                                            " bytes are more than any memory"));
  }

  SimulatedArea::Attempt attempt;
  {
    std::lock_guard<std::mutex> turn(turn_);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      attempt = area_.Allocate(*rounded / page, clock_->Now());
    }
    clock_->SleepFor(attempt.elapsed);
  }
  if (attempt.cause != Cause::kNone) return Refusal(description_.name, attempt);

  std::vector<PageRun> frames = {{attempt.first_pfn, attempt.pages}};
  auto buffer = MakeBuffer(*rounded, spec.label);
  std::lock_guard<std::mutex> lock(mutex_);
  if (!buffer.ok()) {
    FreeLocked(frames);
    return buffer;
  }
  // The kernel gives an inode number again only after the file that had it is gone: then its frames
  // are free, and somebody forgot to say so.
  std::vector<PageRun>& entry = buffers_[buffer->key];
  FreeLocked(entry);
  entry = std::move(frames);
  return buffer;
}

absl::StatusOr<Buffer> SimulatedHeap::MakeBuffer(int64_t size_bytes, const std::string& label) {
  auto memfd = kernel_->CreateSealedMemfd(
      absl::StrCat(kMemfdNamePrefix, label.empty() ? description_.name : label), size_bytes);
  if (!memfd.ok()) return memfd.status();

  Buffer buffer;
  buffer.fd = *std::move(memfd);
  buffer.key.backing = BufferKey::Backing::kMemfd;
  buffer.size_bytes = size_bytes;
  buffer.contiguity = description_.contiguity;
  if (udmabuf_.valid()) {
    auto dma_buf = kernel_->CreateUdmabuf(udmabuf_.get(), buffer.fd.get(), size_bytes);
    if (dma_buf.ok()) {
      buffer.fd = *std::move(dma_buf);
      buffer.key.backing = BufferKey::Backing::kDmaBuf;
      if (!label.empty()) {
        if (absl::Status status = kernel_->SetDmaBufName(buffer.fd.get(), label); !status.ok()) {
          return status;
        }
      }
    } else if (GetErrno(dma_buf.status()) != EINVAL) {
      return dma_buf.status();
    }
    // EINVAL: larger than udmabuf's limit, so it stays a memfd.
  }
  const auto inode = kernel_->InodeOf(buffer.fd.get());
  if (!inode.ok()) return inode.status();
  buffer.key.inode = *inode;
  return buffer;
}

void SimulatedHeap::FreeLocked(const std::vector<PageRun>& runs) {
  // Free refuses only frames that no buffer has; these are a buffer's.
  for (const PageRun& run : runs) area_.Free(run.first, run.pages).IgnoreError();
}

HeapUsage SimulatedHeap::Usage() const {
  std::lock_guard<std::mutex> lock(mutex_);
  HeapUsage usage;
  usage.free_bytes = (area_.total_pages() - area_.used_pages()) * description_.page_size_bytes;
  usage.largest_free_bytes = area_.LargestFreePages() * description_.page_size_bytes;
  return usage;
}

absl::optional<CmaFreeList> SimulatedHeap::FreeList() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return area_.FreeList();
}

void SimulatedHeap::Release(const BufferKey& key) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = buffers_.find(key);
  if (it == buffers_.end()) return;
  FreeLocked(it->second);
  buffers_.erase(it);
}

absl::Status SimulatedHeap::Adopt(const BufferKey& key, int64_t size_bytes) {
  const auto rounded = RoundUpToPages(size_bytes, description_.page_size_bytes);
  std::lock_guard<std::mutex> lock(mutex_);
  if (buffers_.contains(key)) return absl::OkStatus();
  if (!rounded.has_value()) {
    return ErrnoStatus(EINVAL, absl::StrCat("heap ", description_.name, ": buffer ", key.ToString(),
                                            " of ", size_bytes, " bytes"));
  }
  auto runs = area_.Adopt(*rounded / description_.page_size_bytes);
  if (!runs.ok()) {
    return ErrnoStatus(ENOMEM, absl::StrCat("heap ", description_.name, ": buffer ", key.ToString(),
                                            ": ", runs.status().message()));
  }
  buffers_[key] = *std::move(runs);
  return absl::OkStatus();
}

void SimulatedHeap::WithArea(const std::function<void(SimulatedArea&)>& look) {
  std::lock_guard<std::mutex> lock(mutex_);
  look(area_);
}

int64_t SimulatedHeap::live_buffers() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<int64_t>(buffers_.size());
}

}  // namespace dmaheap

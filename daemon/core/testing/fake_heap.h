// A heap that does what a test scripts. What succeeds is a real memfd, so that fds, inodes and
// leaks are true. Thread-safe but for the hook.

#ifndef DAEMON_CORE_TESTING_FAKE_HEAP_H_
#define DAEMON_CORE_TESTING_FAKE_HEAP_H_

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "heaps/heap.h"
#include "heaps/linux_kernel.h"
#include "heaps/page_math.h"
#include "proto/errno_status.h"

namespace dmaheap {

class FakeHeap : public Heap {
 public:
  explicit FakeHeap(HeapDescription description) : description_(std::move(description)) {}

  // Calls from now on do so: 0 succeeds, else the errno. Those after the last succeed.
  void Script(std::initializer_list<int> errnos) {
    std::lock_guard<std::mutex> lock(mutex_);
    script_.insert(script_.end(), errnos);
  }
  void SetUsage(HeapUsage usage) {
    std::lock_guard<std::mutex> lock(mutex_);
    usage_ = usage;
  }
  // Called at the beginning of each Allocate, where the kernel would be at work.
  void OnAllocate(std::function<void()> hook) { hook_ = std::move(hook); }

  const HeapDescription& description() const override { return description_; }

  absl::StatusOr<Buffer> Allocate(const AllocationSpec& spec) override {
    // A copy: it may put another one in its place.
    if (const std::function<void()> hook = hook_; hook) hook();
    int error_number = 0;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      ++calls_;
      labels_.push_back(spec.label);
      if (!script_.empty()) {
        error_number = script_.front();
        script_.pop_front();
      }
    }
    if (error_number != 0) return ErrnoStatus(error_number, "fake heap");
    const auto rounded = RoundUpToPages(spec.size_bytes, description_.page_size_bytes);
    if (!rounded.has_value()) return ErrnoStatus(ENOMEM, "fake heap");
    absl::StatusOr<UniqueFd> fd = kernel_.CreateSealedMemfd("fake heap", *rounded);
    if (!fd.ok()) return fd.status();
    const absl::StatusOr<uint64_t> inode = kernel_.InodeOf(fd->get());
    if (!inode.ok()) return inode.status();
    Buffer buffer;
    buffer.fd = *std::move(fd);
    buffer.key = {BufferKey::Backing::kMemfd, *inode};
    buffer.size_bytes = *rounded;
    buffer.contiguity = description_.contiguity;
    std::lock_guard<std::mutex> lock(mutex_);
    given_[buffer.key] = *rounded;
    return buffer;
  }

  HeapUsage Usage() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    return usage_;
  }
  void Release(const BufferKey& key) override {
    std::lock_guard<std::mutex> lock(mutex_);
    given_.erase(key);
  }
  absl::Status Adopt(const BufferKey& key, int64_t size_bytes) override {
    std::lock_guard<std::mutex> lock(mutex_);
    given_[key] = size_bytes;
    adopted_.push_back(key);
    return absl::OkStatus();
  }

  int calls() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return calls_;
  }
  // In the order of the calls.
  std::vector<std::string> labels() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return labels_;
  }
  std::vector<BufferKey> adopted() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return adopted_;
  }
  // Buffers that were given and not released, with their bytes.
  std::map<BufferKey, int64_t> given() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return given_;
  }

 private:
  const HeapDescription description_;
  LinuxKernel kernel_;
  std::function<void()> hook_;
  mutable std::mutex mutex_;
  std::deque<int> script_;
  HeapUsage usage_;
  int calls_ = 0;
  std::vector<std::string> labels_;
  std::map<BufferKey, int64_t> given_;
  std::vector<BufferKey> adopted_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_TESTING_FAKE_HEAP_H_

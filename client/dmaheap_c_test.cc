// The C functions against a scripted daemon.

#include "client/dmaheap_c.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <future>
#include <string>
#include <vector>

#include "client/testing/fake_daemon.h"
#include "client/testing/fd_leak_check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::StrEq;

constexpr int64_t kMiB = 1 << 20;

// An output that a failing function must leave as it is.
template <typename Handle>
Handle* Untouched() {
  static char place;
  return reinterpret_cast<Handle*>(&place);
}

dmaheap_allocate_options Wanted(int64_t size_bytes = kMiB) {
  dmaheap_allocate_options options = {};
  options.struct_size = sizeof(options);
  options.heap = "reserved";
  options.size_bytes = size_bytes;
  options.label = "frame";
  return options;
}

class DmaheapCTest : public ::testing::Test {
 protected:
  void SetUp() override {
    daemon_ = FakeDaemon::Start();
    dmaheap_connect_options options = {};
    options.struct_size = sizeof(options);
    options.socket_dir = daemon_->dir().c_str();
    options.label = "c";
    ASSERT_EQ(dmaheap_connect(&options, &client_, &error_), DMAHEAP_OK)
        << dmaheap_error_message(error_);
  }

  void TearDown() override {
    dmaheap_error_free(error_);
    dmaheap_client_free(client_);
    daemon_ = nullptr;
    EXPECT_EQ(leaks_.Leaked(), "");
  }

  // One buffer, which the test frees.
  dmaheap_buffer* Allocate() {
    const dmaheap_allocate_options options = Wanted();
    dmaheap_buffer* buffer = nullptr;
    EXPECT_EQ(dmaheap_allocate(client_, &options, &buffer, &error_), DMAHEAP_OK)
        << dmaheap_error_message(error_);
    return buffer;
  }

  FdLeakCheck leaks_;
  std::unique_ptr<FakeDaemon> daemon_;
  dmaheap_client* client_ = nullptr;
  dmaheap_error* error_ = nullptr;
};

TEST_F(DmaheapCTest, AllocateGivesABufferThatCanBeMappedAndWritten) {
  dmaheap_buffer* buffer = Allocate();
  ASSERT_NE(buffer, nullptr);
  EXPECT_EQ(dmaheap_buffer_size_bytes(buffer), kMiB);
  EXPECT_THAT(dmaheap_buffer_heap(buffer), StrEq("heaps/reserved"));
  EXPECT_THAT(dmaheap_buffer_name(buffer), StartsWith("buffers/"));
  EXPECT_THAT(dmaheap_buffer_label(buffer), StrEq("frame"));
  EXPECT_EQ(dmaheap_buffer_contiguity(buffer), DMAHEAP_CONTIGUITY_SIMULATED);

  dmaheap_mapping* mapping = nullptr;
  ASSERT_EQ(dmaheap_buffer_map(buffer, DMAHEAP_CPU_READ_WRITE, &mapping, nullptr), DMAHEAP_OK);
  dmaheap_buffer_free(buffer);
  ASSERT_EQ(dmaheap_mapping_size_bytes(mapping), kMiB);
  EXPECT_EQ(dmaheap_mapping_begin_cpu_access(mapping, DMAHEAP_CPU_WRITE, nullptr), DMAHEAP_OK);
  memset(dmaheap_mapping_data(mapping), 7, kMiB);
  EXPECT_EQ(dmaheap_mapping_end_cpu_access(mapping, DMAHEAP_CPU_WRITE, nullptr), DMAHEAP_OK);
  EXPECT_EQ(dmaheap_mapping_end_cpu_access(mapping, 4, nullptr), DMAHEAP_INVALID_ARGUMENT);
  dmaheap_mapping_free(mapping);

  EXPECT_THAT(daemon_->WaitForReleases(1), SizeIs(1));
}

TEST_F(DmaheapCTest, AnFdIsLentUntilItIsTaken) {
  dmaheap_buffer* buffer = Allocate();
  int lent = -1;
  ASSERT_EQ(dmaheap_buffer_fd(buffer, &lent, nullptr), DMAHEAP_OK);
  EXPECT_EQ(fcntl(lent, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);

  int taken = -1;
  ASSERT_EQ(dmaheap_buffer_take_fd(buffer, &taken, nullptr), DMAHEAP_OK);
  EXPECT_EQ(taken, lent);
  int none = 42;
  EXPECT_EQ(dmaheap_buffer_take_fd(buffer, &none, nullptr), DMAHEAP_FAILED_PRECONDITION);
  EXPECT_EQ(dmaheap_buffer_fd(buffer, &none, nullptr), DMAHEAP_FAILED_PRECONDITION);
  EXPECT_EQ(none, 42);
  dmaheap_buffer_free(buffer);

  EXPECT_NE(fcntl(taken, F_GETFD), -1);
  close(taken);
}

TEST_F(DmaheapCTest, AllocateManyWritesAsManyBuffersAsWereAskedFor) {
  const dmaheap_allocate_options options = Wanted();
  dmaheap_buffer* buffers[4] = {nullptr, nullptr, nullptr, Untouched<dmaheap_buffer>()};

  ASSERT_EQ(dmaheap_allocate_many(client_, &options, 3, buffers, &error_), DMAHEAP_OK)
      << dmaheap_error_message(error_);

  EXPECT_EQ(buffers[3], Untouched<dmaheap_buffer>());
  EXPECT_THAT(dmaheap_buffer_name(buffers[0]),
              ::testing::Not(StrEq(dmaheap_buffer_name(buffers[2]))));
  for (int i = 0; i < 3; ++i) dmaheap_buffer_free(buffers[i]);
}

TEST_F(DmaheapCTest, AFailureCarriesCodeReasonAndDetailsAndTouchesNothingElse) {
  daemon_->ScriptNext([](FakeDaemon::Call&) -> absl::Status {
    return Error(ErrorReason::SIZE_EXCEEDS_HEAP, "larger than the heap").With("heap", "reserved");
  });
  const dmaheap_allocate_options options = Wanted();
  dmaheap_buffer* buffer = Untouched<dmaheap_buffer>();

  EXPECT_EQ(dmaheap_allocate(client_, &options, &buffer, &error_), DMAHEAP_OUT_OF_RANGE);

  EXPECT_EQ(buffer, Untouched<dmaheap_buffer>());
  EXPECT_EQ(dmaheap_error_code(error_), DMAHEAP_OUT_OF_RANGE);
  EXPECT_THAT(dmaheap_error_reason(error_), StrEq("SIZE_EXCEEDS_HEAP"));
  EXPECT_THAT(dmaheap_error_message(error_), HasSubstr("larger than the heap"));
  EXPECT_THAT(dmaheap_error_detail(error_, "heap"), StrEq("reserved"));
  EXPECT_EQ(dmaheap_error_detail(error_, "nothing"), nullptr);
  EXPECT_EQ(dmaheap_error_retry_after_ms(error_), -1);
}

TEST_F(DmaheapCTest, AStructOfAnotherSizeIsReadAsFarAsItIsUnderstood) {
  struct Newer {
    dmaheap_allocate_options known;
    int64_t unknown;
  } newer = {Wanted(), 0};
  newer.known.struct_size = sizeof(newer);
  dmaheap_buffer* buffer = nullptr;
  ASSERT_EQ(dmaheap_allocate(client_, &newer.known, &buffer, nullptr), DMAHEAP_OK);
  dmaheap_buffer_free(buffer);

  buffer = Untouched<dmaheap_buffer>();
  newer.unknown = 1;
  EXPECT_EQ(dmaheap_allocate(client_, &newer.known, &buffer, nullptr), DMAHEAP_INVALID_ARGUMENT);
  for (const uint32_t size : {0u, 8u, UINT32_MAX}) {
    newer.known.struct_size = size;
    EXPECT_EQ(dmaheap_allocate(client_, &newer.known, &buffer, nullptr), DMAHEAP_INVALID_ARGUMENT);
  }
  EXPECT_EQ(buffer, Untouched<dmaheap_buffer>());
}

TEST_F(DmaheapCTest, ACallerOfTheFirstVersionIsServed) {
  dmaheap_allocate_options options = Wanted();
  options.struct_size = offsetof(dmaheap_allocate_options, priority);
  // What stands there in an older caller is not its struct.
  options.priority = 99;
  options.reserved2 = 1;
  dmaheap_buffer* buffer = nullptr;
  ASSERT_EQ(dmaheap_allocate(client_, &options, &buffer, &error_), DMAHEAP_OK)
      << dmaheap_error_message(error_);
  dmaheap_buffer_free(buffer);
  EXPECT_EQ(daemon_->requests()[0].priority(), v1::PRIORITY_UNSPECIFIED);

  dmaheap_hold_options hold = {};
  hold.struct_size = offsetof(dmaheap_hold_options, priority);
  hold.heap = "reserved";
  hold.size_bytes = kMiB;
  hold.priority = 99;
  dmaheap_held* held = nullptr;
  ASSERT_EQ(dmaheap_hold(client_, &hold, &held, &error_), DMAHEAP_OK)
      << dmaheap_error_message(error_);
  dmaheap_held_free(held);
}

// What a progress callback was told last, for a request to wait for.
struct Progress {
  std::promise<void> told;
  dmaheap_progress last = {};
  std::string last_error;
  std::string retry_policy;

  static void Callback(void* context, const dmaheap_progress* progress) {
    Progress& told = *static_cast<Progress*>(context);
    told.last = *progress;
    told.last_error = progress->last_error;
    told.retry_policy = progress->retry_policy;
    told.told.set_value();
  }
};

TEST_F(DmaheapCTest, AWaitIsToldToTheCallerWithItsContext) {
  Progress progress;
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    v1::Allocation allocation;
    allocation.set_state(v1::Allocation::BACKING_OFF);
    allocation.set_attempts(4);
    allocation.mutable_next_delay()->set_seconds(2);
    allocation.mutable_elapsed_duration()->set_seconds(9);
    allocation.set_obstacle(v1::Allocation::EACH_OTHER);
    allocation.set_largest_free_bytes(kMiB);
    allocation.set_own_bytes(2 * kMiB);
    allocation.set_waiting_others_bytes(3 * kMiB);
    allocation.set_last_error("ENOMEM");
    allocation.set_retry_policy("nofail");
    call.Report(allocation);
    progress.told.get_future().wait();
    return call.Serve();
  });
  dmaheap_allocate_options options = Wanted();
  options.deadline_ms = DMAHEAP_FOREVER;
  options.priority = DMAHEAP_PRIORITY_HIGH;
  options.retry_policy = "nofail";
  options.on_progress = Progress::Callback;
  options.progress_context = &progress;
  dmaheap_buffer* buffer = nullptr;

  ASSERT_EQ(dmaheap_allocate(client_, &options, &buffer, &error_), DMAHEAP_OK)
      << dmaheap_error_message(error_);

  dmaheap_buffer_free(buffer);
  EXPECT_EQ(progress.last.struct_size, sizeof(dmaheap_progress));
  EXPECT_EQ(progress.last.attempts, 4);
  EXPECT_EQ(progress.last.state, DMAHEAP_ALLOCATION_BACKING_OFF);
  EXPECT_EQ(progress.last.obstacle, DMAHEAP_OBSTACLE_EACH_OTHER);
  EXPECT_EQ(progress.last.next_delay_ms, 2000);
  EXPECT_EQ(progress.last.elapsed_ms, 9000);
  EXPECT_EQ(progress.last.free_bytes, -1);
  EXPECT_EQ(progress.last.largest_free_bytes, kMiB);
  EXPECT_EQ(progress.last.own_bytes, 2 * kMiB);
  EXPECT_EQ(progress.last.waiting_others_bytes, 3 * kMiB);
  EXPECT_EQ(progress.last_error, "ENOMEM");
  EXPECT_EQ(progress.retry_policy, "nofail");
  const auto requests = daemon_->requests();
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_EQ(requests[0].priority(), v1::HIGH);
  EXPECT_EQ(requests[0].retry_policy(), "nofail");
}

TEST_F(DmaheapCTest, AReservedMemberThatIsSetIsRefused) {
  dmaheap_allocate_options options = Wanted();
  options.reserved2 = 1;
  dmaheap_buffer* buffer = Untouched<dmaheap_buffer>();

  EXPECT_EQ(dmaheap_allocate(client_, &options, &buffer, nullptr), DMAHEAP_INVALID_ARGUMENT);

  EXPECT_EQ(buffer, Untouched<dmaheap_buffer>());
}

// What a callback was told, for a test to wait for.
struct Told {
  std::promise<void> done;
  dmaheap_code code = -1;
  std::vector<dmaheap_buffer*> buffers;
  std::string message;

  static void Callback(void* context, dmaheap_code code, dmaheap_buffer* const* buffers,
                       uint32_t count, const dmaheap_error* error) {
    Told& told = *static_cast<Told*>(context);
    told.code = code;
    told.buffers.assign(buffers, buffers + count);
    told.message = dmaheap_error_message(error);
    told.done.set_value();
  }
  bool Wait() {
    return done.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  }
};

TEST_F(DmaheapCTest, AnAsynchronousRequestGivesItsBuffersToTheCallback) {
  const dmaheap_allocate_options options = Wanted();
  Told told;

  ASSERT_EQ(dmaheap_allocate_async(client_, &options, 2, Told::Callback, &told, nullptr, nullptr),
            DMAHEAP_OK);

  ASSERT_TRUE(told.Wait());
  EXPECT_EQ(told.code, DMAHEAP_OK) << told.message;
  ASSERT_THAT(told.buffers, SizeIs(2));
  for (dmaheap_buffer* buffer : told.buffers) dmaheap_buffer_free(buffer);
}

TEST_F(DmaheapCTest, ACancelledRequestTellsItsCallbackSo) {
  daemon_->ScriptNext([](FakeDaemon::Call& call) -> absl::Status {
    call.WaitForCancellation();
    return absl::CancelledError("cancelled");
  });
  const dmaheap_allocate_options options = Wanted();
  Told told;
  dmaheap_request* request = nullptr;
  ASSERT_EQ(dmaheap_allocate_async(client_, &options, 1, Told::Callback, &told, &request, nullptr),
            DMAHEAP_OK);

  dmaheap_request_cancel(request);

  ASSERT_TRUE(told.Wait());
  EXPECT_EQ(told.code, DMAHEAP_CANCELLED);
  EXPECT_THAT(told.buffers, SizeIs(0));
  EXPECT_NE(told.message, "");
  dmaheap_request_free(request);
}

TEST_F(DmaheapCTest, HeldBuffersAreClaimedByNameAndTokenOrReleased) {
  dmaheap_hold_options options = {};
  options.struct_size = sizeof(options);
  options.count = 2;
  options.heap = "reserved";
  options.size_bytes = kMiB;
  dmaheap_held* held = nullptr;
  ASSERT_EQ(dmaheap_hold(client_, &options, &held, &error_), DMAHEAP_OK)
      << dmaheap_error_message(error_);
  ASSERT_EQ(dmaheap_held_count(held), 2u);
  EXPECT_EQ(dmaheap_held_name(held, 2), nullptr);
  const char* token = dmaheap_held_claim_token(held);

  dmaheap_buffer* buffer = Untouched<dmaheap_buffer>();
  EXPECT_EQ(dmaheap_claim(client_, dmaheap_held_name(held, 0), "wrong", 0, &buffer, nullptr),
            DMAHEAP_NOT_FOUND);
  EXPECT_EQ(buffer, Untouched<dmaheap_buffer>());
  ASSERT_EQ(dmaheap_claim(client_, dmaheap_held_name(held, 0), token, 0, &buffer, &error_),
            DMAHEAP_OK)
      << dmaheap_error_message(error_);
  EXPECT_THAT(dmaheap_buffer_name(buffer), StrEq(dmaheap_held_name(held, 0)));
  EXPECT_EQ(dmaheap_release(client_, dmaheap_held_name(held, 1), token, 0, nullptr), DMAHEAP_OK);

  dmaheap_buffer_free(buffer);
  dmaheap_held_free(held);
}

TEST_F(DmaheapCTest, TheHeapsAreListedWithWhatIsKnownOfThem) {
  dmaheap_heap_list* heaps = nullptr;
  ASSERT_EQ(dmaheap_list_heaps(client_, 0, &heaps, &error_), DMAHEAP_OK)
      << dmaheap_error_message(error_);
  ASSERT_GE(dmaheap_heap_list_count(heaps), 1u);

  dmaheap_heap_info info = {};
  EXPECT_EQ(dmaheap_heap_list_get(heaps, 0, &info, nullptr), DMAHEAP_INVALID_ARGUMENT);
  EXPECT_EQ(info.name, nullptr);
  info.struct_size = sizeof(info);
  EXPECT_EQ(dmaheap_heap_list_get(heaps, 1000, &info, nullptr), DMAHEAP_OUT_OF_RANGE);
  ASSERT_EQ(dmaheap_heap_list_get(heaps, 0, &info, nullptr), DMAHEAP_OK);
  EXPECT_THAT(info.name, StartsWith("heaps/"));
  EXPECT_EQ(info.struct_size, sizeof(info));
  EXPECT_THAT(info.backing_heap, StrEq(""));
  EXPECT_THAT(info.retry_policy, StrEq("default"));

  // A caller of the first version: what came later is not written.
  info = {};
  info.retry_policy = "mine";
  info.struct_size = offsetof(dmaheap_heap_info, backing_heap);
  ASSERT_EQ(dmaheap_heap_list_get(heaps, 0, &info, nullptr), DMAHEAP_OK);
  EXPECT_THAT(info.name, StartsWith("heaps/"));
  EXPECT_GT(info.page_size_bytes, 0);
  EXPECT_EQ(info.backing_heap, nullptr);
  EXPECT_THAT(info.retry_policy, StrEq("mine"));
  dmaheap_heap_list_free(heaps);
}

}  // namespace
}  // namespace dmaheap

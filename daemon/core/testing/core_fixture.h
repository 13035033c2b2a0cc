// An allocator with everything around it scripted: time, workers, heaps, sessions, keeper, the
// kernel's view. Ends every test with the closing check: no fd, no charge, nothing in line, no
// timer.

#ifndef DAEMON_CORE_TESTING_CORE_FIXTURE_H_
#define DAEMON_CORE_TESTING_CORE_FIXTURE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/allocator.h"
#include "daemon/core/testing/fake_area_inspector.h"
#include "daemon/core/testing/fake_barrier.h"
#include "daemon/core/testing/fake_buffer_lister.h"
#include "daemon/core/testing/fake_fd_store.h"
#include "daemon/core/testing/fake_filesystem_sync.h"
#include "daemon/core/testing/fake_heap.h"
#include "daemon/core/testing/fake_journal.h"
#include "daemon/core/testing/fake_live_view.h"
#include "daemon/core/testing/fake_page_watch.h"
#include "daemon/core/testing/fake_recipient.h"
#include "daemon/core/testing/manual_worker.h"
#include "daemon/loop/virtual_executor.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "heaps/registry.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {

inline constexpr int64_t kPage = 4096;
inline constexpr uint32_t kUid = 1000;

// What a call came to; shared with its callback, which must come once.
struct Outcome {
  int calls = 0;
  absl::StatusOr<v1::AllocateBuffersResponse> result = absl::UnknownError("not answered");

  bool done() const { return calls > 0; }
  bool ok() const { return result.ok(); }
  absl::Status status() const { return result.status(); }
  const v1::AllocateBuffersResponse* operator->() const { return &*result; }
};

struct ClaimOutcome {
  int calls = 0;
  absl::StatusOr<v1::ClaimBufferResponse> result = absl::UnknownError("not answered");
};

class EventList : public EventSink {
 public:
  void OnAllocation(const AllocationEvent& event) override { events.push_back(event); }
  std::vector<AllocationEvent> events;
};

inline std::shared_ptr<const EffectivePolicy> PolicyOf(const std::string& text) {
  config::v1::Policy policy;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &policy)) << text;
  return std::make_shared<const EffectivePolicy>(policy);
}

// Two heaps: "cma" of 16 pages in an area, "system" without size and area.
class CoreFixture : public FdLeakCheck {
 protected:
  static constexpr char kEverything[] =
      "access { who { everybody: true } heaps: '*' rights: [ALLOCATE, HOLD, RESERVE] "
      "retry_policies: '*' "
      "max_priority: HIGH } retry_policies { name: 'default' max_attempts: 3 jitter: 0 "
      "initial_backoff { nanos: 1000000 } "
      "max_backoff { nanos: 100000000 } backoff_multiplier: 2 }";

  void SetUp() override {
    FdLeakCheck::SetUp();
    HeapDescription cma;
    cma.name = "cma";
    cma.aliases = {"reserved"};
    cma.area = "area";
    cma.contiguity = v1::PHYSICAL;
    cma.size_bytes = 16 * kPage;
    cma_ = AddHeap(cma);
    HeapDescription system;
    system.name = "system";
    system.contiguity = v1::SCATTERED;
    system_ = AddHeap(system);
    Start(kEverything);
  }

  void TearDown() override {
    // The attempts come back, the clients die, the kernel is asked.
    for (const char* worker : {"heap-cma", "heap-system", "live-view"}) workers_.LetGo(worker);
    Drain();
    for (const auto& session : sessions_) Disconnect(session);
    sessions_.clear();
    executor_.Advance(absl::Hours(24));
    Reconcile();
    EXPECT_TRUE(allocator_->ledger().accounts().empty());
    EXPECT_TRUE(allocator_->table().records().empty());
    EXPECT_TRUE(allocator_->reservations().empty());
    for (const Heap* heap : heaps_.heaps()) EXPECT_EQ(allocator_->QueueDepth(*heap), 0u);
    EXPECT_TRUE(cma_->given().empty());
    EXPECT_TRUE(system_->given().empty());
    EXPECT_EQ(store_.size(), 0u);
    EXPECT_EQ(journal_.size(), 0u);
    EXPECT_EQ(executor_.timers(), 0u);
    EXPECT_EQ(pages_.watches(), 0u);
    for (const auto& outcome : outcomes_) EXPECT_EQ(outcome->calls, 1);
    for (const auto& outcome : claims_) EXPECT_EQ(outcome->calls, 1);
    allocator_.reset();
    FdLeakCheck::TearDown();
  }

  FakeHeap* AddHeap(HeapDescription description) {
    auto heap = std::make_unique<FakeHeap>(std::move(description));
    FakeHeap* borrowed = heap.get();
    EXPECT_TRUE(heaps_.Add(std::move(heap)).ok());
    return borrowed;
  }

  void Start(const std::string& policy) {
    allocator_ = std::make_unique<Allocator>(
        Allocator::Dependencies{.executor = executor_,
                                .heaps = heaps_,
                                .live_view = view_,
                                .fd_store = store_,
                                .journal = journal_,
                                .lister = lister_,
                                .events = events_,
                                .make_worker = workers_.Factory(),
                                .random = [] { return 0.5; },
                                .barrier = barrier_,
                                .pages = pages_,
                                .areas = areas_,
                                .sources = sources_,
                                .barrier_cgroups = {"apps"},
                                .filesystems = filesystems_,
                                .ask_client =
                                    [this](uint64_t client, const v1::GiveBack& what) {
                                      asked_.emplace_back(client, what);
                                      return may_be_asked_;
                                    }},
        PolicyOf(policy));
  }
  void SetPolicy(const std::string& policy) {
    Do([&] { allocator_->SetPolicy(PolicyOf(policy)); });
  }

  void Do(Task task) { executor_.Post(std::move(task)); }

  std::shared_ptr<FakeRecipient> Connect() {
    sessions_.push_back(std::make_shared<FakeRecipient>(++last_client_));
    return sessions_.back();
  }
  // As the transport does it when a client is gone.
  void Disconnect(const std::shared_ptr<FakeRecipient>& session) {
    session->Die();
    Do([&] { allocator_->OnClientGone(session->client_id()); });
  }

  AllocateRequest Request(const std::shared_ptr<FakeRecipient>& session, int64_t pages = 1,
                          int count = 1) {
    AllocateRequest request;
    request.heap = "cma";
    request.size_bytes = pages * kPage;
    request.count = count;
    request.principal.uid = kUid;
    request.recipient = session;
    if (session == nullptr) request.purpose = AllocateRequest::Purpose::kHold;
    request.request_id = "made-up-" + std::to_string(++made_up_);
    return request;
  }

  struct Call {
    CallId id = 0;
    std::shared_ptr<Outcome> outcome;
    Outcome* operator->() const { return outcome.get(); }
  };
  Call Allocate(AllocateRequest request) {
    Call call;
    call.outcome = std::make_shared<Outcome>();
    outcomes_.push_back(call.outcome);
    Do([&] {
      call.id = allocator_->Allocate(
          std::move(request),
          [outcome = call.outcome](absl::StatusOr<v1::AllocateBuffersResponse> result) {
            ++outcome->calls;
            outcome->result = std::move(result);
          });
    });
    return call;
  }
  void Cancel(const Call& call) {
    Do([&] { allocator_->Cancel(call.id); });
  }

  std::shared_ptr<ClaimOutcome> Claim(const std::string& name, const std::string& token,
                                      const std::shared_ptr<FakeRecipient>& session,
                                      uint32_t uid = kUid) {
    auto outcome = std::make_shared<ClaimOutcome>();
    claims_.push_back(outcome);
    Allocator::ClaimRequest request;
    request.key = ParseBufferName("name", name).value();
    request.token = token;
    request.principal.uid = uid;
    request.recipient = session;
    Do([&] {
      allocator_->Claim(std::move(request),
                        [outcome](absl::StatusOr<v1::ClaimBufferResponse> result) {
                          ++outcome->calls;
                          outcome->result = std::move(result);
                        });
    });
    return outcome;
  }
  absl::Status Release(const std::string& name, const std::string& token, uint32_t uid = kUid) {
    absl::Status status;
    Principal principal;
    principal.uid = uid;
    Do([&] {
      status = allocator_->Release(principal, ParseBufferName("name", name).value(), token);
    });
    return status;
  }

  // True if the last attempt was back at once.
  bool Drain() {
    auto drained = std::make_shared<bool>(false);
    Do([&] { allocator_->Drain([drained] { *drained = true; }); });
    return *drained;
  }
  void Reconcile() {
    bool done = false;
    Do([&] { allocator_->reconciler().Reconcile([&done] { done = true; }); });
    ASSERT_TRUE(done);
  }

  Charged ChargedOf(uint32_t uid = kUid) const { return allocator_->ledger().Of(uid); }
  int64_t ChargedBytes() const {
    int64_t bytes = 0;
    for (const auto& [uid, charged] : allocator_->ledger().accounts()) bytes += charged.bytes;
    return bytes;
  }

  VirtualExecutor executor_;
  ManualWorkers workers_{executor_};
  HeapRegistry heaps_;
  FakeHeap* cma_ = nullptr;
  FakeHeap* system_ = nullptr;
  FakeLiveView view_;
  FakeFdStore store_;
  FakeJournal journal_;
  FakeBufferLister lister_;
  FakeBarrier barrier_;
  FakePageWatch pages_;
  FakeAreaInspector areas_;
  // Of a prober that sees everything.
  SourceErrors sources_ = {
      {v1::EvidenceSource::FREE_LIST, 0},     {v1::EvidenceSource::TRACE, 0},
      {v1::EvidenceSource::PAGE_FLAGS, 0},    {v1::EvidenceSource::PAGE_MAPS, 0},
      {v1::EvidenceSource::PROCESS_FILES, 0}, {v1::EvidenceSource::REFERENCES, 0},
      {v1::EvidenceSource::KERNEL_LOG, 0}};
  FakeFilesystemSync filesystems_{{"/data", "/cache"}};
  EventList events_;
  // Who was asked to give back what, whether or not that may be asked.
  std::vector<std::pair<uint64_t, v1::GiveBack>> asked_;
  bool may_be_asked_ = false;
  std::vector<std::shared_ptr<FakeRecipient>> sessions_;
  std::vector<std::shared_ptr<Outcome>> outcomes_;
  std::vector<std::shared_ptr<ClaimOutcome>> claims_;
  std::unique_ptr<Allocator> allocator_;

 private:
  uint64_t last_client_ = 0;
  int made_up_ = 0;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_TESTING_CORE_FIXTURE_H_

// Finds out why requests fail: reads what can be read of the area, judges, and keeps the result.
//
// Costs nothing while requests succeed. An area's free list is read for requests that keep failing,
// at most once a second, and for those that are about to fail for good: then what was read serves
// all failures of the next 20 ms. The kernel's log is read at these times too, where neither its
// trace nor the list told. Inside tasks only.

#ifndef DAEMON_CORE_DIAGNOSER_H_
#define DAEMON_CORE_DIAGNOSER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daemon/core/allocation.h"
#include "daemon/core/area_inspector.h"
#include "daemon/core/buffer_table.h"
#include "daemon/core/diagnosis_store.h"
#include "daemon/core/gather_evidence.h"
#include "daemon/core/holder_trends.h"
#include "daemon/diagnosis/failure_log.h"
#include "daemon/diagnosis/sources.h"
#include "daemon/loop/executor.h"
#include "daemon/telemetry/diagnosis_counts.h"
#include "heaps/registry.h"

namespace dmaheap {

class Diagnoser {
 public:
  using AllocationPtr = std::shared_ptr<Allocation>;

  // An area's free list is read anew once it is older: for a request that keeps failing, and for
  // one that has failed for good.
  static constexpr absl::Duration kWindow = absl::Seconds(1);
  static constexpr absl::Duration kShortWindow = absl::Milliseconds(20);
  // A request that failed for good waits no longer than that for evidence.
  static constexpr absl::Duration kTimeBox = absl::Milliseconds(50);

  // All outlive this.
  Diagnoser(Executor& executor, AreaInspector& areas, const HeapRegistry& heaps,
            const BufferTable& table, const HolderTrends& trends)
      : executor_(executor), areas_(areas), heaps_(heaps), table_(table), trends_(trends) {}
  ~Diagnoser() { *self_ = nullptr; }
  Diagnoser(const Diagnoser&) = delete;
  Diagnoser& operator=(const Diagnoser&) = delete;

  // An attempt of it failed just now, not the first few: what its area looks like is read for when
  // it fails for good, by its deadline for instance.
  void OnFailed(const AllocationPtr& allocation);

  // It has failed for good: calls ready once what can be known of it is there, or the time box is
  // over; inside this call where nothing has to be waited for.
  void Prepare(const AllocationPtr& allocation, absl::AnyInvocable<void()> ready);

  // Why it failed, by what is known now; sources: what could tell. explain makes the error of what
  // its owner may see; that is returned, and kept with the record.
  using Explain = std::function<absl::Status(const v1::Diagnosis& for_owner)>;
  absl::Status Conclude(const Allocation& allocation, const SourceErrors& sources,
                        bool owner_inspects, const Explain& explain);

  const DiagnosisStore& store() const { return store_; }
  const DiagnosisCounts& counts() const { return counts_; }

 private:
  struct Area {
    AreaSight sight;
    // A question is under way since then; one that takes longer than kWindow died with its prober.
    absl::Time asked_at = absl::InfinitePast();
    // Called once the answer is there.
    std::vector<std::function<void()>> waiting;
  };

  // Reads the free list if it is older; returns whether an answer is yet to come.
  bool Look(const Allocation& allocation, absl::Duration window);
  void OnFreeList(const std::string& area, absl::StatusOr<CmaFreeList> list,
                  v1::EvidenceSource::Kind source);
  // Asks for the log where it may tell more; done is called after the answer. Returns whether one
  // is yet to come.
  bool ReadLog(const AllocationPtr& allocation, absl::AnyInvocable<void()> done);
  void OnLog(Allocation& allocation, const FailedAttempts& attempts, absl::Time failure,
             const FailureLog& log);
  bool LogMayTell(const Allocation& allocation) const;

  Executor& executor_;
  AreaInspector& areas_;
  const HeapRegistry& heaps_;
  const BufferTable& table_;
  const HolderTrends& trends_;
  std::map<std::string, Area> seen_;
  DiagnosisStore store_;
  DiagnosisCounts counts_;
  // Answers that outlive this find it empty.
  std::shared_ptr<Diagnoser*> self_ = std::make_shared<Diagnoser*>(this);
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_DIAGNOSER_H_

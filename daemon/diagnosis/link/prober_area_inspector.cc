#include "daemon/diagnosis/link/prober_area_inspector.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// The prober's time box is well below; so long a question may lie in the socket of one that died.
constexpr absl::Duration kPatience = absl::Seconds(5);

template <typename Found>
using Answered = absl::AnyInvocable<void(absl::StatusOr<Found>)>;

// ask sends a question about what, with what is called with the prober's answer.
template <typename Found>
bool Ask(
    Executor& executor, ProberClient& client, absl::string_view what, Answered<Found> answered,
    absl::FunctionRef<absl::StatusOr<uint64_t>(std::function<void(absl::StatusOr<Found>)>)> ask) {
  struct Question {
    Answered<Found> answered;
    TimerId timer = 0;
  };
  const auto question = std::make_shared<Question>();
  question->answered = std::move(answered);
  const absl::StatusOr<uint64_t> asked =
      ask([&executor, question, what = std::string(what)](absl::StatusOr<Found> found) {
        executor.Cancel(question->timer);
        if (!found.ok()) {
          spdlog::debug("event=not_told what={} {}", LogValue(what), LogStatus(found.status()));
        }
        question->answered(std::move(found));
      });
  if (!asked.ok()) {
    spdlog::debug("event=not_asked what={} {}", LogValue(what), LogStatus(asked.status()));
    return false;
  }
  question->timer = executor.After(kPatience, [&client, asked = *asked] { client.Cancel(asked); });
  return true;
}

}  // namespace

bool ProberAreaInspector::ReadFreeList(const std::string& area, OnFreeList on_free_list) {
  return Ask<CmaFreeList>(executor_, client_, absl::StrCat("the free list of ", area),
                          std::move(on_free_list), [&](ProberClient::FreeListCallback callback) {
                            return client_.GetFreeList(area, std::move(callback));
                          });
}

bool ProberAreaInspector::ReadLog(OnLog on_log) {
  if (no_log_) return false;
  return Ask<FailureLog>(
      executor_, client_, "the kernel's log",
      [this, on_log = std::move(on_log)](absl::StatusOr<FailureLog> log) mutable {
        if (GetErrno(log.status()) != 0) no_log_ = true;
        on_log(std::move(log));
      },
      [&](ProberClient::LogCallback callback) {
        return client_.ReadKernelLog(std::move(callback));
      });
}

}  // namespace dmaheap

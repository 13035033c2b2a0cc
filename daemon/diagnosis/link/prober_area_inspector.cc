#include "daemon/diagnosis/link/prober_area_inspector.h"

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/log.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// The prober's time box is well below; so long a question may lie in the socket of one that died.
constexpr absl::Duration kPatience = absl::Seconds(5);

}  // namespace

bool ProberAreaInspector::ReadFreeList(const std::string& area, OnFreeList on_free_list) {
  struct Question {
    OnFreeList answered;
    TimerId timer = 0;
  };
  const auto question = std::make_shared<Question>();
  question->answered = std::move(on_free_list);
  const absl::StatusOr<uint64_t> asked =
      client_.GetFreeList(area, [this, question, area](const absl::StatusOr<CmaFreeList>& list) {
        executor_.Cancel(question->timer);
        if (!list.ok()) {
          spdlog::debug("event=no_free_list area={} {}", LogValue(area), LogStatus(list.status()));
        }
        question->answered(list);
      });
  if (!asked.ok()) {
    spdlog::debug("event=free_list_not_asked area={} {}", LogValue(area),
                  LogStatus(asked.status()));
    return false;
  }
  question->timer = executor_.After(kPatience, [this, asked = *asked] { client_.Cancel(asked); });
  return true;
}

}  // namespace dmaheap

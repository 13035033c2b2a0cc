#include "daemon/diagnosis/prober_page_watch.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/prober/pagemap.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// The prober's time box is well below; so long a question may lie in the socket of one that died.
constexpr absl::Duration kPatience = absl::Seconds(5);

// Any bytes may be in it; what goes on from here is text of a message and of a terminal.
std::string PrintableName(std::string name) {
  std::replace_if(
      name.begin(), name.end(),
      [](char c) { return !absl::ascii_isprint(static_cast<unsigned char>(c)); }, '?');
  return name;
}

PageMappers ToMappers(const FrameMappers& found) {
  PageMappers mappers;
  mappers.complete = found.complete;
  for (const FrameMappers::Process& process : found.processes) {
    mappers.processes.push_back({.pid = process.pid,
                                 .uid = process.uid.value_or(~uint32_t{0}),
                                 .name = PrintableName(process.name)});
  }
  return mappers;
}

PageInTheWay ToPageInTheWay(const RefusingPage& page) {
  PageInTheWay found{.frame = page.frame, .watched = page.watched};
  if (page.flags.has_value()) found.of_filesystem = MayBeUnwritten(*page.flags);
  return found;
}

}  // namespace

PageWatch::Id ProberPageWatch::Watch(pid_t thread, Id replaced, OnFound on_found,
                                     OnReleased on_released) {
  if (unsupported_) return 0;
  const auto found = std::make_shared<OnFound>(std::move(on_found));
  const auto released = std::make_shared<OnReleased>(std::move(on_released));
  const absl::StatusOr<uint64_t> asked = client_.WatchPage(
      thread, replaced,
      [this, found](const absl::StatusOr<RefusingPage>& page) {
        if (page.ok()) return (*found)(ToPageInTheWay(*page));
        const int error = GetErrno(page.status());
        if (error == ENOTSUP) unsupported_ = true;
        (*found)(error == ENOENT ? absl::NotFoundError("the kernel told of no page")
                                 : page.status());
      },
      [released] { (*released)(); });
  // It does not keep up, or is gone.
  return asked.value_or(0);
}

void ProberPageWatch::Unwatch(Id watch) {
  if (watch != 0) client_.UnwatchPage(watch);
}

void ProberPageWatch::FindMappers(uint64_t frame, OnMappers on_mappers) {
  struct Question {
    OnMappers found;
    TimerId timer = 0;
  };
  const auto question = std::make_shared<Question>();
  question->found = std::move(on_mappers);
  const absl::StatusOr<uint64_t> asked = client_.FindMappers(
      frame, /*count=*/1, [this, question](const absl::StatusOr<FrameMappers>& mappers) {
        executor_.Cancel(question->timer);
        if (mappers.ok()) return question->found(ToMappers(*mappers));
        spdlog::debug("event=mappers_not_found {}", LogStatus(mappers.status()));
        question->found(mappers.status());
      });
  if (!asked.ok()) {
    spdlog::debug("event=mappers_not_asked {}", LogStatus(asked.status()));
    return;
  }
  question->timer = executor_.After(kPatience, [this, asked = *asked] { client_.Cancel(asked); });
}

}  // namespace dmaheap

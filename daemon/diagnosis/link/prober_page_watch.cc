#include "daemon/diagnosis/link/prober_page_watch.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
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
std::string Printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return !absl::ascii_isprint(static_cast<unsigned char>(c)); }, '?');
  return text;
}

PageUser ToUser(const ProbedProcess& process) {
  return {.pid = process.pid,
          .uid = process.uid.value_or(kUnknownUid),
          .name = Printable(process.name),
          .cgroup = Printable(process.cgroup),
          .executable = Printable(process.executable)};
}

PageMappers ToMappers(const FrameMappers& found) {
  PageMappers mappers;
  mappers.complete = found.complete;
  for (const FrameMappers::Process& process : found.processes) {
    auto& those = process.pages > 0 ? mappers.processes : mappers.file_owners;
    those.push_back(ToUser(process.process));
    if (mappers.file_path.empty()) mappers.file_path = Printable(process.path);
  }
  return mappers;
}

PageKind ToKind(FrameKind kind) {
  switch (kind) {
    case FrameKind::kFree:
      return v1::Diagnosis::Pin::FREE;
    case FrameKind::kAnonymous:
      return v1::Diagnosis::Pin::ANONYMOUS;
    case FrameKind::kPageCache:
      return v1::Diagnosis::Pin::PAGE_CACHE;
    case FrameKind::kOther:
      break;
  }
  return v1::Diagnosis::Pin::KERNEL;
}

std::vector<PageUser>& Those(PinKind kind, PagePinners& pinners) {
  switch (kind) {
    case PinKind::kPipe:
      return pinners.pipe_holders;
    case PinKind::kDirectIo:
      return pinners.transferers;
    case PinKind::kAllocated:
      break;
  }
  return pinners.allocators;
}

PagePinners ToPinners(const FramePinners& found) {
  PagePinners pinners;
  pinners.complete = found.complete;
  pinners.mappings = found.map_count;
  pinners.references = found.references;
  pinners.most_mapped = found.most_mapped;
  pinners.was_free = found.was_free;
  pinners.of_forker = found.of_forker;
  if (found.flags.has_value()) pinners.kind = ToKind(KindOfFrame(*found.flags));
  for (const FramePinners::Process& process : found.processes) {
    Those(process.kind, pinners).push_back(ToUser(process.process));
  }
  return pinners;
}

PageInTheWay ToPageInTheWay(const RefusingPage& page) {
  PageInTheWay found{.frame = page.frame,
                     .watched = page.watched,
                     .inner_error_number = page.error_number,
                     .windows_refused = page.windows_refused};
  found.mappings = page.map_count;
  if (page.flags.has_value()) {
    found.of_filesystem = MayBeUnwritten(*page.flags);
    found.kind = ToKind(KindOfFrame(*page.flags));
  }
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

namespace {

// A question and the timer that ends the waiting for its answer.
template <typename Answer>
struct Question {
  absl::AnyInvocable<void(absl::StatusOr<Answer>)> answered;
  TimerId timer = 0;
};

// ask sends it, with what is called with the prober's answer.
template <typename Found, typename Answer>
void Ask(Executor& executor, ProberClient& client,
         absl::AnyInvocable<void(absl::StatusOr<Answer>)> answered, Answer (*convert)(const Found&),
         absl::FunctionRef<
             absl::StatusOr<uint64_t>(std::function<void(const absl::StatusOr<Found>&)> callback)>
             ask) {
  const auto question = std::make_shared<Question<Answer>>();
  question->answered = std::move(answered);
  const absl::StatusOr<uint64_t> asked =
      ask([&executor, question, convert](const absl::StatusOr<Found>& found) {
        executor.Cancel(question->timer);
        if (found.ok()) return question->answered(convert(*found));
        spdlog::debug("event=no_word_on_page {}", LogStatus(found.status()));
        question->answered(found.status());
      });
  if (!asked.ok()) {
    spdlog::debug("event=page_not_asked_for {}", LogStatus(asked.status()));
    return;
  }
  question->timer = executor.After(kPatience, [&client, asked = *asked] { client.Cancel(asked); });
}

}  // namespace

void ProberPageWatch::FindMappers(uint64_t frame, OnMappers on_mappers) {
  Ask<FrameMappers, PageMappers>(executor_, client_, std::move(on_mappers), &ToMappers,
                                 [&](ProberClient::MappersCallback callback) {
                                   return client_.FindMappers(frame, /*count=*/1,
                                                              std::move(callback));
                                 });
}

void ProberPageWatch::FindPinners(uint64_t frame, absl::Duration box, OnPinners on_pinners) {
  Ask<FramePinners, PagePinners>(executor_, client_, std::move(on_pinners), &ToPinners,
                                 [&](ProberClient::PinnersCallback callback) {
                                   return client_.FindPinners(frame, box, std::move(callback));
                                 });
}

}  // namespace dmaheap

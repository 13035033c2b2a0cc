// Which page was in the way of an attempt, who has it, and when it is let go: the kernel's word, by
// way of the prober. What it does not tell, nobody is told; requests then go by time alone.

#ifndef DAEMON_CORE_PAGE_WATCH_H_
#define DAEMON_CORE_PAGE_WATCH_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "dmaheap/v1/diagnosis.pb.h"

namespace dmaheap {

using PageKind = v1::Diagnosis::Pin::PageKind;

struct PageInTheWay {
  // Its number (pfn). The broker's and the prober's secret: no client is told of addresses. 0: no
  // page was, the attempt failed for something else.
  uint64_t frame = 0;
  // Its release will be told. Where not, this kernel has no page_ref events.
  bool watched = false;
  // A file system keeps it in the page cache and may have yet to write it, as its flags say
  // (kpageflags). Absent: they were not read.
  absl::optional<bool> of_filesystem = absl::nullopt;
  // What it was right after the attempt, and how often it was mapped. Absent: not told.
  PageKind kind = v1::Diagnosis::Pin::PAGE_KIND_UNSPECIFIED;
  absl::optional<int64_t> mappings = absl::nullopt;
  // What the kernel's allocator itself came to, where its callers only say ENOMEM; 0: not told. And
  // how many windows it was refused for the sake of a page.
  int inner_error_number = 0;
  int windows_refused = 0;
};

inline constexpr uint32_t kUnknownUid = ~uint32_t{0};

// A process that has to do with the page. Texts are printable ASCII.
struct PageUser {
  pid_t pid = 0;
  // kUnknownUid: not known, as of one that is gone.
  uint32_t uid = 0;
  // Its own word, at most 15 characters.
  std::string name;
  // The path of its cgroup, and of the program that it runs. Empty: not known.
  std::string cgroup = "";
  std::string executable = "";
};

struct PageMappers {
  // Who has it in its address space.
  std::vector<PageUser> processes;
  // Of the file that it is of, as the first of them sees it. Empty: of none, or not known.
  std::string file_path = "";
  // Who has that file open and does not map the page.
  std::vector<PageUser> file_owners = {};
  // Every process was looked into. A reference that is no mapping, such as a pipe's or a driver's,
  // is never seen.
  bool complete = false;
};

// What holds the page beyond its mappings.
struct PagePinners {
  PageKind kind = v1::Diagnosis::Pin::PAGE_KIND_UNSPECIFIED;
  // Absent: not told.
  absl::optional<int64_t> mappings = absl::nullopt;
  absl::optional<int64_t> references = absl::nullopt;
  // While it was looked at: how often it was mapped at the most, and whether nobody had it once.
  int64_t most_mapped = 0;
  bool was_free = false;
  // A process that maps it has forked lately.
  bool of_forker = false;
  // Who has a pipe open that holds the page, or waits for a direct transfer of it.
  std::vector<PageUser> pipe_holders = {};
  std::vector<PageUser> transferers = {};
  // Who asked the kernel for a page that nobody maps. That one need not have it any more, and
  // may be gone.
  std::vector<PageUser> allocators = {};
  // Every process was looked into.
  bool complete = false;
};

// Inside tasks only; calls back as tasks.
class PageWatch {
 public:
  // 0 is none.
  using Id = uint64_t;
  using OnFound = absl::AnyInvocable<void(absl::StatusOr<PageInTheWay>)>;
  using OnReleased = absl::AnyInvocable<void()>;
  using OnPinners = absl::AnyInvocable<void(absl::StatusOr<PagePinners>)>;
  using OnMappers = absl::AnyInvocable<void(absl::StatusOr<PageMappers>)>;

  virtual ~PageWatch() = default;

  // Whether there is somebody to ask.
  virtual bool asks() const = 0;

  // Asks for the page that stopped the last allocation of that thread (gettid(2)), and watches it
  // in the place of what `replaced` watches, if that is not 0. on_found is called at most once, and
  // not after Unwatch; NOT_FOUND: the kernel told of none. Then on_released, each time that a
  // reference to the page was given up that was one too many; that may be one of several. Returns
  // 0, and calls nothing, where nobody can be asked.
  virtual Id Watch(pid_t thread, Id replaced, OnFound on_found, OnReleased on_released) = 0;
  // Nothing happens for one that has been replaced, or for 0.
  virtual void Unwatch(Id watch) = 0;

  // Looks through the whole machine: tens of milliseconds of the prober's time. on_mappers is
  // called at most once.
  virtual void FindMappers(uint64_t frame, OnMappers on_mappers) = 0;
  // The same for who pins it, for no longer than box.
  virtual void FindPinners(uint64_t frame, absl::Duration box, OnPinners on_pinners) = 0;
};

// Where there is no prober.
class NoPageWatch : public PageWatch {
 public:
  bool asks() const override { return false; }
  Id Watch(pid_t, Id, OnFound, OnReleased) override { return 0; }
  void Unwatch(Id) override {}
  void FindMappers(uint64_t, OnMappers) override {}
  void FindPinners(uint64_t, absl::Duration, OnPinners) override {}
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_PAGE_WATCH_H_

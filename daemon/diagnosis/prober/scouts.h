// The prober's end of its scouts: asks one, and leaves it behind where it does not come back.
//
// Opening another process's pipe, and tee(2), wait for the pipe's lock, which whoever writes to it
// may hold for as long as memory of his own takes to answer (a page of userfaultfd(2), or of a file
// in a FUSE mount); reading his memory waits for the same. No signal ends that wait, SIGKILL
// neither, so the prober, which has others to answer, sends a scout (scout_zygote.h).
//
// One that does not answer in time is killed, which it notices when the lock is let go, and where
// it went is not gone to again for as long as it is there, and some time more. At most kMostScouts
// are there at once: where all are held, none looks until one has ended, and the log says so.

#ifndef DAEMON_DIAGNOSIS_PROBER_SCOUTS_H_
#define DAEMON_DIAGNOSIS_PROBER_SCOUTS_H_

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/diagnosis/prober/scout_wire.h"
#include "daemon/diagnosis/prober/scout_zygote.h"
#include "daemon/diagnosis/prober/time_box.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class Scouts {
 public:
  // How much longer than asked for a scout may take before it is left behind, if it sleeps as one
  // does who is held; and how much longer if it does not, and so only gets no turn.
  static constexpr absl::Duration kGrace = absl::Milliseconds(50);
  static constexpr absl::Duration kPatience = absl::Seconds(1);
  // For how long a place is not gone to, where that is longer than the scout was held there.
  static constexpr absl::Duration kShunned = absl::Seconds(10);

  // None: nothing that a scout would look at is looked at.
  Scouts() = default;
  // By a zygote, which is forked; see StartScoutZygote.
  static absl::StatusOr<Scouts> Start(ScoutFunction look);

  Scouts(Scouts&& other) noexcept;
  Scouts& operator=(Scouts&&) = delete;
  // Waits for the end of the zygote.
  ~Scouts();

  // The scout that is asked next, as gettid(2) and a trace name it in the first pid namespace; 0:
  // there is none. Waits for one, until the box ends.
  pid_t Muster(const TimeBox& box);

  // The answer of a scout that has looked at file (borrowed), for length at most. Absent: it has
  // not come back in time, another one has not from there, or there is none. pid: whose file it is,
  // for the log.
  absl::optional<ScoutAnswer> Ask(ScoutQuestion question, const UniqueFd& file, pid_t pid,
                                  absl::Duration length, const TimeBox& box);

  // How many have not come back and not ended.
  int left_behind();

  // To poll for reading, then to call OnReadable: an error says that the zygote is gone, and with
  // it all scouts that will ever be. -1: there is none.
  int fd() const { return zygote_.socket.get(); }
  absl::Status OnReadable();

 private:
  // What a scout was sent to: an inode of a file system, which stays as long as the scout has it
  // open.
  struct Place {
    dev_t device = 0;
    ino_t inode = 0;

    friend bool operator==(const Place&, const Place&) = default;
  };
  struct Errand {
    Place place;
    ScoutLook look = ScoutLook::kTouchPipe;
    pid_t pid = 0;
    // When it should be back at the latest.
    absl::Time due_at = absl::InfiniteFuture();
  };
  struct Left {
    // Invalid: it has ended.
    UniqueFd socket;
    Place place;
    absl::Time shunned_until = absl::InfiniteFuture();
  };

  explicit Scouts(ScoutZygote zygote) : zygote_(std::move(zygote)) {}

  // Absent: it has not answered until the end of the box, or is no more.
  absl::optional<ScoutAnswer> Await(const TimeBox& box);
  bool IsLost() const;
  void Leave();
  void Want();
  // Of those that were left.
  void Forget();
  bool IsShunned(const Place& place) const;

  ScoutZygote zygote_;
  // The zygote has been asked and has not answered.
  bool wanted_ = false;
  // Invalid: there is none.
  UniqueFd scout_;
  pid_t scout_pid_ = 0;
  // What it has been asked and has not answered.
  absl::optional<Errand> errand_;
  std::vector<Left> left_;
  bool told_of_none_ = false;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_SCOUTS_H_

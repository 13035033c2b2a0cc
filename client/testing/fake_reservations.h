// The reservations of a FakeDaemon: what was booked, who keeps it, what is ready. Buffers are
// numbers here, and leases never end: a test says what becomes of a reservation. Thread-safe.

#ifndef CLIENT_TESTING_FAKE_RESERVATIONS_H_
#define CLIENT_TESTING_FAKE_RESERVATIONS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dmaheap/v1/allocator.pb.h"

namespace dmaheap {

class FakeReservations {
 public:
  // What comes before each booking, and refuses it with an error.
  using BeforeBooking = std::function<absl::Status(const v1::ReserveBuffersRequest&)>;

  // As the daemon's calls of these names. client: clients/{client} of the session; empty: none.
  absl::StatusOr<v1::Reservation> Book(const v1::ReserveBuffersRequest& request,
                                       const std::string& client);
  absl::StatusOr<v1::Reservation> Get(const std::string& name) const;
  std::vector<v1::Reservation> List() const;
  absl::StatusOr<v1::Reservation> Keep(const v1::KeepReservationRequest& request,
                                       const std::string& client);
  absl::Status Delete(const std::string& name);
  // A draw of count, all of them ready or not: ready is how many were. The reservation after it.
  absl::StatusOr<v1::Reservation> Draw(const std::string& name, int count,
                                       const std::string& client, int& ready);

  // Every session ended.
  void OnSessionsGone();

  // For a test.
  void SetBeforeBooking(BeforeBooking before);
  void FailKeeps(absl::Status status);
  void Change(const std::string& name, const std::function<void(v1::Reservation&)>& change);
  void ForgetAll();
  std::vector<v1::ReserveBuffersRequest> bookings() const;
  // Those that were let, in order.
  std::vector<v1::KeepReservationRequest> keeps() const;
  // Of these, and of those that were refused.
  int keeps_tried() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, v1::Reservation> reservations_;
  int64_t last_ = 0;
  BeforeBooking before_booking_;
  absl::Status keep_failure_;
  std::vector<v1::ReserveBuffersRequest> bookings_;
  std::vector<v1::KeepReservationRequest> keeps_;
  int keeps_tried_ = 0;
};

}  // namespace dmaheap

#endif  // CLIENT_TESTING_FAKE_RESERVATIONS_H_

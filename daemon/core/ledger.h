// Who is charged for how much.
//
// A charge belongs to a uid. It is made before memory is, and ends after the memory did: what is
// charged is never less than what lives. A Charge is RAII: whoever holds it, holds the claim on the
// quota; destroying it gives back. Inside tasks of the executor only; the ledger outlives its
// charges.

#ifndef DAEMON_CORE_LEDGER_H_
#define DAEMON_CORE_LEDGER_H_

#include <cstdint>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/config/effective_policy.h"

namespace dmaheap {

class Ledger;

struct Charged {
  int64_t bytes = 0;
  int64_t buffers = 0;

  friend bool operator==(const Charged& a, const Charged& b) = default;
};

class Charge {
 public:
  Charge() = default;
  Charge(Charge&& other) noexcept
      : ledger_(std::exchange(other.ledger_, nullptr)),
        uid_(other.uid_),
        amount_(std::exchange(other.amount_, {})) {}
  Charge& operator=(Charge&& other) noexcept;
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  ~Charge() { Refund(); }

  uint32_t uid() const { return uid_; }
  Charged amount() const { return amount_; }

  // Takes one buffer of bytes out of this charge into one of its own. What the buffer has beyond
  // what is left here is charged on top, over any limit: the memory exists.
  Charge SplitBuffer(int64_t bytes);

  // Takes over what another one of the same ledger and uid charges.
  void Absorb(Charge other);

  // Gives everything back now.
  void Refund();

 private:
  friend class Ledger;
  Charge(Ledger* ledger, uint32_t uid, Charged amount)
      : ledger_(ledger), uid_(uid), amount_(amount) {}

  Ledger* ledger_ = nullptr;
  uint32_t uid_ = 0;
  Charged amount_;
};

class Ledger {
 public:
  // QUOTA_EXCEEDED, with what is used and the limit, if the uid would have more than limits allow.
  absl::StatusOr<Charge> Reserve(uint32_t uid, Charged amount, const QuotaLimits& limits);

  // Without a limit: for what exists already.
  Charge Record(uint32_t uid, Charged amount);

  // Moves a charge to another uid, whose limits count. On failure nothing changes.
  absl::Status Transfer(Charge& charge, uint32_t uid, const QuotaLimits& limits);

  Charged Of(uint32_t uid) const;
  // Uids with a charge.
  const std::map<uint32_t, Charged>& accounts() const { return accounts_; }

 private:
  friend class Charge;
  void Change(uint32_t uid, Charged by);

  std::map<uint32_t, Charged> accounts_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_LEDGER_H_

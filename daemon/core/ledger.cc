#include "daemon/core/ledger.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

// For what exists already, and is far from the end of the numbers.
int64_t SaturatingAdd(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<int64_t>::max() : sum;
}

absl::Status CheckOne(const char* what, uint32_t uid, int64_t used, int64_t asked,
                      absl::optional<int64_t> its_limit) {
  // Without a limit the largest number is one: an account that does not fit would forget a part of
  // what is charged, and a refund would then leave less charged than lives.
  const int64_t limit = its_limit.value_or(std::numeric_limits<int64_t>::max());
  int64_t sum;
  if (!__builtin_add_overflow(used, asked, &sum) && sum <= limit) return absl::OkStatus();
  const std::string subject = absl::StrCat("uid:", uid);
  return Error(ErrorReason::QUOTA_EXCEEDED,
               absl::StrCat("uid ", uid, " is charged ", used, " ", what, " and asks for ", asked,
                            " more; its quota is ", limit, ". Close buffers that are not needed (",
                            "every reference counts, also in other processes), or ask the operator",
                            " for a larger quota."))
      .With("uid", uid)
      .With("resource", what)
      .With("used", used)
      .With("asked", asked)
      .With("limit", limit)
      .Quota(subject, absl::StrCat(what, ": used ", used, ", asked ", asked, ", limit ", limit));
}

absl::Status Check(uint32_t uid, Charged used, Charged asked, const QuotaLimits& limits) {
  if (absl::Status status = CheckOne("bytes", uid, used.bytes, asked.bytes, limits.max_bytes);
      !status.ok()) {
    return status;
  }
  return CheckOne("buffers", uid, used.buffers, asked.buffers, limits.max_buffers);
}

}  // namespace

Charge& Charge::operator=(Charge&& other) noexcept {
  if (this != &other) {
    Refund();
    ledger_ = std::exchange(other.ledger_, nullptr);
    uid_ = other.uid_;
    amount_ = std::exchange(other.amount_, {});
  }
  return *this;
}

Charge Charge::SplitBuffer(int64_t bytes) {
  const Charged taken = {std::min(bytes, amount_.bytes), std::min<int64_t>(1, amount_.buffers)};
  const Charged beyond = {bytes - taken.bytes, 1 - taken.buffers};
  amount_.bytes -= taken.bytes;
  amount_.buffers -= taken.buffers;
  ledger_->Change(uid_, beyond);
  return Charge(ledger_, uid_, {bytes, 1});
}

void Charge::Absorb(Charge other) {
  if (ledger_ == nullptr) {
    *this = std::move(other);
    return;
  }
  amount_.bytes = SaturatingAdd(amount_.bytes, other.amount_.bytes);
  amount_.buffers += other.amount_.buffers;
  other.ledger_ = nullptr;
  other.amount_ = {};
}

void Charge::Refund() {
  if (ledger_ == nullptr) return;
  ledger_->Change(uid_, {-amount_.bytes, -amount_.buffers});
  ledger_ = nullptr;
  amount_ = {};
}

absl::StatusOr<Charge> Ledger::Reserve(uint32_t uid, Charged amount, const QuotaLimits& limits) {
  if (absl::Status status = Check(uid, Of(uid), amount, limits); !status.ok()) return status;
  return Record(uid, amount);
}

Charge Ledger::Record(uint32_t uid, Charged amount) {
  Change(uid, amount);
  return Charge(this, uid, amount);
}

absl::Status Ledger::Transfer(Charge& charge, uint32_t uid, const QuotaLimits& limits) {
  if (charge.uid_ == uid) return absl::OkStatus();
  if (absl::Status status = Check(uid, Of(uid), charge.amount_, limits); !status.ok()) {
    return status;
  }
  const Charged amount = charge.amount_;
  Change(uid, amount);
  Change(charge.uid_, {-amount.bytes, -amount.buffers});
  charge.uid_ = uid;
  return absl::OkStatus();
}

Charged Ledger::Of(uint32_t uid) const {
  const auto it = accounts_.find(uid);
  return it == accounts_.end() ? Charged{} : it->second;
}

void Ledger::Change(uint32_t uid, Charged by) {
  Charged& account = accounts_[uid];
  account.bytes = SaturatingAdd(account.bytes, by.bytes);
  account.buffers += by.buffers;
  if (account == Charged{}) accounts_.erase(uid);
}

}  // namespace dmaheap

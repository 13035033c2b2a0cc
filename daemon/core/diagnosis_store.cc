#include "daemon/core/diagnosis_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

const v1::Diagnosis& ViewOf(const KeptDiagnosis& kept, const absl::optional<uint32_t>& uid) {
  return uid.has_value() ? kept.for_owner : kept.whole;
}

bool MaySee(const KeptDiagnosis& kept, const absl::optional<uint32_t>& uid) {
  return !uid.has_value() || kept.whole.owner_uid() == *uid;
}

}  // namespace

std::string DiagnosisStore::NextName() const { return absl::StrCat("diagnoses/", next_); }

const KeptDiagnosis& DiagnosisStore::Keep(KeptDiagnosis diagnosis) {
  diagnosis.whole.set_name(NextName());
  diagnosis.for_owner.set_name(NextName());
  const auto it = kept_.emplace(next_++, std::move(diagnosis)).first;
  if (kept_.size() > kMost) kept_.erase(kept_.begin());
  return it->second;
}

absl::StatusOr<v1::Diagnosis> DiagnosisStore::Get(uint64_t id, absl::optional<uint32_t> uid) const {
  const auto it = kept_.find(id);
  if (it != kept_.end() && MaySee(it->second, uid)) return ViewOf(it->second, uid);
  const std::string name = absl::StrCat("diagnoses/", id);
  return Error(ErrorReason::DIAGNOSIS_NOT_FOUND,
               absl::StrCat("there is no ", name, ", or it is another user's; the last ", kMost,
                            " are kept while the daemon runs, and ListDiagnoses tells which"))
      .With("diagnosis", name);
}

v1::ListDiagnosesResponse DiagnosisStore::List(absl::optional<uint32_t> uid,
                                               const Page& page) const {
  v1::ListDiagnosesResponse response;
  uint64_t last = 0;
  auto it = page.after == 0 ? kept_.end() : kept_.lower_bound(page.after);
  while (it != kept_.begin()) {
    --it;
    if (!MaySee(it->second, uid)) continue;
    if (response.diagnoses_size() == page.size) {
      response.set_next_page_token(absl::StrCat(last));
      break;
    }
    *response.add_diagnoses() = ViewOf(it->second, uid);
    last = it->first;
  }
  return response;
}

}  // namespace dmaheap

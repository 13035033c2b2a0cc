// The diagnoses of the last failures. Inside tasks only.

#ifndef DAEMON_CORE_DIAGNOSIS_STORE_H_
#define DAEMON_CORE_DIAGNOSIS_STORE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "daemon/core/request.h"
#include "dmaheap/v1/diagnosis.pb.h"

namespace dmaheap {

struct KeptDiagnosis {
  // For who may inspect, and for the uid that asked for the memory.
  v1::Diagnosis whole;
  v1::Diagnosis for_owner;
};

class DiagnosisStore {
 public:
  // A few KiB each.
  static constexpr size_t kMost = 256;

  // Gives it its name, and forgets the oldest.
  const KeptDiagnosis& Keep(KeptDiagnosis diagnosis);
  // The name that the next one gets.
  std::string NextName() const;

  // uid: only what that one may see. Absent: of all, whole. DIAGNOSIS_NOT_FOUND.
  absl::StatusOr<v1::Diagnosis> Get(uint64_t id, absl::optional<uint32_t> uid) const;
  // The newest first; page.after is the number before which it goes on, 0: from the newest.
  v1::ListDiagnosesResponse List(absl::optional<uint32_t> uid, const Page& page) const;

 private:
  uint64_t next_ = 1;
  std::map<uint64_t, KeptDiagnosis> kept_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_DIAGNOSIS_STORE_H_

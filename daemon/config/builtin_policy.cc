#include "daemon/config/builtin_policy.h"

namespace dmaheap {

config::v1::Policy BuiltinPolicyMessage(uint32_t operator_uid) {
  config::v1::Policy policy;

  config::v1::AccessRule* everybody = policy.add_access();
  everybody->mutable_who()->set_everybody(true);
  everybody->add_rights(config::v1::ALLOCATE);
  everybody->add_rights(config::v1::HOLD);
  everybody->add_rights(config::v1::RESERVE);
  everybody->add_heaps("*");
  everybody->add_retry_policies("*");

  config::v1::AccessRule* operators = policy.add_access();
  operators->mutable_who()->add_uids(0);
  if (operator_uid != 0) operators->mutable_who()->add_uids(operator_uid);
  for (const auto right : {config::v1::ALLOCATE, config::v1::HOLD, config::v1::RESERVE,
                           config::v1::INSPECT, config::v1::ADMIN}) {
    operators->add_rights(right);
  }
  operators->add_heaps("*");
  operators->add_retry_policies("*");
  operators->set_max_priority(config::v1::HIGH);

  config::v1::Quota* quota = policy.add_quotas();
  quota->mutable_who()->set_everybody(true);
  quota->set_max_bytes(kBuiltinQuotaBytes);
  quota->set_max_buffers(kBuiltinQuotaBuffers);

  return policy;
}

}  // namespace dmaheap

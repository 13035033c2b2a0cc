#include "daemon/config/builtin_policy.h"

namespace dmaheap {

config::v1::Policy BuiltinPolicyMessage(uint32_t operator_uid) {
  config::v1::Policy policy;

  config::v1::AccessRule* everybody = policy.add_access();
  everybody->mutable_who()->set_everybody(true);
  everybody->add_rights(config::v1::ALLOCATE);
  everybody->add_rights(config::v1::HOLD);
  everybody->add_heaps("*");

  config::v1::AccessRule* operators = policy.add_access();
  operators->mutable_who()->add_uids(0);
  if (operator_uid != 0) operators->mutable_who()->add_uids(operator_uid);
  operators->add_rights(config::v1::INSPECT);
  operators->add_rights(config::v1::ADMIN);

  config::v1::Quota* quota = policy.add_quotas();
  quota->mutable_who()->set_everybody(true);
  quota->set_max_bytes(kBuiltinQuotaBytes);
  quota->set_max_buffers(kBuiltinQuotaBuffers);

  return policy;
}

}  // namespace dmaheap

// Of /etc/passwd in the guest (tests/vm/runner/guest.py): users without privileges.

#ifndef TESTS_VM_GUEST_USERS_H_
#define TESTS_VM_GUEST_USERS_H_

#include <sys/types.h>

namespace dmaheap {

inline constexpr uid_t kHalUid = 1000;
inline constexpr uid_t kAppUid = 1001;

}  // namespace dmaheap

#endif  // TESTS_VM_GUEST_USERS_H_

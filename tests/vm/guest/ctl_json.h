// dmaheapctl's answers in the guest, as JSON. A call that fails fails the test.

#ifndef TESTS_VM_GUEST_CTL_JSON_H_
#define TESTS_VM_GUEST_CTL_JSON_H_

#include <sys/types.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/vm/guest/guest_process.h"

namespace dmaheap {

// Runs `dmaheapctl WORDS -o json`.
nlohmann::json CtlJson(std::vector<std::string> words, uid_t uid = kHalUid);

// Resource name -> what is said of the heap.
std::map<std::string, nlohmann::json> ListHeaps();

// Whom a diagnosis accuses: pinner, certain.
std::vector<pid_t> PinnersOf(const nlohmann::json& diagnosis);

}  // namespace dmaheap

#endif  // TESTS_VM_GUEST_CTL_JSON_H_

// All kinds of trouble, by the names under which a person asks for them.

#ifndef TESTS_VM_TOOLS_TROUBLE_KINDS_H_
#define TESTS_VM_TOOLS_TROUBLE_KINDS_H_

#include <map>
#include <memory>
#include <string>

#include "tests/vm/tools/settings.h"
#include "tests/vm/tools/trouble.h"

namespace dmaheap {

struct TroubleKind {
  Settings defaults;
  std::unique_ptr<Trouble> (*make)(const Settings&);
};

const std::map<std::string, TroubleKind>& TroubleKinds();

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_TROUBLE_KINDS_H_

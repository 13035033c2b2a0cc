#include "tests/e2e/agent_main.h"

#include <grp.h>
#include <unistd.h>

#include <iostream>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace dmaheap {

int AgentMain(int argc, char** argv,
              const std::function<std::string(const std::string& socket_dir,
                                              std::istringstream words)>& answer) {
  std::string socket_dir;
  for (int i = 1; i < argc; ++i) {
    absl::string_view word = argv[i];
    uid_t uid = 0;
    if (absl::ConsumePrefix(&word, "--uid=") && absl::SimpleAtoi(word, &uid)) {
      if (setgroups(0, nullptr) != 0 || setresgid(uid, uid, uid) != 0 ||
          setresuid(uid, uid, uid) != 0) {
        std::cerr << "can not become uid " << uid << "\n";
        return 1;
      }
    } else if (absl::ConsumePrefix(&word, "--socket-dir=")) {
      socket_dir = std::string(word);
    }
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    std::cout << answer(socket_dir, std::istringstream(line)) << std::endl;
  }
  return 0;
}

}  // namespace dmaheap

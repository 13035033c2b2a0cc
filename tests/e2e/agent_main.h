// What the programs behind AgentProcess have in common: to become a user, and to answer each line
// of standard input with one line on standard output.

#ifndef TESTS_E2E_AGENT_MAIN_H_
#define TESTS_E2E_AGENT_MAIN_H_

#include <functional>
#include <sstream>
#include <string>

namespace dmaheap {

// Reads --uid=N and --socket-dir=PATH. answer gets the words of a line.
int AgentMain(int argc, char** argv,
              const std::function<std::string(const std::string& socket_dir,
                                              std::istringstream words)>& answer);

}  // namespace dmaheap

#endif  // TESTS_E2E_AGENT_MAIN_H_

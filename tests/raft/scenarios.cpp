#include "scenario/play.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

// The plays under scenarios/: commands, and under `----` what each answers, up to an empty line. Expected answers are written
// by hand from the rule that the first line cites. TINYKV_REWRITE_SCENARIOS=1 writes the answers of this build into the files
// instead, for a review of the difference.

namespace {

struct step {
  std::string before;  // comments and empty lines
  std::string command;
  std::string expected;
};
struct script {
  std::vector<step> steps;
  std::string after;
};

script read(std::filesystem::path const& file) {
  script out;
  std::ifstream in{file};
  step now;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') {
      now.before += line + "\n";
      continue;
    }
    now.command = line;
    if (!std::getline(in, line) || line != "----") FAIL(file << ": no ---- under: " << now.command);
    while (std::getline(in, line) && !line.empty()) now.expected += line + "\n";
    out.steps.push_back(std::exchange(now, step{"\n", {}, {}}));
  }
  out.after = now.before;
  return out;
}

std::string indented(std::string const& text, char mark) {
  std::string out;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) out += std::string{"  "} + mark + " " + line + "\n";
  return out;
}

bool rewriting() {
  auto const* const wish = std::getenv("TINYKV_REWRITE_SCENARIOS");
  return wish != nullptr && *wish != '\0' && *wish != '0';
}

std::vector<std::filesystem::path> files() {
  std::vector<std::filesystem::path> out;
  for (auto const& f : std::filesystem::directory_iterator{std::filesystem::path{TINYKV_TEST_DATA_DIR} / "raft" / "scenarios"})
    if (f.path().extension() == ".txt") out.push_back(f.path());
  std::sort(out.begin(), out.end());
  return out;
}

// Every command runs, so that one look shows all that is different.
std::string differences(script& s) {
  scenario::play play;
  std::string out;
  for (auto& step : s.steps) {
    auto const got = play.run(step.command);
    if (got == step.expected) continue;
    out += step.command + "\n" + indented(step.expected, '-') + indented(got, '+');
    step.expected = got;
  }
  return out;
}

}  // namespace

TEST_CASE("scenarios", "[raft][scenario]") {
  for (auto const& file : files()) {
    DYNAMIC_SECTION(file.stem().string()) {
      auto s = read(file);
      REQUIRE(!s.steps.empty());
      auto const different = differences(s);
      if (rewriting()) {
        std::ofstream out{file};
        for (auto const& step : s.steps) out << step.before << step.command << "\n----\n" << step.expected;
        if (s.after != "\n") out << s.after;
      } else if (!different.empty()) {
        FAIL(file.filename().string() << ": expected (-) and answered (+)\n" << different);
      }
    }
  }
}

TEST_CASE("there are at least forty scenarios, and each says which rule it shows", "[raft][scenario]") {
  auto const all = files();
  CHECK(all.size() >= 40);
  for (auto const& file : all) {
    std::ifstream in{file};
    std::string line;
    std::getline(in, line);
    INFO(file.filename().string());
    auto const cites = line.find("paper") != std::string::npos || line.find("dissertation") != std::string::npos ||
                       line.find("SAFETY") != std::string::npos;
    CHECK((line.rfind("# ", 0) == 0 && cites));
  }
}

TEST_CASE("a wrong expectation is shown as a difference", "[raft][scenario]") {
  script s{{{"", "nodes 1", "ok\n"}, {"", "state", "1 leader\n"}}, ""};
  CHECK(differences(s) ==
        "state\n  - 1 leader\n  + 1 follower term=0 vote=0 leader=0 commit=0 applied=0 last=0\n");
  CHECK(s.steps[1].expected == "1 follower term=0 vote=0 leader=0 commit=0 applied=0 last=0\n");
}

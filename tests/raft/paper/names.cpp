#include "support/catch.hpp"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

// The behaviours of the specification, section 2.15, are tested under their names: none is missing, none is made up.

namespace {

std::string contents(std::filesystem::path const& file) {
  std::ifstream in{file};
  REQUIRE(in);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::set<std::string> names_in(std::string const& text, std::string const& before) {
  std::set<std::string> out;
  for (auto from = text.find(before); from != std::string::npos; from = text.find(before, from + 1)) {
    auto const begin = from + before.size();
    auto end = begin;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) ++end;
    auto const name = text.substr(begin, end - begin);
    if (name.rfind("Test", 0) == 0) out.insert(name);
  }
  return out;
}

}  // namespace

TEST_CASE("each of the 75 behaviours of the specification has a test of its name", "[raft][paper]") {
  std::filesystem::path const tests{TINYKV_TEST_DATA_DIR};
  auto const specification = contents(tests / ".." / "docs" / "reference" / "specification.md");
  auto const begin = specification.find("## 2.15 ");
  auto const end = specification.find("Not pinned by these tests", begin);
  REQUIRE(begin != std::string::npos);
  REQUIRE(end != std::string::npos);
  std::set<std::string> wanted;
  std::istringstream lines{specification.substr(begin, end - begin)};
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("| Test", 0) != 0) continue;
    auto const cell = line.substr(0, line.find('|', 2));
    auto const listed = names_in(cell, " ");
    wanted.insert(listed.begin(), listed.end());
  }
  CHECK(wanted.size() == 75);

  std::set<std::string> tested;
  for (auto const& file : std::filesystem::directory_iterator{tests / "raft" / "paper"}) {
    if (file.path().filename() == "names.cpp" || file.path().extension() != ".cpp") continue;
    auto const found = names_in(contents(file.path()), "TEST_CASE(\"");
    tested.insert(found.begin(), found.end());
  }
  for (auto const& name : wanted) {
    INFO(name);
    CHECK(tested.count(name) == 1);
  }
  for (auto const& name : tested) {
    INFO(name);
    CHECK(wanted.count(name) == 1);
  }
}

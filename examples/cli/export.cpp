#include "pages.hpp"
#include "text.hpp"
#include "verbs.hpp"

#include <fstream>
#include <iostream>

namespace cli {

int export_file(settings const& with, export_arguments const& what) {
  std::ofstream file;
  if (what.file != "-") file.open(what.file, std::ios::binary | std::ios::trunc);
  if (!file) {
    std::cerr << "tinykv: cannot write " << what.file << ": is the path right, and may you use it?\n";
    return exit_usage;
  }
  std::ostream& out = what.file == "-" ? std::cout : file;
  session cluster{with};
  tinykv::wire::scan_request range;
  range.prefix = what.prefix;
  // One server gives all pages: each is at least as new as the one before.
  auto const& server = with.endpoints.front();
  auto const ask = [&](tinykv::wire::scan_request const& page) { return cluster.ask_one(server, page); };
  auto const refused = for_each_pair(ask, range, ~std::uint64_t{0}, [&](tinykv::wire::kv_pair const& pair) {
    out << escaped(pair.key) << '\t' << escaped(pair.value) << '\n';
  });
  if (refused) return complain(*refused, false);
  if (!out.flush()) {
    std::cerr << "tinykv: cannot write " << what.file << ": is the disk full?\n";
    return exit_refused;
  }
  return exit_done;
}

}  // namespace cli

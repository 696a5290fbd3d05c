#include "text.hpp"
#include "verbs.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>

namespace cli {

using namespace tinykv;

namespace {

/// Reads lines, sends batches of them, many at once, and counts what comes back.
class importer {
 public:
  importer(session& cluster, import_arguments const& what, std::istream& in, std::ostream* acknowledged)
      : cluster_(cluster), what_(what), in_(in), acknowledged_(acknowledged) {}

  int run() {
    for (;;) {
      while (in_flight_ < what_.in_flight && !stopped()) {
        auto batch = std::make_shared<wire::write_request>(next_batch());
        if (batch->writes.empty()) break;
        send(std::move(batch));
      }
      if (in_flight_ == 0) break;
      cluster_.run_while([&, before = in_flight_] { return in_flight_ == before; });
    }
    if (acknowledged_) acknowledged_->flush();
    std::fprintf(stderr, "tinykv: %llu records acknowledged\n", static_cast<unsigned long long>(written_));
    if (acknowledged_ && !*acknowledged_ && !refused_) {
      std::fprintf(stderr, "tinykv: cannot write all of the acknowledged keys to their file: is the disk full?\n");
      return exit_refused;
    }
    if (in_.bad() && bad_line_ == 0 && !refused_) {
      std::fprintf(stderr, "tinykv: cannot read %s to its end: is it a file?\n", what_.file.c_str());
      return exit_usage;
    }
    if (bad_line_ != 0) {
      std::fprintf(stderr, "tinykv: line %llu is not `key TAB value`, or has an unknown escape; import stopped there\n",
                   static_cast<unsigned long long>(bad_line_));
    }
    if (refused_) return complain(*refused_, true);  // also behind a bad line: it may have been done
    return bad_line_ != 0 ? exit_usage : exit_done;
  }

 private:
  bool stopped() const { return refused_.has_value() || bad_line_ != 0; }

  wire::write_request next_batch() {
    constexpr std::size_t bytes_enough = 256U << 10;  // far below what a server takes at once
    wire::write_request out;
    std::size_t size = 0;
    for (std::string text; out.writes.size() < what_.batch && size < bytes_enough && std::getline(in_, text);) {
      ++line_;
      auto const tab = text.find('\t');
      auto key = unescaped(std::string_view{text}.substr(0, tab));
      auto value = tab == std::string::npos ? std::nullopt : unescaped(std::string_view{text}.substr(tab + 1));
      if (!key || !value) {
        bad_line_ = line_;
        break;
      }
      size += text.size();
      out.writes.push_back({std::move(*key), std::move(*value), false, {}});
    }
    return out;
  }

  void send(std::shared_ptr<wire::write_request> batch) {
    ++in_flight_;
    cluster_.start(*batch, [this, batch](wire::kv_answer answer) {
      --in_flight_;
      if (answer) return acknowledged(*batch);
      // Only a file's own puts are sent, and each says the same the second time as the first.
      auto const unknown = answer.error().reason.outcome == outcome::unknown;
      if (unknown && what_.repeat_unknown) return send(batch);
      // The worst is kept: what may have been done must not be hidden by what was not.
      if (!refused_ || (unknown && refused_->reason.outcome != outcome::unknown)) refused_ = answer.error();
    });
  }

  void acknowledged(wire::write_request const& batch) {
    written_ += batch.writes.size();
    if (!acknowledged_) return;
    for (auto const& w : batch.writes) *acknowledged_ << escaped(w.key) << '\n';
    if (in_flight_ % 64 == 0) acknowledged_->flush();
  }

  session& cluster_;
  import_arguments const& what_;
  std::istream& in_;
  std::ostream* acknowledged_;
  std::uint32_t in_flight_ = 0;
  std::uint64_t line_ = 0;
  std::uint64_t bad_line_ = 0;
  std::uint64_t written_ = 0;
  std::optional<wire::kv_refusal> refused_;
};

int cannot_open(std::string const& file) {
  std::cerr << "tinykv: cannot open " << file << ": is the path right, and may you use it?\n";
  return exit_usage;
}

}  // namespace

int import_file(settings const& with, import_arguments const& what) {
  std::ifstream file;
  if (what.file != "-") file.open(what.file, std::ios::binary);
  if (!file) return cannot_open(what.file);
  std::ofstream acknowledged;
  if (!what.acknowledged.empty()) acknowledged.open(what.acknowledged, std::ios::binary | std::ios::trunc);
  if (!acknowledged) return cannot_open(what.acknowledged);
  session cluster{with};
  auto* const log = what.acknowledged.empty() ? nullptr : &acknowledged;
  return importer{cluster, what, what.file == "-" ? std::cin : file, log}.run();
}

}  // namespace cli

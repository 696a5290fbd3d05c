#include "json.hpp"
#include "progress.hpp"
#include "records.hpp"
#include "text.hpp"
#include "verbs.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

namespace cli {

using namespace tinykv;

namespace {

volatile std::sig_atomic_t interrupts = 0;

/// While it lives, a first Ctrl-C or SIGTERM is noted, and a second one ends the program as ever.
class interruptible {
 public:
  interruptible() {
    interrupts = 0;
    struct sigaction note {};
    note.sa_handler = [](int) { interrupts = 1; };
    note.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGINT, &note, &before_[0]);
    ::sigaction(SIGTERM, &note, &before_[1]);
  }
  interruptible(interruptible const&) = delete;
  interruptible& operator=(interruptible const&) = delete;
  ~interruptible() {
    ::sigaction(SIGINT, &before_[0], nullptr);
    ::sigaction(SIGTERM, &before_[1], nullptr);
  }

 private:
  struct sigaction before_[2] = {};
};

/// Reads records, sends batches of them, many at once, and keeps account of what came back.
class importer {
 public:
  importer(settings const& with, import_arguments const& what, std::istream& in, std::ostream* acknowledged,
           std::uint64_t bytes)
      : with_(with),
        what_(what),
        in_(in),
        reader_(in, format(what), with.hex),
        acknowledged_(acknowledged),
        progress_(with, "imported", bytes),
        cluster_(with) {}

  int run() {
    interruptible const during_this;
    skip();
    for (;;) {
      while (in_flight_ < what_.in_flight && !ended_ && interrupts == 0) {
        auto next = next_piece();
        if (next->request.writes.empty()) break;
        send(std::move(next));
      }
      if (in_flight_ == 0) break;
      cluster_.run_while([&, before = in_flight_] { return in_flight_ == before; });
      progress_.show(written_, reader_.bytes());
    }
    progress_.clear();
    if (auto const problem = why_not()) return complain(with_, *problem);
    std::cout << (with_.json ? json_line({{"ok", true}, {"records", written_}, {"skipped", skipped_}})
                             : std::to_string(written_) + " records imported\n");
    return printed(with_);
  }

 private:
  struct piece {
    std::uint64_t first = 0;  // record, counted from 0 in the file
    wire::write_request request;
  };

  static cli::format format(import_arguments const& what) {
    return what.format ? *format_of(*what.format) : format_for(what.file, cli::format::lines);
  }

  void skip() {
    while (skipped_ < what_.skip && reader_.next()) ++skipped_;
    certain_ = skipped_;
    read_ = skipped_;
  }

  std::shared_ptr<piece> next_piece() {
    constexpr std::size_t bytes_enough = 256U << 10;  // far below what a server takes at once
    auto out = std::make_shared<piece>();
    out->first = read_;
    for (std::size_t size = 0; out->request.writes.size() < what_.batch && size < bytes_enough; ++read_) {
      auto record = reader_.next();
      if (!record) {
        ended_ = true;
        break;
      }
      size += record->key.size() + record->value.size();
      out->request.writes.push_back({std::move(record->key), std::move(record->value), false, {}});
    }
    return out;
  }

  void send(std::shared_ptr<piece> sent) {
    ++in_flight_;
    cluster_.start(sent->request, [this, sent](wire::kv_answer answer) {
      --in_flight_;
      if (answer) return acknowledged(*sent);
      // Only a file's own puts are sent, and each says the same the second time as the first.
      auto const unknown = answer.error().reason.outcome == outcome::unknown;
      if (unknown && what_.repeat_unknown) return send(sent);
      ended_ = true;
      // The worst is kept: what may have been done must not be hidden by what was not.
      if (!refused_ || (unknown && refused_->reason.outcome != outcome::unknown)) refused_ = answer.error();
    });
  }

  void acknowledged(piece const& done) {
    auto const& writes = done.request.writes;
    written_ += writes.size();
    finished_[done.first] = done.first + writes.size();
    for (auto i = finished_.begin(); i != finished_.end() && i->first == certain_; i = finished_.erase(i))
      certain_ = i->second;
    if (!acknowledged_) return;
    for (auto const& w : writes) *acknowledged_ << shown(w.key, with_.hex) << '\n';
    if (in_flight_ % 64 == 0) acknowledged_->flush();
  }

  /// Why not all of the file is in, and how to go on.
  std::optional<problem> why_not() {
    if (refused_) {  // also behind a bad line, which a second run finds again: it may have been done
      auto out = problem_of(*refused_, true);
      if (out.exit == exit_unknown) out.next = "repeat it if nobody else writes these keys (--repeat-unknown does)";
      return with_account(std::move(out));
    }
    if (!reader_.problem().empty())
      return with_account(usage(reader_.problem(), "correct the line, or give the right --format"));
    if (in_.bad()) return with_account(usage("cannot read " + what_.file + " to its end", "is it a file?"));
    if (!ended_) return with_account({exit_refused, rejected(error_code::canceled, "interrupted")});
    if (skipped_ < what_.skip)
      return usage("--skip " + std::to_string(what_.skip) + " is more than the " + std::to_string(skipped_) +
                   " records there are");
    if (acknowledged_ && !acknowledged_->flush())
      return with_account({exit_refused, rejected(error_code::io, "cannot write all keys to " + what_.acknowledged),
                           "is the disk full?"});
    return {};
  }

  problem with_account(problem out) const {
    auto const n = std::to_string(certain_);
    auto const later = certain_ == read_ ? "no later one is" : "later ones may be";
    out.why.detail += "; the first " + n + " records are certainly written, " + later;
    if (!out.next.empty()) out.next += "; then ";
    out.next += "go on with --skip " + n;
    return out;
  }

  settings const& with_;
  import_arguments const& what_;
  std::istream& in_;
  record_reader reader_;
  std::ostream* acknowledged_;
  progress progress_;
  session cluster_;
  std::uint32_t in_flight_ = 0;
  bool ended_ = false;  // no further record is sent: the end of the file, or a failure
  std::uint64_t skipped_ = 0;
  std::uint64_t read_ = 0;                           // records, skipped ones included
  std::uint64_t written_ = 0;                        // acknowledged by this run
  std::uint64_t certain_ = 0;                        // all before this one are written
  std::map<std::uint64_t, std::uint64_t> finished_;  // first to end of acknowledged batches behind `certain_`
  std::optional<wire::kv_refusal> refused_;
};

int cannot_open(settings const& with, std::string const& file) {
  return complain(with, usage("cannot open " + file, "is the path right, and may you use it?"));
}

}  // namespace

int import_file(settings const& with, import_arguments const& what) {
  auto const from_stdin = what.file == "-";
  if (from_stdin && with.in_shell)
    return complain(with, usage("the file is missing", "in the shell it stands on the line"));
  std::ifstream file;
  if (!from_stdin) file.open(what.file, std::ios::binary);
  if (!file) return cannot_open(with, what.file);
  std::ofstream acknowledged;
  if (!what.acknowledged.empty()) acknowledged.open(what.acknowledged, std::ios::binary | std::ios::trunc);
  if (!acknowledged) return cannot_open(with, what.acknowledged);
  std::error_code unknown;
  auto const bytes = from_stdin ? 0 : std::filesystem::file_size(what.file, unknown);
  auto* const log = what.acknowledged.empty() ? nullptr : &acknowledged;
  return importer{with, what, from_stdin ? std::cin : file, log, unknown ? 0 : bytes}.run();
}

}  // namespace cli

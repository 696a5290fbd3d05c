#pragma once

#include "../harness.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

/// A script language for plays of messages over Raft cores. One command per line, its answer as lines:
///
///     nodes 1,2,3 [voters 1,2,3] [learners 4] [outgoing 1,2] [version V] [log 1,1,2] [term T] [vote P] [commit C]
///           [prevote] [checkquorum] [priority N]          peers with these disks; one voter each, if none is named
///     campaign N | tick N [TIMES] | abdicate N | restart N | unreachable N of M
///     propose N TEXT | barrier N | change N voters 1,2 [learners 3] [version V] | transfer N to M | read N ID
///     deliver [from N] [to N] [kind K] [once]             mail that fits, and what it causes, until none is left
///     drop [from N] [to N] [kind K]                       mail that fits and is under way now
///     repeat [from N] [to N] [kind K]                     such mail is under way twice
///     cut N M | isolate N | heal                          links lose everything
///     disk N off|on | persist N | machine N off|on | apply N to I
///     compact N to I | snapshot N to M | offer N to M | install M | report N of M sent|failed
///     state [N] | log N | progress N | config N | mail [from N] [to N] [kind K] | reads N | wants N
///
/// An action answers `ok`, or what it gave; a question answers with lines.
namespace scenario {

using namespace raft_tests;

class play {
 public:
  /// Runs one command; gives its answer, each line ended.
  std::string run(std::string const& line) {
    words_ = {};
    std::istringstream in{line};
    for (std::string word; in >> word;) words_.push_back(word);
    next_ = 0;
    out_.str({});
    auto const verb = take();
    if (verb == "nodes") nodes();
    else if (verb == "deliver") deliver();
    else if (verb == "drop") std::erase_if(mail_, filter());
    else if (verb == "repeat") repeat();
    else if (verb == "cut") cut();
    else if (verb == "isolate") isolated_.insert(number());
    else if (verb == "heal") heal();
    else if (verb == "state") state();
    else if (verb == "mail") print_mail();
    else act(verb, number());
    collect();
    auto text = out_.str();
    return text.empty() ? (asks(verb) ? "nothing\n" : "ok\n") : text;
  }

 private:
  static bool asks(std::string const& verb) {
    static std::set<std::string> const questions{"state", "log", "progress", "config", "mail", "reads", "wants"};
    return questions.count(verb) != 0;
  }

  // --- words ---

  std::string take() { return next_ < words_.size() ? words_[next_++] : std::string{}; }
  std::uint64_t number() { return parse(take()); }
  static std::uint64_t parse(std::string const& word) {
    if (word.empty() || word.find_first_not_of("0123456789") != std::string::npos) FAIL("a number is missing, found '" << word << "'");
    return std::stoull(word);
  }
  std::vector<std::uint64_t> list() {
    std::vector<std::uint64_t> out;
    std::istringstream in{take()};
    for (std::string word; std::getline(in, word, ',');) out.push_back(parse(word));
    return out;
  }
  static std::vector<raft::member> members_of(std::vector<std::uint64_t> const& ids) {
    std::vector<raft::member> out;
    for (auto const id : ids) out.push_back({peer_id{id}, tinykv::store_id{id}});
    return out;
  }
  peer& at(std::uint64_t id) {
    auto const found = peers_.find(id);
    if (found == peers_.end()) FAIL("there is no peer " << id);
    return *found->second;
  }

  // --- actions ---

  void nodes() {
    auto const ids = list();
    raft::membership group;
    group.voters = members_of(ids);
    disk d;
    raft::options o;
    o.pre_vote = o.check_quorum = false;
    while (next_ < words_.size()) {
      auto const word = take();
      if (word == "voters") group.voters = members_of(list());
      else if (word == "learners") group.learners = members_of(list());
      else if (word == "outgoing") group.outgoing = members_of(list());
      else if (word == "version") group.version = number();
      else if (word == "nobody") group = {};
      else if (word == "log") {
        std::uint64_t index = 1;
        for (auto const t : list()) d.log.push_back(entry(index++, t, "old"));
      } else if (word == "term") d.state.term = term{number()};
      else if (word == "vote") d.state.vote = peer_id{number()};
      else if (word == "commit") d.state.commit = log_index{number()};
      else if (word == "prevote") o.pre_vote = true;
      else if (word == "checkquorum") o.check_quorum = true;
      else if (word == "priority") o.election_priority = static_cast<std::uint32_t>(number());
      else FAIL("unknown: " << word);
    }
    if (!d.log.empty()) d.state.term = std::max(d.state.term, d.log.back().term);
    d.truncated.configuration = group;
    for (auto const id : ids) {
      o.self = peer_id{id};
      o.seed = id;
      peers_[id] = std::make_unique<peer>(o, d);
    }
  }

  void act(std::string const& verb, std::uint64_t id) {
    auto& p = at(id);
    if (verb == "campaign") p.core().campaign();
    else if (verb == "tick") p.tick(next_ < words_.size() ? static_cast<std::uint32_t>(number()) : 1);
    else if (verb == "abdicate") p.core().abdicate();
    else if (verb == "restart") p.restart();
    else if (verb == "unreachable") p.core().unreachable(after("of"));
    else if (verb == "propose") say(p.core().propose(text(take()), p.see().term));
    else if (verb == "barrier") say(p.core().propose_barrier(p.see().term));
    else if (verb == "change") change(p);
    else if (verb == "transfer") say(p.core().transfer_to(after("to")));
    else if (verb == "read") p.core().read_index(read_id{number()});
    else if (verb == "disk") p.disk_works = take() == "on";
    else if (verb == "persist") { if (!p.persist()) out_ << "nothing to write\n"; }
    else if (verb == "machine") p.machine_works = take() == "on";
    else if (verb == "apply") p.core().applied(log_index{after("to").value});
    else if (verb == "compact") p.compact(after("to").value);
    else if (verb == "snapshot") snapshot(p, after("to").value);
    else if (verb == "offer") offer(p, after("to").value);
    else if (verb == "install") install(p);
    else if (verb == "report") report(p, after("of").value);
    else if (verb == "log") log(p);
    else if (verb == "progress") progress(p);
    else if (verb == "config") config(p);
    else if (verb == "reads") reads(p);
    else if (verb == "wants") wants(p);
    else FAIL("unknown command: " << verb);
    p.pump();
  }

  peer_id after(std::string const& preposition) {
    if (take() != preposition) FAIL("expected '" << preposition << "'");
    return peer_id{number()};
  }
  void say(tinykv::result<position> const& got) {
    if (got) out_ << (*got).index.value << "/" << (*got).term.value << "\n";
    else refuse(got.error());
  }
  void say(tinykv::result<tinykv::done> const& got) {
    if (!got) refuse(got.error());
  }
  void refuse(tinykv::failure const& f) {
    out_ << name_of(f.outcome) << " " << name_of(f.code);
    if (f.hint != 0) out_ << " hint " << f.hint;
    out_ << "\n";
  }
  void change(peer& p) {
    raft::membership target;
    auto version = p.see().configuration.version;
    while (next_ < words_.size()) {
      auto const word = take();
      if (word == "voters") target.voters = members_of(list());
      else if (word == "learners") target.learners = members_of(list());
      else if (word == "version") version = number();
      else FAIL("unknown: " << word);
    }
    say(p.core().change_membership(std::move(target), version));
  }

  // --- snapshots ---

  void offer(peer& from, std::uint64_t to) {
    offered_ = from.snapshot();
    static char const* const names[] = {"ignored\n", "held\n", "wanted\n"};
    auto const verdict = at(to).core().offered(from.see().self, from.see().term, offered_->at);
    if (verdict == raft::snapshot_verdict::wanted) at(to).begin_install(*offered_);
    at(to).pump();
    out_ << names[static_cast<int>(verdict)];
  }
  void install(peer& p) { p.end_install(*offered_); }
  void report(peer& p, std::uint64_t of) {
    if (take() == "sent") p.core().snapshot_sent(peer_id{of}, offered_->at.index);
    else p.core().snapshot_failed(peer_id{of});
  }
  void snapshot(peer& from, std::uint64_t to) {
    offer(from, to);
    if (at(to).see().installing) install(at(to));
    from.core().snapshot_sent(peer_id{to}, offered_->at.index);
  }

  // --- mail ---

  std::function<bool(raft::message const&)> filter() {
    std::optional<std::uint64_t> from;
    std::optional<std::uint64_t> to;
    std::string kind;
    once_ = false;
    while (next_ < words_.size()) {
      auto const word = take();
      if (word == "from") from = number();
      else if (word == "to") to = number();
      else if (word == "kind") kind = take();
      else if (word == "once") once_ = true;
      else FAIL("unknown: " << word);
    }
    return [=](raft::message const& m) {
      return (!from || m.from.value == *from) && (!to || m.to.value == *to) && (kind.empty() || kind == name_of_kind(m.kind));
    };
  }
  void collect() {
    for (auto& [id, p] : peers_) {
      p->pump();
      for (auto& m : p->sent()) mail_.push_back(std::move(m));
    }
    std::erase_if(mail_, [&](auto const& m) {
      auto const a = m.from.value;
      auto const b = m.to.value;
      return isolated_.count(a) + isolated_.count(b) != 0 || cut_.count({a, b}) != 0 || peers_.count(b) == 0;
    });
  }
  void deliver() {
    auto const fits = filter();
    collect();
    for (auto rounds = 0; rounds < 100; ++rounds) {
      std::vector<raft::message> now;
      for (auto const& m : mail_)
        if (fits(m)) now.push_back(m);
      if (now.empty()) return;
      std::erase_if(mail_, fits);
      for (auto& m : now) at(m.to.value).step(std::move(m));
      collect();
      if (once_) return;
    }
    FAIL("the mail does not end");
  }
  void repeat() {
    auto const fits = filter();
    auto const size = mail_.size();
    for (std::size_t i = 0; i < size; ++i)
      if (fits(mail_[i])) mail_.push_back(raft::message{mail_[i]});
  }
  void cut() {
    auto const a = number();
    auto const b = number();
    cut_.insert({a, b});
  }
  void heal() {
    cut_.clear();
    isolated_.clear();
  }

  // --- answers ---

  static std::string name_of_kind(message_kind kind) {
    static char const* const names[] = {"?",         "pre_vote_request", "pre_vote_reply", "vote_request", "vote_reply",  "append",  "append_reply",
                                        "heartbeat", "heartbeat_reply",  "read_request",   "read_reply",   "timeout_now", "removed"};
    return names[static_cast<std::size_t>(kind)];
  }
  static std::string joined(std::vector<raft::member> const& list) {
    std::string out;
    for (auto const& m : list) out += (out.empty() ? "" : ",") + std::to_string(m.peer.value);
    return out;
  }
  static std::string show(raft::entry const& e) {
    auto out = std::to_string(e.index.value) + "/" + std::to_string(e.term.value);
    if (e.kind == raft::entry_kind::barrier) return out + ":barrier";
    if (e.kind == raft::entry_kind::configuration) {
      auto const change = raft::decode_change(e.data);
      return out + ":config" + std::to_string(change->target.version);
    }
    return e.data.empty() ? out : out + ":" + std::string{e.data.view()};
  }
  void state() {
    std::optional<std::uint64_t> only;
    if (next_ < words_.size()) only = number();
    static char const* const roles[] = {"follower", "pre_candidate", "candidate", "leader"};
    for (auto& [id, p] : peers_) {
      if (only && id != *only) continue;
      auto const s = p->see();
      out_ << id << " " << roles[static_cast<int>(s.role)] << " term=" << s.term.value << " vote=" << s.vote.value << " leader=" << s.leader.value
           << " commit=" << s.commit.value << " applied=" << s.applied.value << " last=" << s.last.value;
      if (s.durable != s.last) out_ << " durable=" << s.durable.value;
      if (s.transferee != peer_id{}) out_ << " transfer=" << s.transferee.value;
      if (s.installing) out_ << " installing";
      if (p->removed) out_ << " removed";
      out_ << "\n";
    }
  }
  void log(peer& p) {
    auto const& window = p.core().log();
    auto const start = window.truncated();
    if (start.index != log_index{}) out_ << "after " << start.index.value << "/" << start.term.value << (window.last() == start.index ? "" : " ");
    auto first = true;
    for (auto const& e : all_of(p)) {
      out_ << (first ? "" : " ") << show(e);
      first = false;
    }
    if (start.index != log_index{} || !first) out_ << "\n";
  }
  static std::vector<raft::entry> all_of(peer& p) {
    std::vector<raft::entry> out;
    auto const& window = p.core().log();
    for (auto const& e : p.on_disk.log)
      if (e.index < window.window_first()) out.push_back(e);
    for (auto i = window.window_first(); i <= window.last(); ++i) out.push_back(window[i]);
    return out;
  }
  void progress(peer& p) {
    static char const* const states[] = {"probing", "replicating", "snapshot"};
    for (auto const& x : p.see().peers)
      out_ << x.peer.value << " " << states[static_cast<int>(x.state)] << " match=" << x.match.value << " next=" << x.next.value << "\n";
  }
  void config(peer& p) {
    auto const s = p.see();
    out_ << "version " << s.configuration.version << " voters " << joined(s.configuration.voters);
    if (!s.configuration.outgoing.empty()) out_ << " outgoing " << joined(s.configuration.outgoing);
    if (!s.configuration.learners.empty()) out_ << " learners " << joined(s.configuration.learners);
    if (s.change_pending) out_ << " pending";
    out_ << "\n";
  }
  void print_mail() {
    auto const fits = filter();
    for (auto const& m : mail_) {
      if (!fits(m)) continue;
      out_ << m.from.value << ">" << m.to.value << " " << name_of_kind(m.kind) << " term=" << m.term.value;
      if (m.kind == message_kind::vote_request || m.kind == message_kind::pre_vote_request) out_ << " last=" << m.index.value << "/" << m.log_term.value;
      if (m.kind == message_kind::append) {
        out_ << " prev=" << m.index.value << "/" << m.log_term.value << " commit=" << m.commit.value;
        for (auto const& e : m.entries) out_ << " " << show(e);
      }
      if (m.kind == message_kind::append_reply) out_ << " index=" << m.index.value;
      if (m.kind == message_kind::heartbeat) out_ << " commit=" << m.commit.value;
      if (m.kind == message_kind::read_reply) out_ << " index=" << m.index.value;
      if (m.kind == message_kind::removed) out_ << " version=" << m.round;
      if (m.forced) out_ << " forced";
      if (m.refused) out_ << " refused";
      out_ << "\n";
    }
  }
  void reads(peer& p) {
    for (auto const& [id, index] : p.granted) out_ << "read " << id.value << " at " << index.value << "\n";
    for (auto const& [id, why] : p.refused) out_ << "read " << id.value << " " << name_of(why.code) << "\n";
  }
  void wants(peer& p) {
    for (auto const& r : p.snapshots) out_ << "snapshot for " << r.peer.value << " from " << r.at_least.value << "\n";
  }

  std::map<std::uint64_t, std::unique_ptr<peer>> peers_;
  std::vector<raft::message> mail_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> cut_;
  std::set<std::uint64_t> isolated_;
  std::optional<raft::snapshot_meta> offered_;
  std::vector<std::string> words_;
  std::size_t next_ = 0;
  bool once_ = false;
  std::ostringstream out_;
};

}  // namespace scenario

#include "region.hpp"

namespace cli {

CLI::App& add_region_verbs(CLI::App& app, settings const& with, region_arguments& to, std::function<int()>& run) {
  auto& region = *app.add_subcommand("region", "members and leader of a region: show, transfer, add-peer, remove-peer");
  region.fallthrough();
  region.require_subcommand(1);
  auto const verb = [&](std::string const& name, std::string const& help, std::string const& examples, auto function) -> CLI::App& {
    auto& out = *region.add_subcommand(name, help);
    out.fallthrough();
    out.footer("Examples:\n" + examples);
    out.add_option("--region", to.region, "which one")->capture_default_str();
    out.callback([&with, &to, &run, function] { run = [&with, &to, function] { return function(with, to); }; });
    return out;
  };
  auto const peer = [&](CLI::App& of, std::string const& help) {
    of.add_option("store", to.store, help)->required()->check(CLI::PositiveNumber);
  };
  auto const wait = [&](CLI::App& of) {
    of.add_option("--wait", to.wait_seconds, "seconds until the members are in force; the change may go on after that")
        ->check(CLI::Range(0.1, 86400.0))->capture_default_str();
  };

  auto& show = verb("show", "its range, its leader, and how far each member is", R"(  tinykv region show
  tinykv --endpoints host4:20160 region show --local     what this server sees, whoever leads)", region_show);
  show.add_flag("--local", to.local, "what the first endpoint sees; needs no leader");

  auto& transfer = verb("transfer", "make the peer on another store the leader", "  tinykv region transfer 2", region_transfer);
  peer(transfer, "number of the store that is to lead");

  auto& add = verb("add-peer", "let a store hold the region: as learner, and as voter when it has caught up", R"(  tinykv-server --store-id 4 --listen host4:20160 --peers 1=host1:20160,... --data-dir d --join
  tinykv region add-peer 4 host4:20160              also for a store that was a member before)", region_add_peer);
  peer(add, "number of the store");
  add.add_option("address", to.address, "H:P by which the other servers reach it")->required();
  add.add_option("--peer", to.peer, "number of the peer, above every one that the region has had (default: the leader chooses it)")->check(CLI::PositiveNumber);
  add.add_flag("--learner", to.learner, "it receives everything and never votes");
  wait(add);

  auto& remove = verb("remove-peer", "let a store hold the region no more", "  tinykv region remove-peer 1      the leader hands over first", region_remove_peer);
  peer(remove, "number of the store");
  wait(remove);
  return region;
}

}  // namespace cli

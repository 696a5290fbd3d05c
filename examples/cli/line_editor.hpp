#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// What edits lines on a terminal: "libedit", or "none" when it was built without.
std::string_view line_editing();

/// Reads lines that people type. With libedit: editing, history kept in a file, completion with the tab key. Without
/// it: plain lines. One at a time.
class line_editor {
 public:
  /// `complete(text before the cursor)` gives what the word there could become.
  using complete_function = std::function<std::vector<std::string>(std::string const&)>;

  /// `history` is a file, kept readable by its owner alone; empty = none.
  line_editor(std::string history, complete_function complete);
  ~line_editor();

  /// The next line, without its end; nothing at the end of input. Ctrl-C begins the line anew.
  std::optional<std::string> read(std::string const& prompt);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace cli

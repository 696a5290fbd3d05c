#include "line_editor.hpp"

#ifdef TINYKV_CLI_LIBEDIT

#include <clocale>
#include <cstdio>

#include <histedit.h>

namespace cli {

std::string_view line_editing() { return "libedit"; }

struct line_editor::state {
  std::string prompt;
  std::string history_file;
  complete_function complete;
  EditLine* editor = nullptr;
  History* history = nullptr;

  static state& of(EditLine* editor) {
    void* mine = nullptr;
    el_get(editor, EL_CLIENTDATA, &mine);
    return *static_cast<state*>(mine);
  }
  static char const* prompt_of(EditLine* editor) { return of(editor).prompt.c_str(); }

  /// The tab key: inserts what all candidates have in common; shows them when that is nothing more.
  static unsigned char complete_word(EditLine* editor, int) {
    auto const* line = el_line(editor);
    std::string const before{line->buffer, static_cast<std::size_t>(line->cursor - line->buffer)};
    auto const found = of(editor).complete(before);
    if (found.empty()) return CC_ERROR;
    auto const space = before.find_last_of(" \t");
    auto const typed = space == std::string::npos ? before.size() : before.size() - space - 1;
    auto common = found.front();
    for (auto const& word : found) {
      std::size_t same = 0;
      while (same < common.size() && same < word.size() && common[same] == word[same]) ++same;
      common.resize(same);
    }
    auto more = common.size() > typed ? common.substr(typed) : std::string{};
    if (found.size() == 1) more += ' ';
    if (!more.empty()) return el_insertstr(editor, more.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    std::fputc('\n', stdout);
    for (auto const& word : found) std::printf("%s  ", word.c_str());
    std::fputc('\n', stdout);
    return CC_REDISPLAY;
  }

  /// Ctrl-C: forgets the line.
  static unsigned char forget_line(EditLine* editor, int) {
    auto const* line = el_line(editor);
    auto const size = static_cast<int>(line->lastchar - line->buffer);
    el_cursor(editor, size);  // to its end, and no further
    el_deletestr(editor, size);
    std::fputs("^C\n", stdout);
    return CC_REDISPLAY;
  }
};

line_editor::line_editor(std::string file, complete_function complete) : state_(std::make_unique<state>()) {
  auto& s = *state_;
  s.history_file = std::move(file);
  s.complete = std::move(complete);
  std::setlocale(LC_CTYPE, "");
  s.editor = el_init("tinykv", stdin, stdout, stderr);
  s.history = history_init();
  if (!s.editor || !s.history) return;
  HistEvent event;
  history(s.history, &event, H_SETSIZE, 1000);
  history(s.history, &event, H_SETUNIQUE, 1);
  if (!s.history_file.empty()) history(s.history, &event, H_LOAD, s.history_file.c_str());
  el_set(s.editor, EL_CLIENTDATA, &s);
  el_set(s.editor, EL_PROMPT, &state::prompt_of);
  el_set(s.editor, EL_EDITOR, "emacs");
  el_set(s.editor, EL_HIST, ::history, s.history);
  el_set(s.editor, EL_ADDFN, "tinykv-complete", "complete a verb or flag", &state::complete_word);
  el_set(s.editor, EL_BIND, "^I", "tinykv-complete", nullptr);
  el_set(s.editor, EL_SETTY, "-d", "-isig", nullptr);  // while a line is edited, Ctrl-C is a key and no signal
  el_set(s.editor, EL_ADDFN, "tinykv-forget", "forget the line", &state::forget_line);
  el_set(s.editor, EL_BIND, "^C", "tinykv-forget", nullptr);
}

line_editor::~line_editor() {
  if (state_->history) history_end(state_->history);
  if (state_->editor) el_end(state_->editor);
}

std::optional<std::string> line_editor::read(std::string const& prompt) {
  auto& s = *state_;
  if (!s.editor || !s.history) return {};
  s.prompt = prompt;
  int size = 0;
  auto const* line = el_gets(s.editor, &size);
  if (!line || size <= 0) return {};
  std::string out{line, static_cast<std::size_t>(size)};
  while (!out.empty() && (out.back() == '\n' || out.back() == '\r')) out.pop_back();
  if (!out.empty()) {
    HistEvent event;
    history(s.history, &event, H_ENTER, out.c_str());
    // Readable by its owner alone (libedit sees to it): values can be secrets.
    if (!s.history_file.empty()) history(s.history, &event, H_SAVE, s.history_file.c_str());
  }
  return out;
}

}  // namespace cli

#else

#include <iostream>

namespace cli {

std::string_view line_editing() { return "none"; }

struct line_editor::state {};

line_editor::line_editor(std::string, complete_function) {}
line_editor::~line_editor() = default;

std::optional<std::string> line_editor::read(std::string const& prompt) {
  std::cout << prompt << std::flush;
  std::string line;
  if (!std::getline(std::cin, line)) return {};
  return line;
}

}  // namespace cli

#endif

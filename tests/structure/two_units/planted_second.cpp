#define PLANTED_MACRO
#include "planted.hpp"

int second_unit();
int second_unit() { return planted{}.get(); }

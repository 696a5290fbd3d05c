#pragma once

// The bodies of testing/, for separate compilation: include this in one file of a program.

#include <tinykv/testing/impl/oracle.ipp>
#include <tinykv/testing/impl/plan.ipp>

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define HAVE_FUTEX 1
#define HAVE___CXA_THREAD_ATEXIT_IMPL 1

# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Part of the makefiles of a build directory, which name it, and so does libtool: in a
# copy they would take what was built in the directory that it was copied from.
ifeq (,$(findstring clean,$(MAKECMDGOALS)))
ifneq ($(realpath .),$(realpath $(abs_builddir)))
$(error this directory was configured as $(abs_builddir): run configure in it again)
endif
endif

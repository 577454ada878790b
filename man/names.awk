# SPDX-License-Identifier: LGPL-2.1-or-later
# Prints the names in the NAME section of a manual page, one a line.
/^\.Sh / { inside = $2 == "NAME" }
inside && $1 == ".Nm" { print $2 }

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every type of the module, each made in a file of its own; for module.c alone. */
#ifndef PYTHON_TYPES_H
#define PYTHON_TYPES_H

#include "compat.h"

extern PyType_Spec dict_spec;
extern PyType_Spec int64_spec;
extern PyType_Spec flag_spec;
extern PyType_Spec reference_spec;
extern PyType_Spec queue_spec;
extern PyType_Spec std_queue_spec;
extern PyType_Spec wrapper_spec;
extern PyType_Spec gather_spec;
extern PyType_Spec gather_iterator_spec;

#endif

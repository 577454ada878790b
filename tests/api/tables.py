# SPDX-License-Identifier: LGPL-2.1-or-later
"""Generates tables.h, which programs/harness.h explains, from the public headers.

It goes by types, and by these conventions of the headers, which it so holds them to:

    conc_X, a typedef of a structure that is not shown, is an object; conc_X_new makes one and
    conc_X_free frees it
    a structure that begins with `size_t size' grows; the caller fills it in where the pointer to it
    is const, and the library where it is not
    a callback's last argument is `void *user'

What it has no argument for, or no way to hand in, it names as wrong.
"""

from __future__ import annotations

import dataclasses
import re

import c_api
from c_api import Function, Headers, Named, Type

# What goes in; what a name stands for comes before what a type does.
ARGUMENTS_BY_NAME = {
    ("int64_t", "deadline"): "a->deadline",
    ("void *", "user"): "&user_of_all",
}
ARGUMENTS = {
    "int64_t": "1",
    "uint64_t": "1",
    "unsigned": "1",
    "unsigned int": "1",
    "int": "1",
    # Of a key: as bytes an empty one; for others it must be 0.
    "size_t": "0",
    "_Bool": "false",
    "const void *": "&thing",
    "void *": "&thing",
    "const struct conc_value *": "&a->value",
}
# What comes out.
RESULTS = {"int64_t *", "uint64_t *", "size_t *", "_Bool *", "void **", "const void **", "struct conc_value *"}
# Members of a structure that are numbers: the default, and another.
NUMBERS = {"int", "unsigned", "unsigned int", "int64_t", "uint64_t", "size_t"}
POINTER_TO_FUNCTION = re.compile(r"(?P<result>.*?)\s*\(\*\)\s*\((?P<parameters>.*)\)")


class Wrong(Exception):
    """What the generator does not know, with the name of it."""


@dataclasses.dataclass
class Route:
    """A structure that grows, and who takes it: a parameter, or a member of another that goes there."""

    function: Function
    at: int  # the parameter
    structures: list[Type]  # from the parameter's to the one that is tried
    members: list[str]  # between them

    @property
    def name(self) -> str:
        return " of ".join([f"struct {self.structures[-1].name}", *reversed(self.members), self.function.name])

    @property
    def comes_out(self) -> bool:
        return not self.function.parameters[self.at][0].startswith("const ")


def is_growing(structure: Type) -> bool:
    return structure.members[:1] == (("size_t", "size"),)


def growing(headers: Headers) -> dict[str, Type]:
    return {name: kind for name, kind in headers.types.items() if is_growing(kind)}


def objects(headers: Headers) -> list[str]:
    return [name for name, kind in headers.types.items() if kind.text == f"typedef struct {name} {name}"]


def init_macro(structure: Type) -> str:
    return f"{structure.name.upper()}_INIT"


def structure_of(headers: Headers, kind: str, qualifier: str) -> Type | None:
    """The growing structure that a type points to."""
    match = re.fullmatch(rf"{qualifier}struct (\w+) \*", kind)
    return growing(headers).get(match[1]) if match else None


def routes(headers: Headers) -> list[Route]:
    """Every way for every structure; one that has none is wrong."""
    found: list[Route] = []

    def follow(route: Route) -> None:
        found.append(route)
        if route.comes_out:
            return
        for kind, member in route.structures[-1].members:
            inner = structure_of(headers, kind, "const ")
            if inner and inner not in route.structures:
                follow(Route(route.function, route.at, [*route.structures, inner], [*route.members, member]))

    for function in headers.functions.values():
        for at, (kind, _) in enumerate(function.parameters):
            if structure := structure_of(headers, kind, "(?:const )?"):
                follow(Route(function, at, [structure], []))
    for name in growing(headers):
        if not any(route.structures[-1].name == name for route in found):
            raise Wrong(f"struct {name}: begins with its size, but no function takes it")
    return found


def split(parameters: str) -> list[str]:
    return [part.strip() for part in parameters.split(",")]


class Tables:
    def __init__(self, headers: Headers) -> None:
        self.headers = headers
        self.objects = objects(headers)
        self.lines: list[str] = []
        self.callbacks: list[tuple[str, bool]] = []  # and whether it is called around waits

    def add(self, text: str) -> None:
        self.lines.append(text)

    # --- types -----------------------------------------------------------------------------------

    def object_in(self, kind: str) -> str | None:
        """Of a type that points to one."""
        match = re.fullmatch(r"(?:const )?(\w+) \*", kind)
        return match[1] if match and match[1] in self.objects else None

    def object_out(self, kind: str) -> str | None:
        match = re.fullmatch(r"(\w+) \*\*", kind)
        return match[1] if match and match[1] in self.objects else None

    def enumerators(self, kind: str) -> tuple[str, ...]:
        match = re.fullmatch(r"enum (\w+)", kind)
        return self.headers.types[match[1]].enumerators if match else ()

    # --- callbacks -------------------------------------------------------------------------------

    def callback(self, name: str, kind: str, waits: bool) -> str:
        """A function for a pointer of this type; it does as little as it may."""
        match = POINTER_TO_FUNCTION.fullmatch(kind)
        if not match:
            raise Wrong(f"{name}: a type of which there is none to hand in: {kind}")
        parameters = split(match["parameters"])
        if parameters[-1] != "void *user":
            raise Wrong(f"{name}: a callback's last argument is void *user")
        body = [f"note_callback({len(self.callbacks)}, user);"]
        for parameter in parameters[:-1]:
            words = re.fullmatch(r"(.*?)(\w+)", parameter)
            if not words:
                raise Wrong(f"{name}: an argument without a name: {parameter}")
            of, own = words[1].strip(), words[2]
            given = [p for p in parameters if p.startswith(f"const {of}") and p != parameter]
            if given and of.endswith("*") and not of.startswith("void"):
                body.append(f"*{own} = *{given[0].split('*')[-1]};")
            elif re.fullmatch(r"u?int64_t \*", of):
                body.append(f"*{own} = 0;")
            else:
                body.append(f"(void){own};")
        result = match["result"]
        if result == "_Bool":
            body.append("return true;")
        elif result != "void":
            body.append(f"return ({result})0;")
        self.callbacks.append((name, waits))
        inside = "\n\t".join(body)
        self.add(f"static {result} on_{name}({', '.join(parameters)})\n{{\n\t{inside}\n}}\n")
        return f"on_{name}"

    # --- structures ------------------------------------------------------------------------------

    def choice(self, structure: Type, member: Named) -> str:
        """Statements that set a member."""
        kind, name = member
        if values := self.enumerators(kind):
            return f"s->{name} = ((const {kind}[]){{{', '.join(values)}}})[pick(&n, {len(values)})];"
        if kind == "_Bool":
            return f"s->{name} = pick(&n, 2) != 0;"
        if kind in NUMBERS:
            return f"s->{name} = pick(&n, 2);"
        if kind == "void *" and name == "user":
            return f"s->{name} = &user_of_all;"
        if inner := structure_of(self.headers, kind, "const "):
            return f"fill_{inner.name}(&full_{inner.name}, 0);\n\ts->{name} = &full_{inner.name};"
        if POINTER_TO_FUNCTION.fullmatch(kind):
            called = f"{structure.name}_{name}"
            return f"s->{name} = {self.callback(called, kind, structure.name == 'conc_wait_hooks')};"
        raise Wrong(f"struct {structure.name}: no value is known for {kind} {name}")

    def filling(self, structure: Type) -> None:
        name = structure.name
        choices = "\n\t".join(self.choice(structure, member) for member in structure.members[1:])
        self.add(f"""\
/* One of its kinds; false: there are no more. */
static bool fill_{name}(void *structure, unsigned n)
{{
	struct {name} *s = structure;

	memset(s, 0, sizeof(*s));
	s->size = sizeof(*s);
	{choices}
	return n == 0;
}}
""")

    def structure(self, structure: Type) -> None:
        name = structure.name
        self.add(f"""\
static void default_{name}(void *structure)
{{
	*(struct {name} *)structure = (struct {name}){init_macro(structure)};
}}

static const size_t ends_{name}[] = {{
	{", ".join(self.ends(structure))}
}};
""")

    def ends(self, structure: Type) -> list[str]:
        """Before and behind each member that may be lacking: there may be a gap."""
        found = []
        for _, member in structure.members:
            place = f"offsetof(struct {structure.name}, {member})"
            found += [place, f"{place} + sizeof(((struct {structure.name} *)0)->{member})"]
        return found[1:-1]

    def compared(self, kind: str, path: str) -> list[str]:
        """Members one by one: gaps are nobody's."""
        inner = self.headers.types.get(kind.removeprefix("struct ")) if kind.startswith("struct ") else None
        if not inner:
            return [path]
        return [one for of, member in inner.members for one in self.compared(of, f"{path}.{member}")]

    def comparison(self, structure: Type) -> None:
        name = structure.name
        members = [
            one for kind, member in structure.members[1:] for one in self.compared(kind, member)
        ]
        same = "\n\t       ".join(
            f"(offsetof(struct {name}, {member}) + sizeof(x->{member}) > end ||\n"
            f"\t\tmemcmp(&x->{member}, &y->{member}, sizeof(x->{member})) == 0) &&"
            for member in members
        )
        self.add(f"""\
/* Whether what ends at most there is the same in both. */
static bool same_{name}(const void *a, const void *b, size_t end)
{{
	const struct {name} *x = a, *y = b;

	return {same}
	       true;
}}
""")

    # --- functions -------------------------------------------------------------------------------

    def argument(self, function: Function, at: int) -> str:
        kind, name = function.parameters[at]
        if self.object_in(kind):
            return f"a->handles[{at}]"
        if self.object_out(kind) or kind in RESULTS or structure_of(self.headers, kind, ""):
            return f"(void *)&a->slots[{at}]"
        if structure_of(self.headers, kind, "const "):
            return "NULL"
        if POINTER_TO_FUNCTION.fullmatch(kind):
            return self.callback(f"{function.name}_{name}", kind, False)
        if values := self.enumerators(kind):
            return values[0]
        known = ARGUMENTS_BY_NAME.get((kind, name)) or ARGUMENTS.get(kind)
        if not known:
            raise Wrong(f"{function.name}: no argument is known for {kind} {name}")
        return known

    def function(self, function: Function) -> str:
        """Defines how it is called; its line in the table."""
        name = function.name
        kinds = [kind for kind, _ in function.parameters]
        handles = [(at, found) for at, kind in enumerate(kinds) if (found := self.object_in(kind))]
        if handles[0][0] != 0:
            raise Wrong(f"{name}: the object is not its first parameter")
        for _, other in handles[1:]:
            if other != "conc_cancel":
                raise Wrong(f"{name}: what {other} is to it is not known")
        made = [(at, found) for at, kind in enumerate(kinds) if (found := self.object_out(kind))]
        arguments = [self.argument(function, at) for at in range(len(kinds))]
        writes = any("slots" in argument for argument in arguments)
        laid = [
            f"\tdefault_{structure.name}(&a->slots[{at}]);\n"
            for at, kind in enumerate(kinds)
            if (structure := structure_of(self.headers, kind, ""))
        ]
        for at, argument in enumerate(arguments):
            if "slots" in argument:
                of = kinds[at].removesuffix("*").removesuffix(" ")
                self.add(f"_Static_assert(sizeof({of}) <= sizeof(struct slot), \"{of}\");")
        answer = {"int": "ANSWERS_INT", "void": "ANSWERS_NOTHING"}.get(function.result, "ANSWERS_ANOTHER")
        called = f"api->{name}({', '.join(arguments)})"
        if function.result.endswith("*"):
            called = f"(intptr_t){called}"
        body = f"{called};\n\treturn 0;" if answer == "ANSWERS_NOTHING" else f"return {called};"
        self.add(f"""\
static intmax_t call_{name}(const struct api *api, struct arguments *a)
{{
	(void)a;
	{body}
}}
""")
        lay = "NULL"
        if laid:
            self.add(f"static void lay_{name}(struct arguments *a)\n{{\n{''.join(laid)}}}\n")
            lay = f"lay_{name}"
        frees = name == f"{handles[0][1]}_free"
        return (
            f"\t{{\"{name}\", {answer}, {'true' if frees else 'false'},"
            f" {'true' if answer == 'ANSWERS_INT' and not writes else 'false'}, {len(handles)},\n"
            f"\t {{{', '.join(str(at) for at, _ in handles)}}},"
            f" {{{', '.join(f'KIND_{kind}' for _, kind in handles)}}},\n"
            f"\t {f'KIND_{made[0][1]}' if made else '-1'}, {made[0][0] if made else 0},"
            f" {lay}, call_{name}}},"
        )

    # --- objects ---------------------------------------------------------------------------------

    def maker(self, name: str) -> None:
        maker = self.headers.functions.get(f"{name}_new")
        if not maker or f"{name}_free" not in self.headers.functions:
            raise Wrong(f"{name}: there is no {name}_new, or no {name}_free")
        before, arguments, counts = [], [], False
        for kind, parameter in maker.parameters:
            if structure := structure_of(self.headers, kind, "const "):
                before.append(
                    f"struct {structure.name} {parameter};\n\n"
                    f"\tif (!fill_{structure.name}(&{parameter}, n))\n\t\treturn NO_MORE;"
                )
                arguments.append(f"&{parameter}")
                counts = True
            elif parent := self.object_in(kind):
                before.append(
                    f"int rc = make_parent(api, KIND_{parent}, n, object);\n\n"
                    "\tif (rc != 0)\n\t\treturn rc;"
                )
                arguments.append("object->parent->self")
                counts = True
            elif self.object_out(kind):
                arguments.append("(void *)&object->self")
            else:
                raise Wrong(f"{maker.name}: no argument is known for {kind} {parameter}")
        if not counts:
            before.append("if (n > 0)\n\t\treturn NO_MORE;")
        self.add(f"""\
static int make_{name}(const struct api *api, unsigned n, struct object *object)
{{
	{before[0]}
	return api->{maker.name}({", ".join(arguments)});
}}

static void free_{name}(const struct api *api, void *self)
{{
	api->{name}_free(self);
}}
""")

    # --- ways for structures ---------------------------------------------------------------------

    def way_in(self, number: int, route: Route) -> int | str:
        """Defines how it goes in; what is made."""
        made, out = "-1", ""
        arguments = []
        for at, (kind, name) in enumerate(route.function.parameters):
            if at == route.at:
                arguments.append("&of_0" if route.members else "given")
            elif found := self.object_out(kind):
                made, out = f"KIND_{found}", f"\t{found} *out = *made;\n"
                arguments.append("&out")
            else:
                raise Wrong(f"{route.name}: no argument is known for {kind} {name}")
        outer = list(enumerate(route.structures[:-1]))
        kinds = "".join(f"\tstruct {structure.name} of_{i};\n" for i, structure in outer)
        fills = "".join(
            f"\tif (!fill_{structure.name}(&of_{i}, {'n' if i == 0 else '0'}))\n\t\treturn NO_MORE;\n"
            for i, structure in outer
        ) + "".join(
            f"\tof_{i}.{route.members[i]} = {'given' if i == len(outer) - 1 else f'&of_{i + 1}'};\n"
            for i, _ in outer
        )
        keeps = "\t*made = out;\n" if out else "\t(void)made;\n"
        self.add(f"""\
/* {route.name} */
static int apply_{number}(const struct api *api, unsigned n, const void *given, void **made)
{{
{out}{kinds}	int rc;

	(void)n;
{fills}	rc = api->{route.function.name}({", ".join(arguments)});
{keeps}	return rc;
}}
""")
        return made

    def way_out(self, number: int, route: Route) -> str:
        """Defines how it is fetched; from what."""
        kinds = [kind for kind, _ in route.function.parameters]
        if len(kinds) != 2 or route.at != 1 or not self.object_in(kinds[0]):
            raise Wrong(f"{route.name}: it is not known what fills it in")
        self.add(f"""\
/* {route.name} */
static int fetch_{number}(const struct api *api, void *self, void *given)
{{
	return api->{route.function.name}(self, given);
}}
""")
        return f"KIND_{self.object_in(kinds[0])}"

    def route(self, number: int, route: Route) -> str:
        last = route.structures[-1]
        if route.comes_out:
            kind = self.way_out(number, route)
            self.comparison(last)
            ways = f"NULL, false, NULL, -1, {kind}, fetch_{number}, same_{last.name}"
        else:
            made = self.way_in(number, route)
            nested = "true" if route.members else "false"
            ways = f"fill_{last.name}, {nested}, apply_{number}, {made}, -1, NULL, NULL"
        return (
            f"\t{{\"{route.name}\", sizeof(struct {last.name}), ends_{last.name}, COUNT(ends_{last.name}),\n"
            f"\t default_{last.name}, {ways}}},"
        )

    # --- all of it -------------------------------------------------------------------------------

    def text(self) -> str:
        functions = list(self.headers.functions.values())
        pointers = "".join(
            f"\t{f.result} (*{f.name})({', '.join(kind for kind, _ in f.parameters) or 'void'});\n"
            for f in functions
        )
        self.add(f"""\
/* Generated from the public headers. */
#ifndef API_TABLES_H
#define API_TABLES_H

#include "harness.h"

struct api {{
{pointers}}};

static inline void load(struct api *api, void *library)
{{
	void *symbol;
""")
        for f in functions:
            self.add(
                f"\tsymbol = dlsym(library, \"{f.name}\");\n"
                f"\tif (symbol == NULL)\n\t\tcannot(\"{f.name} is not there\");\n"
                f"\tmemcpy(&api->{f.name}, &symbol, sizeof(symbol));"
            )
        self.add("}\n\n#ifdef LINKED\nstatic inline void load_linked(struct api *api)\n{")
        self.lines += [f"\tapi->{f.name} = {f.name};" for f in functions]
        self.add("}\n#endif\n\nenum {")
        self.lines += [f"\tKIND_{name}," for name in self.objects]
        self.add("};\n\nstatic int make_parent(const struct api *api, unsigned kind, unsigned n,\n"
                 "\t\t       struct object *child);\n")
        every = routes(self.headers)
        filled = {route.structures[-1].name for route in every if not route.comes_out}
        nested = {route.structures[-1].name for route in every if route.members}
        for name in sorted(filled):
            self.add(f"static bool fill_{name}(void *structure, unsigned n);")
        for name in sorted(nested):
            self.add(f"static struct {name} full_{name};")
        for structure in growing(self.headers).values():
            self.structure(structure)
            if structure.name in filled:
                self.filling(structure)
        for name in self.objects:
            self.maker(name)
        with_objects = [f for f in functions if any(self.object_in(kind) for kind, _ in f.parameters)]
        table = [self.function(f) for f in with_objects]
        self.add("static const struct function functions[] = {")
        self.lines += table
        self.add("};\n\nstatic const struct kind kinds[] = {")
        self.lines += [f"\t{{\"{name}\", make_{name}, free_{name}}}," for name in self.objects]
        self.add("};\n")
        ways = [self.route(number, route) for number, route in enumerate(every)]
        self.add("static const struct route routes[] = {")
        self.lines += ways
        self.add("};\n\nstatic const char *const callback_names[CALLBACKS_MOST] = {")
        self.lines += [f"\t\"{name}\"," for name, _ in self.callbacks]
        self.add("};\n\nstatic inline void note_waits(void)\n{\n\t"
                 f"_Static_assert({len(self.callbacks)} <= CALLBACKS_MOST, \"callbacks\");\n")
        self.lines += [f"\tcallback_waits[{i}] = true;" for i, (_, waits) in enumerate(self.callbacks) if waits]
        self.add("}\n\n#endif")
        return "\n".join(self.lines) + "\n"


def initializers(headers: Headers) -> str:
    """A program, in what C99 and C++98 have in common: what the CONC_X_INIT macros set."""
    found = []
    for structure in growing(headers).values():
        macro = init_macro(structure)
        if macro not in headers.constants:
            raise Wrong(f"struct {structure.name}: there is no {macro}")
        name = structure.name
        members = [path for kind, member in structure.members[1:]
                   for path in Tables(headers).compared(kind, member)]
        checks = "\n".join(
            f"\tif (memcmp(&own.{path}, &cleared.{path}, sizeof(own.{path})) != 0 ||\n"
            f"\t    memcmp(&outside_{name}.{path}, &cleared.{path}, sizeof(own.{path})) != 0)\n"
            f"\t\twrong(\"{macro}: {path} is not the default\");"
            for path in members
        )
        found.append(f"""\
static const struct {name} outside_{name} = {macro};

static void check_{name}(void)
{{
	struct {name} own = {macro}, cleared;

	memset(&cleared, 0, sizeof(cleared));
	if (own.size != sizeof(own) || outside_{name}.size != sizeof(own))
		wrong("{macro}: its size");
{checks}
}}
""")
    calls = "\n".join(f"\tcheck_{name}();" for name in growing(headers))
    return f"""\
#include <concurrency.h>

#include <stdio.h>
#include <string.h>

static int wrongs;

static void wrong(const char *what)
{{
	printf("%s\\n", what);
	wrongs++;
}}

{"".join(found)}
int main(void)
{{
{calls}
	return wrongs != 0;
}}
"""


def from_headers(headers: Headers) -> str:
    return Tables(headers).text()

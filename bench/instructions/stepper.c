/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a program and writes down every instruction that it executes in every
 * second section between two marks, a mark being a call of getppid():
 *
 *   stepper OUTPUT PROGRAM ARGUMENT...
 *
 *     getppid()  written down  getppid()  passed over
 *     getppid()  passed over   getppid()  passed over      and so on, by fours
 *
 * which is how paths.c and paths.py mark their loops: of the two lengths of
 * each the shorter one.  The processor stops after each instruction
 * (PTRACE_SINGLESTEP) and a record of it is written before it runs: where it
 * is, its code, and the registers that its operand may be addressed by.  A
 * record of zeros ends a section.  steps.py reads them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

struct record {
	uint64_t rip;
	/* As instructions number them: rax rcx rdx rbx rsp rbp rsi rdi r8 ... r15 */
	uint64_t general[16];
	uint64_t fs;
	unsigned char code[16];
};

struct traced {
	pid_t pid;
	int memory;
	FILE *output;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void become(char **program)
{
	/* Addresses that are the same every time. */
	if (personality(ADDR_NO_RANDOMIZE) < 0)
		die("personality");
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		die("ptrace");
	execv(program[0], program);
	die(program[0]);
}

/* Goes on as `request` says until the next stop.  Exits with the program. */
static void go_on(struct traced *traced, enum __ptrace_request request)
{
	int status, signal = 0;

	for (;;) {
		if (ptrace(request, traced->pid, NULL, (long)signal) < 0 ||
		    waitpid(traced->pid, &status, 0) < 0)
			die("ptrace");
		if (!WIFSTOPPED(status)) {
			if (fclose(traced->output) != 0)
				die("the output");
			exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
		}
		signal = WSTOPSIG(status);
		if (signal == SIGTRAP || signal == (SIGTRAP | 0x80))
			return;
	}
}

static void read_registers(const struct traced *traced,
			   struct user_regs_struct *registers)
{
	if (ptrace(PTRACE_GETREGS, traced->pid, NULL, registers) < 0)
		die("ptrace");
}

/* Stops behind the next mark. */
static void find_mark(struct traced *traced)
{
	struct user_regs_struct registers;

	do {
		go_on(traced, PTRACE_SYSCALL);
		read_registers(traced, &registers);
	} while (registers.orig_rax != SYS_getppid);
	go_on(traced, PTRACE_SYSCALL);
}

static struct record make_record(const struct traced *traced,
				 const struct user_regs_struct *r)
{
	struct record record = {
		.rip = r->rip,
		.general = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp,
			    r->rsi, r->rdi, r->r8, r->r9, r->r10, r->r11, r->r12,
			    r->r13, r->r14, r->r15},
		.fs = r->fs_base,
	};

	/* Less than asked for at the end of the code. */
	if (pread(traced->memory, record.code, sizeof(record.code),
		  (off_t)r->rip) <= 0)
		die("the program's code");
	return record;
}

static int is_mark(const struct record *record)
{
	return record->code[0] == 0x0f && record->code[1] == 0x05 &&
	       record->general[0] == SYS_getppid;
}

static void write_record(struct traced *traced, const struct record *record)
{
	if (fwrite(record, sizeof(*record), 1, traced->output) != 1)
		die("the output");
}

/* From behind a mark until right before the next. */
static void write_section(struct traced *traced)
{
	static const struct record end;
	struct user_regs_struct registers;
	struct record record;

	for (;;) {
		read_registers(traced, &registers);
		record = make_record(traced, &registers);
		if (is_mark(&record))
			break;
		write_record(traced, &record);
		go_on(traced, PTRACE_SINGLESTEP);
	}
	write_record(traced, &end);
}

static void start(struct traced *traced, char **program)
{
	char path[64];
	int status;

	traced->pid = fork();
	if (traced->pid < 0)
		die("fork");
	if (traced->pid == 0)
		become(program);
	if (waitpid(traced->pid, &status, 0) < 0 || !WIFSTOPPED(status))
		die("the program did not start");
	if (ptrace(PTRACE_SETOPTIONS, traced->pid, NULL,
		   (long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) < 0)
		die("ptrace");
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)traced->pid);
	traced->memory = open(path, O_RDONLY | O_CLOEXEC);
	if (traced->memory < 0)
		die(path);
}

int main(int arguments, char **argument)
{
	struct traced traced;

	if (arguments < 3) {
		fprintf(stderr, "usage: %s OUTPUT PROGRAM ARGUMENT...\n",
			argument[0]);
		return 2;
	}
	traced.output = fopen(argument[1], "wb");
	if (traced.output == NULL)
		die(argument[1]);
	start(&traced, argument + 2);
	for (;;) {
		find_mark(&traced);
		write_section(&traced);
		/* The end of this section, both ends of the longer one. */
		for (int i = 0; i < 3; i++)
			find_mark(&traced);
	}
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the driver sees of the Java peers: it starts the JVM and makes their
 * objects; their loops, and the threads that run them, are Java's.  All of this
 * runs on the driver's main thread, which is the one that the JVM knows.
 */
#include <jni.h>

#include "bench.h"
#include "java_peers.h"
#include "measure.h"

/* ---- the JVM ------------------------------------------------------------ */

/*
 * A heap of one size, touched before anything is timed, so that no time goes to
 * growing it; the collector with the cheapest reference stores; and a loop waits
 * until it is compiled, instead of competing with the compiler for a core.
 */
static JavaVMOption options[] = {
	{.optionString = (char[]){"-Djava.class.path=" CLASS_PATH}},
	{.optionString = (char[]){"-Xms1g"}},
	{.optionString = (char[]){"-Xmx1g"}},
	{.optionString = (char[]){"-Xmn600m"}},
	{.optionString = (char[]){"-XX:+AlwaysPreTouch"}},
	{.optionString = (char[]){"-XX:+UseParallelGC"}},
	{.optionString = (char[]){"-Xbatch"}},
};

/* With that, so much is enough for everything to be compiled for good. */
#define WARM_UP INT64_C(500000000)

static struct {
	JNIEnv *env;
	enum kind kind; /* what is measured: a process measures one peer */
	jclass task;
	jmethodID new_task, run, run_all, fill, value;
	jfieldID sum, began, ended;
} java;

#define JAVA(function, ...) ((*java.env)->function(java.env, __VA_ARGS__))

/* Ends the program if Java threw something. */
static void check(void)
{
	if (!(*java.env)->ExceptionCheck(java.env))
		return;
	(*java.env)->ExceptionDescribe(java.env);
	bench_die("Java threw an exception");
}

static jclass find_class(const char *name)
{
	jclass found = JAVA(FindClass, name);

	check();
	return JAVA(NewGlobalRef, found);
}

static jmethodID find_method(jclass class, const char *name, const char *type)
{
	jmethodID found = JAVA(GetMethodID, class, name, type);

	check();
	return found;
}

static void find_task(void)
{
	java.task = find_class("Task");
	java.new_task = find_method(java.task, "<init>",
				    "(LPeer;LPeer;ILjava/nio/ByteBuffer;"
				    "[Ljava/lang/String;IJ)V");
	java.run = find_method(java.task, "runOnce", "()J");
	java.run_all = JAVA(GetStaticMethodID, java.task, "runAll", "([LTask;)V");
	java.sum = JAVA(GetFieldID, java.task, "sum", "J");
	java.began = JAVA(GetFieldID, java.task, "began", "J");
	java.ended = JAVA(GetFieldID, java.task, "ended", "J");
	check();
}

static void start_java(void)
{
	JavaVMInitArgs arguments = {
		.version = JNI_VERSION_10,
		.nOptions = sizeof(options) / sizeof(options[0]),
		.options = options,
	};
	JavaVM *jvm;

	if (java.env != NULL)
		return;
	if (JNI_CreateJavaVM(&jvm, (void **)&java.env, &arguments) != JNI_OK)
		bench_die("the JVM does not start");
	find_task();
}

/* ---- objects ------------------------------------------------------------ */

/* Only the class that is measured is loaded: the JIT then calls it directly. */
static void *make_peer(const char *name, enum kind kind, size_t expected)
{
	jclass class;
	jobject peer;

	start_java();
	java.kind = kind;
	class = find_class(name);
	peer = JAVA(NewObject, class, find_method(class, "<init>", "(I)V"),
		    (jint)expected);
	check();
	return JAVA(NewGlobalRef, peer);
}

static void destroy(void *object)
{
	JAVA(DeleteGlobalRef, object);
}

static const void *prepare(const char *keys, size_t count)
{
	jobjectArray strings;
	size_t i, j;

	start_java();
	strings = JAVA(NewObjectArray, (jsize)count,
		       find_class("java/lang/String"), NULL);
	check();
	for (i = 0; i < count; i++) {
		jchar letters[STRING_LENGTH];
		jstring string;

		for (j = 0; j < STRING_LENGTH; j++)
			letters[j] = (unsigned char)keys[i * STRING_LENGTH + j];
		string = JAVA(NewString, letters, STRING_LENGTH);
		check();
		JAVA(SetObjectArrayElement, strings, (jsize)i, string);
		JAVA(DeleteLocalRef, string);
	}
	return JAVA(NewGlobalRef, strings);
}

static void fill(void *map, const void *keys, size_t count)
{
	jmethodID method = find_method(find_class("StringMap"), "fill",
				       "([Ljava/lang/String;)V");

	(void)count;
	JAVA(CallVoidMethod, map, method, (jobject)keys);
	check();
}

static int64_t value(void *counter)
{
	jlong found = JAVA(CallLongMethod, counter,
			   find_method(find_class("Peer"), "value", "()J"));

	check();
	return found;
}

/* ---- tasks -------------------------------------------------------------- */

/* Java reads the steps where they are. */
static jobject make_task(const struct task *task)
{
	jobject steps = NULL, strings = NULL, made;

	if (java.kind == KIND_MAP)
		steps = JAVA(NewDirectByteBuffer, (void *)task->steps,
			     (jlong)(task->count * sizeof(uint64_t)));
	else if (java.kind == KIND_STRINGS)
		strings = (jobject)task->steps;
	made = JAVA(NewObject, java.task, java.new_task, task->object,
		    task->other, (jint)task->loop, steps, strings,
		    (jint)task->count, (jlong)task->passes);
	check();
	return made;
}

static int64_t run(const struct task *task)
{
	jlong sum;

	JAVA(PushLocalFrame, 4);
	sum = JAVA(CallLongMethod, make_task(task), java.run);
	check();
	JAVA(PopLocalFrame, NULL);
	return sum;
}

static void run_all(struct task *tasks, unsigned count)
{
	jobjectArray made;
	unsigned i;

	JAVA(PushLocalFrame, 4 * (jint)count + 1);
	made = JAVA(NewObjectArray, (jsize)count, java.task, NULL);
	check();
	for (i = 0; i < count; i++)
		JAVA(SetObjectArrayElement, made, (jsize)i,
		     make_task(&tasks[i]));
	JAVA(CallStaticVoidMethod, java.task, java.run_all, made);
	check();
	for (i = 0; i < count; i++) {
		jobject task = JAVA(GetObjectArrayElement, made, (jsize)i);

		tasks[i].sum = JAVA(GetLongField, task, java.sum);
		tasks[i].began = JAVA(GetLongField, task, java.began);
		tasks[i].ended = JAVA(GetLongField, task, java.ended);
	}
	JAVA(PopLocalFrame, NULL);
}

/* ---- what this program measures ----------------------------------------- */

#define LIBRARY(variable, class, kind_, name_, how_, differs_, cannot_, missing_) \
	static void *make_##variable(size_t expected)                         \
	{                                                                     \
		return make_peer(class, kind_, expected);                     \
	}                                                                     \
	static const struct library variable = {                              \
		.kind = kind_,                                                \
		.name = name_,                                                \
		.how = how_,                                                  \
		.differs = differs_,                                          \
		.cannot = cannot_,                                            \
		.missing = missing_,                                          \
		.make = make_##variable,                                      \
		.destroy = destroy,                                           \
		.run = run,                                                   \
		.prepare = kind_ == KIND_STRINGS ? prepare : NULL,            \
		.fill = kind_ == KIND_STRINGS ? fill : NULL,                  \
		.value = kind_ == KIND_COUNTER ? value : NULL,                \
		.run_all = run_all,                                           \
		.warm_up = WARM_UP,                                           \
	}

static const char boxed[] = "JIT-inlined; each call boxes the key and what it stores",
		  unboxed[] = "JIT-inlined; plain keys, boxes what it stores",
		  items[] = "JIT-inlined; the items are boxed beforehand",
		  inlined[] = "JIT-inlined", bounded[] = "bounded";

LIBRARY(hash, "Maps$Hash", KIND_MAP, "Java ConcurrentHashMap", boxed, NULL, 0,
	NULL);
LIBRARY(counts, "Maps$Counts", KIND_MAP, "Java ConcurrentHashMap of AtomicLong",
	"JIT-inlined; each call boxes the key", NULL, NEEDS_SET, NULL);
LIBRARY(jctools_hash, "JcTools$Hash", KIND_MAP, "JCTools NonBlockingHashMapLong",
	unboxed, NULL, 0, NO_JCTOOLS);
LIBRARY(strings, "StringMap", KIND_STRINGS, "Java ConcurrentHashMap",
	"JIT-inlined; each string keeps its hash after the first use", NULL, 0,
	NULL);
LIBRARY(linked, "Queues$Linked", KIND_QUEUE, "Java ConcurrentLinkedQueue", items,
	NULL, NEEDS_WAIT, NULL);
LIBRARY(blocking, "Queues$LinkedBlocking", KIND_QUEUE, "Java LinkedBlockingQueue",
	items, NULL, 0, NULL);
LIBRARY(transfer, "Queues$Transfer", KIND_QUEUE, "Java LinkedTransferQueue",
	items, NULL, 0, NULL);
LIBRARY(array, "Queues$ArrayBlocking", KIND_QUEUE, "Java ArrayBlockingQueue",
	items, bounded, 0, NULL);
LIBRARY(jctools_xadd, "JcToolsXadd", KIND_QUEUE,
	"JCTools MpmcUnboundedXaddArrayQueue", items, NULL, NEEDS_WAIT, NO_XADD);
LIBRARY(jctools_array, "JcTools$Array", KIND_QUEUE, "JCTools MpmcArrayQueue",
	items, bounded, NEEDS_WAIT, NO_JCTOOLS);
LIBRARY(counter, "Counters$Atomic", KIND_COUNTER, "Java AtomicLong", inlined,
	NULL, 0, NULL);
LIBRARY(adder, "Counters$Adder", KIND_COUNTER, "Java LongAdder", inlined,
	"its value is exact only while nobody adds", 0, NULL);

const struct library *const libraries[] = {
	&hash, &counts, &jctools_hash, &strings, &linked, &blocking, &transfer,
	&array, &jctools_xadd, &jctools_array, &counter, &adder, NULL,
};

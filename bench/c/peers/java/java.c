/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the driver sees of the Java peers: it starts the JVM and makes their
 * objects; their loops, and the threads that run them, are Java's.  All of this
 * runs on the driver's main thread, which is the one that the JVM knows.
 */
#include <jni.h>

#include "bench.h"
#include "java_peers.h"

/* ---- the JVM ------------------------------------------------------------ */

/*
 * A heap of one size, touched before anything is timed, so that no time goes to
 * growing it; the collector with the cheapest reference stores; and a loop
 * waits until it is compiled, instead of competing with the compiler for a
 * core.
 */
static JavaVMOption options[] = {
	{.optionString = (char[]){"-Djava.class.path=" CLASS_PATH}},
	{.optionString = (char[]){"-Xms640m"}},
	{.optionString = (char[]){"-Xmx640m"}},
	{.optionString = (char[]){"-Xmn400m"}},
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

/*
 * What Java returns to C stays alive until the frame is closed around it; the
 * first one is never closed, as main() is called by nobody in Java.
 */
static void open_frame(unsigned references)
{
	JAVA(PushLocalFrame, (jint)references);
	check();
}

static void close_frame(void)
{
	JAVA(PopLocalFrame, NULL);
}

static jclass find_class(const char *name)
{
	jclass found = JAVA(FindClass, name);

	check();
	return found;
}

static jmethodID find_method(jclass class, const char *name, const char *type)
{
	jmethodID found = JAVA(GetMethodID, class, name, type);

	check();
	return found;
}

static void find_methods(void)
{
	jclass peer = find_class("Peer");

	java.fill = find_method(peer, "fill", "([Ljava/lang/String;)V");
	java.value = find_method(peer, "value", "()J");
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
	find_methods();
}

/* ---- objects ------------------------------------------------------------ */

/* So that what the last object has left is collected in no other's time. */
static void collect(void)
{
	jclass system = find_class("java/lang/System");

	JAVA(CallStaticVoidMethod, system,
	     JAVA(GetStaticMethodID, system, "gc", "()V"));
	check();
}

/* Only the class that is measured is loaded: the JIT then calls it directly. */
static void *make_peer(const char *name, enum kind kind, size_t expected)
{
	jclass class;
	jobject peer;

	start_java();
	java.kind = kind;
	open_frame(3);
	collect();
	class = find_class(name);
	peer = JAVA(NewObject, class, find_method(class, "<init>", "(I)V"),
		    (jint)expected);
	check();
	peer = JAVA(NewGlobalRef, peer);
	close_frame();
	return peer;
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
	(void)count;
	JAVA(CallVoidMethod, map, java.fill, (jobject)keys);
	check();
}

static int64_t value(void *counter)
{
	jlong found = JAVA(CallLongMethod, counter, java.value);

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

	open_frame(3);
	sum = JAVA(CallLongMethod, make_task(task), java.run);
	check();
	close_frame();
	return sum;
}

static void run_all(struct task *tasks, unsigned count)
{
	jobjectArray made;
	unsigned i;

	open_frame(4 * count + 1);
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
	close_frame();
}

/* ---- what this program measures ----------------------------------------- */

#define LIBRARY(variable, class, kind_, name_, how_, differs_,		      \
		cannot_, missing_)					      \
	static void *make_##variable(size_t expected)			      \
	{								      \
		return make_peer(class, kind_, expected);		      \
	}								      \
	static const struct library variable = {			      \
		.kind = kind_,						      \
		.name = name_,						      \
		.how = how_,						      \
		.differs = differs_,					      \
		.cannot = cannot_,					      \
		.make = make_##variable,				      \
		.destroy = destroy,					      \
		.run = run,						      \
		.prepare = kind_ == KIND_STRINGS ? prepare : NULL,	      \
		.fill = kind_ == KIND_STRINGS ? fill : NULL,		      \
		.value = kind_ == KIND_COUNTER ? value : NULL,		      \
		.run_all = run_all,					      \
		.warm_up = WARM_UP,					      \
		.missing = missing_,					      \
	}

static const char inlined[] = "JIT-inlined",
		  boxed[] = "JIT-inlined; keys and values boxed by each call",
		  boxed_keys[] = "JIT-inlined; keys boxed by each call",
		  boxed_values[] = "JIT-inlined; values boxed by each call",
		  items[] = "JIT-inlined; items boxed beforehand";

LIBRARY(hash, "Maps$Hash", KIND_MAP, "Java ConcurrentHashMap", boxed, NULL, 0,
	NULL);
LIBRARY(counts, "Maps$Counts", KIND_MAP, "Java ConcurrentHashMap of AtomicLong",
	boxed_keys, NULL, NEEDS_SET, NULL);
LIBRARY(jctools_hash, "JcTools$Hash", KIND_MAP, "JCTools NonBlockingHashMapLong",
	boxed_values, NULL, 0, NO_JCTOOLS);
LIBRARY(strings, "StringMap", KIND_STRINGS, "Java ConcurrentHashMap",
	"JIT-inlined; a string keeps its hash", NULL, 0,
	NULL);
LIBRARY(linked, "Queues$Linked", KIND_QUEUE, "Java ConcurrentLinkedQueue", items,
	NULL, NEEDS_WAIT, NULL);
LIBRARY(blocking, "Queues$LinkedBlocking", KIND_QUEUE, "Java LinkedBlockingQueue",
	items, NULL, 0, NULL);
LIBRARY(transfer, "Queues$Transfer", KIND_QUEUE, "Java LinkedTransferQueue",
	items, NULL, 0, NULL);
LIBRARY(array, "Queues$ArrayBlocking", KIND_QUEUE, "Java ArrayBlockingQueue",
	items, "bounded", 0, NULL);
LIBRARY(jctools_xadd, "JcToolsXadd", KIND_QUEUE,
	"JCTools MpmcUnboundedXaddArrayQueue", items, NULL, NEEDS_WAIT, NO_XADD);
LIBRARY(jctools_array, "JcTools$Array", KIND_QUEUE, "JCTools MpmcArrayQueue",
	items, "bounded", NEEDS_WAIT, NO_JCTOOLS);
LIBRARY(counter, "Counters$Atomic", KIND_COUNTER, "Java AtomicLong", inlined,
	NULL, 0, NULL);
LIBRARY(adder, "Counters$Adder", KIND_COUNTER, "Java LongAdder", inlined,
	"its value is exact only while nobody adds", 0, NULL);

const struct library *const libraries[] = {
	&hash, &counts, &jctools_hash, &strings, &linked, &blocking, &transfer,
	&array, &jctools_xadd, &jctools_array, &counter, &adder, NULL,
};

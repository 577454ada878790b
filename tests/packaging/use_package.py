# SPDX-License-Identifier: LGPL-2.1-or-later
"""A short use of each class, from several threads, with nothing but the interpreter and the package."""

import threading

from concurrency import (
    AtomicFlag,
    AtomicInt64,
    AtomicReference,
    ConcurrentDict,
    ConcurrentGatheringIterator,
    ConcurrentQueue,
    LocalWrapper,
    ShutDown,
    StdConcurrentQueue,
)

THREADS = 4
TIMES = 1000

numbers: ConcurrentQueue[int] = ConcurrentQueue()
bounded: StdConcurrentQueue[int] = StdConcurrentQueue(2)
counts: ConcurrentDict[int, int] = ConcurrentDict()
gathered: ConcurrentGatheringIterator[int] = ConcurrentGatheringIterator()
total = AtomicInt64()
last: AtomicReference[list[int] | None] = AtomicReference()
worked = AtomicFlag(False)


def work() -> None:
    """Takes numbers until there are no more."""
    wrapper = LocalWrapper(counts)
    try:
        while True:
            number = numbers.pop()
            wrapper.add(number % 10)
            bounded.put(total.add(number))
            bounded.get()
            gathered.insert(number, number * number)
            last.exchange([number])
            worked.set(True)
    except ShutDown:
        pass


threads = [threading.Thread(target=work) for _ in range(THREADS)]
for thread in threads:
    thread.start()
for number in range(TIMES):
    numbers.push(number)
numbers.shutdown()
for thread in threads:
    thread.join()
assert list(gathered.iterator(TIMES - 1)) == [number * number for number in range(TIMES)]
assert total.get() == TIMES * (TIMES - 1) // 2
assert counts.as_dict() == {digit: TIMES // 10 for digit in range(10)}
assert bounded.empty() and worked and last.get() is not None
print("each class was used")

// SPDX-License-Identifier: LGPL-2.1-or-later
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** The JDK's. */
final class Maps {
    private Maps() {}

    static final class Hash extends IntMap {
        private final ConcurrentHashMap<Long, Long> map = new ConcurrentHashMap<>();

        Hash(int expected) {}

        @Override
        long get(long key) {
            Long value = map.get(key);
            return value == null ? 0 : value;
        }

        @Override
        void set(long key, long value) {
            map.put(key, value);
        }

        @Override
        void delete(long key) {
            map.remove(key);
        }

        @Override
        void add(long key) {
            map.merge(key, 1L, Long::sum);
        }
    }

    /** Nothing but counts. */
    static final class Counts extends IntMap {
        private final ConcurrentHashMap<Long, AtomicLong> map = new ConcurrentHashMap<>();

        Counts(int expected) {}

        @Override
        long get(long key) {
            AtomicLong count = map.get(key);
            return count == null ? 0 : count.get();
        }

        @Override
        void set(long key, long value) {
            throw new UnsupportedOperationException();
        }

        @Override
        void delete(long key) {
            throw new UnsupportedOperationException();
        }

        @Override
        void add(long key) {
            AtomicLong count = map.get(key);
            if (count == null) {
                count = map.computeIfAbsent(key, unused -> new AtomicLong());
            }
            count.getAndIncrement();
        }
    }
}
